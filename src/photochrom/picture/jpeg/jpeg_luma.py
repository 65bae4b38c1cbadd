"""The luma of a JPEG, kept beside its picture so that the coloured result can copy it.

A scan saved as Y'CbCr, or a toned print, has its luma between the blocks of Cb and Cr. jpeglib
(extra ``jpeg``) reads the coefficients, which are written to a file of Y' alone: lossless, and from
there everything is as for a grey JPEG.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ...color import Codes
from ...color.srgb import decode_formula
from ...errors import PictureError
from ..codec import upright
from . import APP0, APP14, BASELINE, EXTENDED, PROGRESSIVE, GreyJpeg, halved, is_directory, segments

_COPIED = frozenset(range(0xE0, 0xF0)) | {0xFE}


@cache
def available() -> bool:
    """Whether jpeglib is installed."""
    return find_spec("jpeglib") is not None


@dataclass(frozen=True, eq=False)
class ColorJpeg:
    """A JPEG file of Y', Cb and Cr; where `GreyJpeg` can stand, this can."""

    data: bytes  # the file
    # width, height: pixels as stored, before EXIF's orientation
    width: int
    height: int

    @property
    def keeps_rest(self) -> bool:
        """Whether `grey` has the bytes behind the end: further pictures, a film."""
        return False

    @classmethod
    def parse(cls, data: bytes) -> ColorJpeg | None:
        """The structure of a file; None if it is of another kind, or jpeglib is missing.

        Its kind is: three components of 8 bits, Y', Cb and Cr, Huffman-coded, with an end.
        """
        adobe, jfif = -1, False
        for part in segments(data):
            body = data[part.body : part.stop]
            jfif |= part.marker == 0xE0 and body.startswith(b"JFIF")
            if part.marker == APP14 and body.startswith(b"Adobe") and len(body) >= 12:
                adobe = body[11]
            if part.marker in (BASELINE, EXTENDED, PROGRESSIVE):
                break
        else:
            return None
        numbers = bytes(body[6::3][:3])
        luma = jfif or adobe == 1 or (adobe < 0 and numbers == b"\1\2\3")
        if len(body) != 15 or body[0] != 8 or not luma or not available():
            return None
        height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
        return cls(data, width, height) if height and width else None

    @cached_property
    def grey(self) -> GreyJpeg:
        """A grey JPEG with the coefficients of Y' and metadata; PictureError if jpeglib fails."""
        import jpeglib

        with tempfile.TemporaryDirectory(prefix="photochrom-") as folder:
            source, target = Path(folder, "color.jpg"), Path(folder, "grey.jpg")
            source.write_bytes(self.data)
            try:
                found = jpeglib.read_dct(os.fspath(source))
                alone = jpeglib.from_dct(found.Y, qt=found.qt[found.quant_tbl_no[0]][None])
                alone.height, alone.width = self.height, self.width
                alone.write_dct(os.fspath(target))
            except (OSError, ValueError) as error:
                words = str(error).splitlines()
                raise PictureError(
                    "the coefficients of the JPEG cannot be read", got=words[0] if words else ""
                ) from None
            plain = target.read_bytes()
        kept = [
            self.data[part.start : part.end]
            for part in segments(self.data)
            if part.marker in _COPIED and part.marker != APP14 and not is_directory(self.data, part)
        ]
        rest = next(p.start for p in segments(plain) if p.marker not in _COPIED)
        grey = GreyJpeg.parse(b"\xff\xd8" + b"".join(kept) + plain[rest:])
        assert grey is not None
        return grey

    def decode(self, fail_on: str = "error") -> Codes:
        """Codes of Y' as stored, ``(H, W)`` uint8; args and errors as of `GreyJpeg.decode`."""
        return self.grey.decode(fail_on)

    def decode_half(self, fail_on: str = "error") -> Codes:
        """Codes of Y' at half size, rounded up, without a detour over RGB."""
        from PIL import Image

        # Without its metadata, about which Pillow would have its own opinion.
        shown = [part for part in segments(self.data) if part.marker not in _COPIED - {APP0, APP14}]
        bare = self.data[:2] + b"".join(self.data[part.start : part.end] for part in shown)
        with Image.open(io.BytesIO(bare), formats=["JPEG"]) as image:
            image.draft("L", (self.width // 2, self.height // 2))
            codes = np.asarray(image)
        if codes.shape == (self.height, self.width):
            return halved(codes)
        rows, columns = -(-self.height // 2), -(-self.width // 2)
        missing = ((0, rows - codes.shape[0]), (0, columns - codes.shape[1]))
        return np.pad(codes, missing, mode="edge") if np.any(missing) else codes


@dataclass(frozen=True, eq=False)
class JpegLuma:
    """The Y' of a grey JPEG, in the file's own bytes.

    Its pixels cannot be turned: planes given and taken here are upright, and `orientation` says
    how the file's are stored.
    """

    file: GreyJpeg | ColorJpeg  # the source; of one with colour components, the luma
    orientation: int = 1  # 1...8, as in EXIF
    # sRGB code, uint16, of each of the 256 codes of Y'; None: they are sRGB codes
    tones: Codes | None = None
    curve: bytes | None = None  # linear light of each code, for `luma.chroma_codes`; None: sRGB's
    profile: bytes | None = None  # an RGB profile with this curve, for the result; None: sRGB
    fail_on: str = "error"  # how strict libvips is to be with the file
    # gives Cb and Cr, ``(H', W')`` uint8 of the size of `half`; None before colouring
    chroma: Callable[[], tuple[Codes, Codes]] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, upright."""
        height, width = self.file.height, self.file.width
        return (width, height) if self.orientation > 4 else (height, width)

    @cached_property
    def half(self) -> Codes:
        """Upright codes of Y' at half size, rounded up, as Cb and Cr; pyvips.Error if damaged."""
        return upright(self.file.decode_half(self.fail_on), self.orientation)

    def full(self) -> Codes:
        """Codes of Y'; as `half`."""
        return upright(self.file.decode(self.fail_on), self.orientation)

    def grey(self, luma: Codes) -> Codes:
        """sRGB grey codes of codes of Y': uint8, or uint16 where the file has its own tones."""
        return luma if self.tones is None else self.tones[luma]

    def with_chroma(self, chroma: Callable[[], tuple[Codes, Codes]]) -> JpegLuma:
        """This luma with colour."""
        return replace(self, chroma=chroma)


def linear_curve(tones: Codes) -> bytes:
    """Linear light of sRGB codes, as `luma.chroma_codes` takes it."""
    linear = decode_formula(tones / np.float64(65535))
    return np.maximum.accumulate(linear).astype(np.float32).tobytes()
