"""DPX and OpenEXR, the formats of film scanners, by OpenImageIO (extra ``scans``)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...color import Codes
from ...color.srgb import decode, encode, of_type
from ...errors import MissingExtraError, PictureError
from ..page import Encoding, Page
from ..source import Source
from .decoding import Decoded, check_size, damaged

_PLUGINS = {"dpx": "dpx", "exr": "openexr"}
_COLORS = (("R", "G", "B"), ("r", "g", "b"))
_ABOUT_PIXELS = (  # attributes that hold for the pixels of the source, and not for ours
    *("dpx:ImageDescriptor", "dpx:Signal", "dpx:Packing", "oiio:BitsPerSample", "oiio:subimages"),
    *("dpx:LowData", "dpx:HighData", "oiio:RowsPerChunk", "Orientation", "ICCProfile"),
)


def decode_scan(source: Source, format: str, limit: int) -> Decoded:
    """Decode a DPX or an OpenEXR.

    The codes of a DPX are taken as they are, whatever its transfer curve. The linear light of an
    OpenEXR gets sRGB's curve in 16 bits; what is beyond white is clipped.

    Raises:
        MissingExtraError: OpenImageIO is not installed.
        PictureError: it is damaged or too large.
    """
    library = _library()
    with _on_disk(source, format) as path:
        reader = library.ImageInput.open(str(path))
        if reader is None:
            raise damaged(source, format, _words(library))
        try:
            spec = reader.spec()
            check_size(source.name, (spec.width, spec.height), limit)
            wide = format == "exr" or int(spec.get_int_attribute("oiio:BitsPerSample", 16)) > 8
            kind = library.FLOAT if format == "exr" else library.UINT16 if wide else library.UINT8
            samples = reader.read_image(kind)
            if samples is None:
                raise damaged(source, format, _words(reader))
        finally:
            reader.close()
    planes, grey, lost = _planes(samples, spec)
    notes = [f"further channels ({', '.join(lost)}) not kept"] if lost else []
    if format == "exr":
        if float(planes.max(initial=0)) > 1:
            notes.append("what is beyond white was clipped")
        planes = _coded(planes)
    bits = int(spec.get_int_attribute("oiio:BitsPerSample", 0)) or None
    about = [a for a in spec.extra_attribs if a.name not in _ABOUT_PIXELS]
    garbled = [a.name for a in about if not _writable(a.value)]
    notes += [f"{name} of the header, which is not UTF-8, not kept" for name in garbled]
    encoding = Encoding(
        bits=bits if bits in (10, 12) else None,
        header=tuple((a.name, str(a.type), a.value) for a in about if a.name not in garbled),
        half=spec.format == library.HALF,
    )
    found = Decoded(samples=planes, space="grey" if grey else "rgb", encoding=encoding)
    found.notes = tuple(notes)
    found.orientation = int(spec.get_int_attribute("Orientation", 1)) or None
    return found


def encode_scan(picture: Page, file: BinaryIO, format: str, depth: int) -> None:
    """Write a DPX or OpenEXR with its source's header (needs OpenImageIO); else PictureError."""
    library = _library()
    encoding, pixels = picture.metadata.encoding, np.atleast_3d(picture.pixels)
    count = pixels.shape[2]
    if format == "exr":
        pixels = decode(pixels)
        kind = library.HALF if encoding.half or picture.format != "exr" else library.FLOAT
    else:
        pixels = of_type(pixels, np.uint16 if depth == 16 else np.uint8)
        kind = library.UINT16 if depth == 16 else library.UINT8
    spec = library.ImageSpec(picture.width, picture.height, count, kind)
    spec.channelnames = ("Y",) if count == 1 and format == "exr" else ("R", "G", "B")[:count]
    for name, type_name, value in encoding.header if picture.format == format else ():
        spec.attribute(name, library.TypeDesc(type_name), value)
    if format == "dpx" and depth == 16 and encoding.bits:
        spec.attribute("oiio:BitsPerSample", encoding.bits)
    if picture.note:
        spec.attribute("ImageDescription" if format == "dpx" else "comments", picture.note)
    with tempfile.TemporaryDirectory(prefix="photochrom-") as folder:
        path = Path(folder, f"frame.{format}")
        writer = library.ImageOutput.create(_PLUGINS[format])
        done = writer is not None and writer.open(str(path), spec) and writer.write_image(pixels)
        words = "" if done else _words(writer or library)
        if writer is not None:
            done = writer.close() and done
        if not done:
            raise PictureError(
                f"the picture cannot be written as {format.upper()}",
                expected="pixels that OpenImageIO can write",
                got=words,
                fix="choose TIFF",
            )
        file.write(path.read_bytes())


def _planes(samples: NDArray[Any], spec: Any) -> tuple[Codes, bool, list[str]]:
    """Grey or RGB of all channels, whether it is grey, and the names of the others."""
    names = list(spec.channelnames)
    for wanted in _COLORS:
        if all(name in names for name in wanted):
            places = [names.index(name) for name in wanted]
            break
    else:
        places = [0]
    lost = [name for place, name in enumerate(names) if place not in places]
    return np.ascontiguousarray(samples[..., places]), len(places) == 1, lost


def _writable(value: Any) -> bool:
    """Whether OpenImageIO takes a value back: it gives bytes that are not UTF-8 as surrogates."""
    return not isinstance(value, str) or not any("\ud800" <= sign <= "\udfff" for sign in value)


def _coded(linear: NDArray[np.float32]) -> Codes:
    """sRGB codes of 16 bits."""
    known = np.nan_to_num(linear, nan=0.0, posinf=1.0, neginf=0.0).astype(np.float32)
    codes: Codes = np.rint(encode(known) * 65535).astype(np.uint16)
    return codes


@contextmanager
def _on_disk(source: Source, format: str) -> Iterator[Path]:
    """A file of the source by a name that tells OpenImageIO its format."""
    if source.path is not None and source.path.lower().endswith(f".{format}"):
        yield Path(source.path)
        return
    with tempfile.TemporaryDirectory(prefix="photochrom-") as folder:
        path = Path(folder, f"frame.{format}")
        path.write_bytes(source.read())
        yield path


def _library() -> Any:
    try:
        import OpenImageIO
    except ImportError:
        raise MissingExtraError.of("openimageio", "scans", "DPX and OpenEXR") from None
    return OpenImageIO


def _words(owner: Any) -> str:
    """What OpenImageIO says went wrong, in one line."""
    lines = str(owner.geterror()).strip().splitlines()
    return lines[0][:200] if lines else "damaged data"
