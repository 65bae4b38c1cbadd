"""The metadata of a file to be written: what its format can carry, and what is lost."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from ...media import FORMATS
from ..page import Page
from .xmp import add_note, clean_packet, drop_stale, stale_parts

MAX_PROFILE = 16 << 20
_SPACES = {b"RGB ": "rgb", b"GRAY": "grey", b"CMYK": "cmyk"}
_JPEG_XMP, _JPEG_IPTC = 65502, 65000


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
        stored: width, height and EXIF orientation of the pixels in the file, which gets no EXIF
            unless the source has it; None: upright.
        rest: the file keeps what is behind the source's picture: a gain map, a film.
    """
    data, note = picture.metadata, picture.note
    icc = data.icc if not picture.grey and profile_space(data.icc) == "rgb" else None
    xmp = clean_packet(data.xmp, stored[2] if stored else 1) if data.xmp else None
    if xmp and not rest:
        xmp = drop_stale(xmp, data.encoding.turned and not stored)
    xmp = add_note(xmp, note) if note else xmp
    if format == "jpeg" and xmp and len(xmp) > _JPEG_XMP:
        xmp = add_note(None, note) if note else None
    texts = data.texts if picture.format == format else ()
    exif = iptc = None
    if data.exif or not stored:
        from .exif import attached_exif

        exif = attached_exif(picture, format, stored)
    if data.iptc or data.photoshop:
        from .photoshop import PHOTOSHOP, app13

        if format == "png":
            from .png import raw_profile

            block = app13(data.iptc, data.photoshop, 1 << 24) or b""
            texts = (*texts, raw_profile("iptc", block.removeprefix(PHOTOSHOP)))
        elif format == "jpeg":  # in a TIFF they become tags: libvips would cut them off
            iptc = app13(data.iptc, data.photoshop, _JPEG_IPTC)
    return Attachments(exif, xmp, icc, iptc, data.dpi, texts)


def losses(page: Page, format: str, *, recompress: bool = False) -> tuple[str, ...]:
    """What is lost when a page is written, beside what its `Page.notes` name already.

    Args:
        page: to be written.
        format: key of FORMATS.
        recompress: as of `save_pages`.
    """
    return tuple(_losses(page, format, recompress))


def _losses(page: Page, format: str, recompress: bool) -> list[str]:
    data, row = page.metadata, FORMATS[format]
    luma = page.luma if format == "jpeg" and not recompress else None
    rest = luma is not None and luma.file.keeps_rest
    found = []
    if count := data.encoding.further:
        what = "frames of the animation" if page.format in ("gif", "webp", "png") else "pictures"
        others = f"{count} further {what}" if count > 1 else f"the second of the {what}"
        advice = _animations_advice() if what.startswith("frames") else ""
        found.append(f"{others} in the file " + ("stay grey" if rest else "not kept") + advice)
    if page.depth == 16 and not (row.deep or (format == "jp2" and page.grey)):
        found.append("16 bits per channel become 8")
    if page.extra is not None and format != "tiff":
        found.append(f"{page.extra.shape[2]} further channels (saved selections) not kept")
    if data.encoding.header and page.format != format:
        found.append("the header of the scan not kept")
    if not row.metadata:
        kinds = {"EXIF": data.exif, "XMP": data.xmp, "IPTC": data.iptc, "colour profile": data.icc}
        found += [f"{name} not kept" for name, value in kinds.items() if value]
        return found
    if luma is None and page.format == format == "jpeg" and not recompress:
        found.append("the luma was compressed anew" + _advice())
    if data.iptc and format not in ("jpeg", "tiff", "png"):
        found.append("IPTC records not kept")
    if data.photoshop and format not in ("jpeg", "tiff", "png"):
        found.append("Photoshop's paths and guides not kept")
    if data.texts and page.format != format:
        found.append("comments not kept" if page.format == "jpeg" else "text chunks not kept")
    if format == "jpeg" and luma is None and data.xmp and len(data.xmp) > _JPEG_XMP:
        found.append("XMP of more than 64 KB not kept")
    if format == "jpeg" and data.exif:
        from .exif import JPEG_ROOM

        if len(data.exif) > JPEG_ROOM:
            found.append("the maker's note in EXIF not kept")
    if data.xmp and not rest:
        turned = data.encoding.turned and luma is None
        found += [f"{part} not kept" for part in stale_parts(data.xmp, turned)]
    return found


def _advice() -> str:
    from ..jpeg.jpeg_luma import available

    return "" if available() else ' (pip install "photochrom[jpeg]" copies it)'


def _animations_advice() -> str:
    if find_spec("cv2") is not None:
        return ""
    return ' (pip install "photochrom[video]" colours them)'


def profile_space(profile: bytes | None) -> str | None:
    """The space of an ICC profile: ``"rgb"``, ``"grey"`` or ``"cmyk"``; None if it is broken."""
    if profile is None or not 132 <= len(profile) <= MAX_PROFILE or profile[36:40] != b"acsp":
        return None
    if int.from_bytes(profile[:4], "big") > len(profile):
        return None
    return _SPACES.get(profile[16:20])
