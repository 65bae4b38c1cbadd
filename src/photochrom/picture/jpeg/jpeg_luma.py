"""The luma of a grey JPEG, kept beside its picture so that the coloured result can copy it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...color import Codes
from ..metadata.attachments import attachments
from ..metadata.exif import Exif, without_thumbnail
from ..metadata.photoshop import without_thumbnails
from ..page import Page, upright
from .segments import APP0, APP1, APP2, APP13, GreyJpeg, Segment, segment
from .splice import with_color

if TYPE_CHECKING:
    from .coefficients import ColorJpeg

_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
_ICC_ROOM = 65519


@dataclass(frozen=True, eq=False)
class JpegLuma:
    """The Y' of a grey JPEG, in the file's own bytes.

    Its pixels cannot be turned: planes given and taken here are upright, and `orientation` says
    how the file's are stored.

    Attributes:
        file: the source; of one with colour components, the luma.
        orientation: 1...8, as in EXIF.
        tones: sRGB code, uint16, of each of the 256 codes of Y'; None: they are sRGB codes.
        curve: linear light of each code, for `luma.chroma_codes`; None: sRGB's.
        profile: an RGB profile with this curve, for the result; None: sRGB.
        fail_on: how strict libvips is to be with the file.
        chroma: gives Cb and Cr, ``(H', W')`` uint8 of the size of `half`; None before colouring.
    """

    file: GreyJpeg | ColorJpeg
    orientation: int = 1
    tones: Codes | None = None
    curve: bytes | None = None
    profile: bytes | None = None
    fail_on: str = "error"
    chroma: Callable[[], tuple[Codes, Codes]] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, upright."""
        height, width = self.file.height, self.file.width
        return (width, height) if self.orientation > 4 else (height, width)

    @cached_property
    def half(self) -> Codes:
        """Codes of Y' at half size, rounded up: what each pixel of Cb and Cr lies under; upright.

        Raises:
            pyvips.Error: the scans are damaged.
        """
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

    def encode(self, picture: Page, quality: int | None) -> bytes:
        """The coloured JPEG: the source's bytes, Cb and Cr, and the metadata of `picture`.

        Args:
            picture: coloured from this luma.
            quality: of Cb and Cr; None: one that goes with the source's.
        """
        assert self.chroma is not None
        back = {6: 8, 8: 6}.get(self.orientation, self.orientation)
        cb, cr = (upright(plane, back) for plane in self.chroma())
        replaced, inserted = self._metadata(picture)
        planes, file = (cb, cr), self.file.grey
        return with_color(file, planes, quality=quality, replaced=replaced, inserted=inserted)

    def _metadata(self, picture: Page) -> tuple[dict[int, bytes], dict[int, bytes]]:
        """What is to stand in the place of segments of the source, and what before them.

        EXIF that was not changed since it was read stays as it is, but for its thumbnail; no EXIF
        is begun for the note, which is in XMP: in small files it would weigh.
        """
        file = self.file.grey
        stored = (file.width, file.height, self.orientation)
        extra = attachments(picture, "jpeg", stored, rest=self.file.keeps_rest)
        exif = segment(APP1, _EXIF + extra.exif) if extra.exif and picture.metadata.exif else b""
        xmp = segment(APP1, _XMP + extra.xmp) if extra.xmp else b""
        replaced: dict[int, bytes] = {}
        first = 0
        for number, part in enumerate(file.parts[: file.frame]):
            body = file.data[part.body : part.stop]
            if part.marker == APP0 or body.startswith(_EXIF):
                first = number + 1
            if part.marker == APP1 and body.startswith(_EXIF):
                block = body.removeprefix(_EXIF)
                if self._read_as(block) == picture.metadata.exif:
                    exif = segment(APP1, _EXIF + without_thumbnail(block))
                replaced[number], exif = exif, b""
            elif part.marker == APP1 and body.startswith(_XMP):
                replaced[number], xmp = xmp, b""
            elif part.marker == APP2 and body.startswith(_ICC):
                replaced[number] = b""
            elif (cleaned := _without_thumbnail(part, body)) != body:
                replaced[number] = segment(part.marker, cleaned) if cleaned else b""
        inserted = {first: exif + xmp}  # EXIF is looked for at the beginning of a file
        inserted[file.frame] = inserted.get(file.frame, b"") + _icc_segments(self.profile)
        return replaced, {number: new for number, new in inserted.items() if new}

    def _read_as(self, block: bytes) -> bytes | None:
        """What `Metadata.exif` is of a picture with this EXIF."""
        exif = Exif.parse(block)
        return exif.upright(self.shape[1], self.shape[0]) if exif else b""


def _without_thumbnail(part: Segment, body: bytes) -> bytes:
    """A segment's body without the small picture in it, which is not in colour."""
    if part.marker == APP0 and body.startswith(b"JFXX\0"):
        return b""
    if part.marker == APP0 and body.startswith(b"JFIF\0") and len(body) > 14:
        return body[:12] + b"\0\0"
    if part.marker == APP13:
        return without_thumbnails(body)
    return body


def _icc_segments(profile: bytes | None) -> bytes:
    if profile is None:
        return b""
    parts = [profile[i : i + _ICC_ROOM] for i in range(0, len(profile), _ICC_ROOM)]
    heads = (struct.pack("BB", number + 1, len(parts)) for number in range(len(parts)))
    return b"".join(
        segment(APP2, _ICC + head + part) for head, part in zip(heads, parts, strict=True)
    )


def linear_curve(tones: Codes) -> bytes:
    """Linear light of sRGB codes, as `luma.chroma_codes` takes it."""
    encoded = tones / np.float64(65535)
    linear = np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    return np.maximum.accumulate(linear).astype(np.float32).tobytes()
