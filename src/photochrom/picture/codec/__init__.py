"""libvips, wrapped: arrays in and out, explicit loaders, errors of one line.

Loaders are called by name, on a source: no file name is parsed for options, and no other decoder of
libvips sees a byte of an untrusted file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, BinaryIO, TypeVar

import numpy as np

from ...color import Codes
from ...media import FORMATS

_DTYPES: dict[str, Any] = {"uchar": np.uint8, "ushort": np.uint16}
_KINDS = {np.dtype(np.uint8): "uchar", np.dtype(np.uint16): "ushort"}
_T = TypeVar("_T")


@cache
def library() -> Any:
    """pyvips, imported when it is needed first.

    It decodes messages of libvips as UTF-8, and would fail, or print to stderr, over one that
    quotes bytes of a damaged file; so it is given a decoder that does not.
    """
    import pyvips

    def text(message: Any) -> str:
        if message == pyvips.ffi.NULL:
            return ""
        raw = pyvips.ffi.string(message)
        return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)

    pyvips._to_string = pyvips.error._to_string = text
    return pyvips


def load(format: str, path: str | None, data: bytes | None, **options: Any) -> Any:
    """A libvips image that decodes on demand, from top to bottom, once.

    Args:
        format: key of FORMATS, one that libvips reads.
        path: where the file is, used if ``data`` is None.
        data: the file's bytes.
        options: of the libvips operation (``page``, ``unlimited``, ``fail_on``).

    Raises:
        pyvips.Error: the header is damaged.
    """
    pyvips = library()
    pyvips.vips_lib.vips_error_clear()  # what harmless events before this left behind
    if data is None:
        origin = pyvips.Source.new_from_file(path)
    else:
        origin = pyvips.Source.new_from_memory(data)
    loader = getattr(pyvips.Image, f"{FORMATS[format].vips}load_source")
    return loader(origin, access="sequential", **{"fail_on": "error", **options})


def image_of(samples: Codes) -> Any:
    """A libvips image over the memory of ``(H, W)`` or ``(H, W, C)`` samples, not a copy."""
    pyvips = library()
    samples = np.ascontiguousarray(samples)
    height, width = samples.shape[:2]
    bands = 1 if samples.ndim == 2 else samples.shape[2]
    deep = samples.dtype == np.uint16
    image = pyvips.Image.new_from_memory(samples, width, height, bands, _KINDS[samples.dtype])
    grey, colour = ("grey16", "rgb16") if deep else ("b-w", "srgb")
    return image.copy(interpretation=grey if bands < 3 else colour)


def array_of(image: Any) -> Codes:
    """The samples of a libvips image as ``(H, W, C)``; decodes it; the memory is libvips's own."""
    memory = image.write_to_memory()
    samples: Codes = np.frombuffer(memory, dtype=_DTYPES[str(image.format)])
    return samples.reshape(image.height, image.width, image.bands)


def upright(samples: Codes, orientation: int) -> Codes:
    """``(H, W)`` or ``(H, W, C)`` samples turned as an EXIF orientation of 1...8 demands."""
    if orientation == 1:
        return samples
    if orientation > 4:
        samples = samples.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return np.ascontiguousarray(samples)


def metadata_field(image: Any, name: str) -> Any:
    """A metadata field of a libvips image, None if it has no such field."""
    return image.get(name) if image.get_typeof(name) else None


def set_blob(image: Any, name: str, value: bytes | None) -> None:
    """Set a binary metadata field, if there is a value for it."""
    pyvips = library()
    if value:
        image.set_type(pyvips.GValue.blob_type, name, value)


_NOISE = re.compile(r"bad seek|write failed|unable to open source|^unable to (call|write)|^\s*$")
_PREFIX = re.compile(
    r"^(?:[\w ]*(?:2vips|vips2\w+|Vips\w+|vipspng|load\w*|save\w*|heif|webp)\w*: )+"
)


def reason(error: Exception) -> str:
    """What a libvips error says, in one short line."""
    lines = str(getattr(error, "detail", "") or error).splitlines()
    useful = [line for line in lines if not _NOISE.search(line)] or ["damaged data"]
    words = _PREFIX.sub("", useful[0].strip())[:200]
    return "damaged or cut-off data" if words == "libpng read error" else words


class FileTarget:
    """A libvips target that writes into an open, seekable Python file.

    libvips reports a failed write only as such; the exception of the file is kept in ``error``.
    """

    def __init__(self, file: BinaryIO) -> None:
        pyvips = library()
        self.error: OSError | None = None
        self._file = file
        self.target = pyvips.TargetCustom()
        self.target.on_write(self._write)
        self.target.on_read(self._read)
        self.target.on_seek(self._seek)

    def _write(self, data: Any) -> int:
        return self._guarded(lambda: self._file.write(data), -1)

    def _read(self, size: int) -> bytes:
        return self._guarded(lambda: self._file.read(size), b"")

    def _seek(self, offset: int, whence: int) -> int:
        return self._guarded(lambda: self._file.seek(offset, whence), -1)

    def _guarded(self, act: Callable[[], _T], failed: _T) -> _T:
        # An exception must not travel through libvips: it would be printed there, and lost.
        try:
            return act()
        except OSError as error:
            self.error = error
            return failed
