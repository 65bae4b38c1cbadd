"""The metadata of a file to be written, adapted to what its format can carry."""

from __future__ import annotations

from dataclasses import dataclass

from ..page import Page
from .exif import MAKER_NOTE, X_RESOLUTION, Exif
from .icc import profile_space
from .photoshop import PHOTOSHOP, app13
from .png import raw_profile
from .xmp import add_note, clean_packet, drop_stale

_NO_DPI_FIELD = ("webp", "avif", "heic", "jp2")
JPEG_XMP, JPEG_EXIF, _JPEG_IPTC = 65502, 65527, 65000


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
    picture: Page,
    format: str,
    stored: tuple[int, int, int] | None = None,
    *,
    rest: bool = False,
) -> Attachments:
    """What to put into a file of ``format`` beside the pixels.

    Args:
        picture: to be written.
        format: key of FORMATS.
        stored: width, height and EXIF orientation of the pixels in the file; None: upright.
        rest: the file keeps what is behind the source's picture: a gain map, a film.
    """
    data, note = picture.metadata, picture.note
    icc = data.icc if not picture.grey and profile_space(data.icc) == "rgb" else None
    xmp = clean_packet(data.xmp, stored[2] if stored else 1) if data.xmp else None
    if xmp and not rest:
        xmp = drop_stale(xmp, data.encoding.turned and not stored)
    xmp = add_note(xmp, note) if note else xmp
    if format == "jpeg" and xmp and len(xmp) > JPEG_XMP:
        xmp = add_note(None, note) if note else None
    texts = data.texts if picture.format == format else ()
    if format == "png" and (data.iptc or data.photoshop):
        block = app13(data.iptc, data.photoshop, 1 << 24) or b""
        texts = (*texts, raw_profile("iptc", block.removeprefix(PHOTOSHOP)))
    exif = attached_exif(picture, format, stored)
    # In a TIFF they become tags: libvips would cut them off.
    iptc = app13(data.iptc, data.photoshop, _JPEG_IPTC) if format == "jpeg" else None
    return Attachments(exif, xmp, icc, iptc, data.dpi, texts)


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
        stated = block.dpi or (0, 0)  # in its own unit, perhaps
        if max(abs(a / b - 1) for a, b in zip(stated, data.dpi, strict=True)) > 1e-4:
            block.set_dpi(data.dpi)
    if not (block.main or block.exif or block.gps):
        return None
    packed = block.to_bytes()
    if format == "jpeg" and len(packed) > JPEG_EXIF:
        block.exif.pop(MAKER_NOTE, None)
        packed = block.to_bytes()
    return packed
