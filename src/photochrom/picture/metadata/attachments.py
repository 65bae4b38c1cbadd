"""The metadata of a file to be written, adapted to what its format can carry."""

from __future__ import annotations

from dataclasses import dataclass

from ..page import Page
from .exif import MAKER_NOTE, X_RESOLUTION, Exif
from .icc import profile_space
from .xmp import add_note, clean_packet

_NO_DPI_FIELD = ("webp", "avif", "heic", "jp2")
_JPEG_XMP, _JPEG_EXIF, _JPEG_IPTC = 65502, 65527, 65000


@dataclass
class Attachments:
    """The metadata of one file to be written, adapted to its format."""

    exif: bytes | None
    xmp: bytes | None
    icc: bytes | None
    iptc: bytes | None
    dpi: tuple[float, float] | None
    texts: tuple[bytes, ...]


def attachments(
    picture: Page, format: str, stored: tuple[int, int, int] | None = None
) -> Attachments:
    """What to put into a file of ``format`` beside the pixels.

    Args:
        picture: to be written.
        format: key of FORMATS.
        stored: width, height and EXIF orientation of the pixels in the file; None: upright.
    """
    data, note = picture.metadata, picture.note
    icc = data.icc if not picture.grey and profile_space(data.icc) == "rgb" else None
    xmp = clean_packet(data.xmp, stored[2] if stored else 1) if data.xmp else None
    xmp = add_note(xmp, note) if note else xmp
    if format == "jpeg" and xmp and len(xmp) > _JPEG_XMP:
        xmp = add_note(None, note) if note else None
    texts = data.texts if picture.format == format else ()
    exif = attached_exif(picture, format, stored)
    return Attachments(exif, xmp, icc, _iptc_for(data.iptc, format), data.dpi, texts)


def attached_exif(
    picture: Page, format: str, stored: tuple[int, int, int] | None = None
) -> bytes | None:
    """The EXIF block for a file of ``format``; None if there is nothing to say.

    Args: as of `attachments`.
    """
    data = picture.metadata
    block = (Exif.parse(data.exif) if data.exif else None) or Exif()
    block.set_geometry(*(stored or (picture.width, picture.height)))
    if picture.note:
        block.add_comment(picture.note)
    if data.dpi and (format in _NO_DPI_FIELD or X_RESOLUTION in block.main):
        block.set_dpi(data.dpi)
    if not (block.main or block.exif or block.gps):
        return None
    packed = block.to_bytes()
    if format == "jpeg" and len(packed) > _JPEG_EXIF:
        block.exif.pop(MAKER_NOTE, None)
        packed = block.to_bytes()
    return packed


def _iptc_for(iptc: bytes | None, format: str) -> bytes | None:
    # In a TIFF it becomes a tag: libvips would cut it off.
    if iptc is None or format != "jpeg" or len(iptc) > _JPEG_IPTC:
        return None
    return b"Photoshop 3.0\x008BIM\x04\x04\0\0" + len(iptc).to_bytes(4, "big") + iptc
