"""What a page has that the format it is written in cannot hold, in words."""

from __future__ import annotations

from importlib.util import find_spec

from ...media import FORMATS
from ..jpeg.coefficients import available as jpeglib_available
from ..page import Page
from .attachments import JPEG_EXIF, JPEG_XMP
from .xmp import stale_parts


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
    if format == "bmp":
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
    if format == "jpeg" and luma is None and data.xmp and len(data.xmp) > JPEG_XMP:
        found.append("XMP of more than 64 KB not kept")
    if format == "jpeg" and data.exif and len(data.exif) > JPEG_EXIF:
        found.append("the maker's note in EXIF not kept")
    if data.xmp and not rest:
        turned = data.encoding.turned and luma is None
        found += [f"{part} not kept" for part in stale_parts(data.xmp, turned)]
    return found


def _advice() -> str:
    if jpeglib_available():
        return ""
    return ' (pip install "photochrom[jpeg]" copies it)'


def _animations_advice() -> str:
    if find_spec("cv2") is not None:
        return ""
    return ' (pip install "photochrom[video]" colours them)'
