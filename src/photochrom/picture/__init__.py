"""Pictures: opening photographs and saving them with everything the file says about them.

Every source and format becomes the same upright sRGB `Picture`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..color import Codes
from ..errors import ArgumentError, PictureError, PictureTooLargeError
from ..media import FORMATS, PICTURE_SUFFIXES
from .assembly import assembled, cleaned, notes_of
from .codec import library, load, reason
from .codec.decoding import Decoded, check_size, damaged, decode_vips, read_metadata
from .jpeg import GreyJpeg, lacks_end
from .jpeg.jpeg_luma import JpegLuma, linear_curve
from .metadata import profile_space
from .page import Deferred, Encoding, Metadata
from .picture import Picture, array_of, is_in_color, was_colored
from .source import Source
from .writing import save_pages

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "MAX_PIXELS",
    "Deferred",
    "Encoding",
    "Metadata",
    "Picture",
    "is_in_color",
    "open_pages",
    "open_picture",
    "save_pages",
    "was_colored",
]

MAX_PIXELS = 500_000_000
"""Default limit: a 4 x 5 inch negative scanned at 4800 dpi has 460 million pixels; 500 million in
16-bit RGB are 3 GB of memory, which a file of a few kilobytes could otherwise claim."""

_LARGE = 1 << 20  # pixels of a grey JPEG above which it is decoded at half size first
_CUT = "the end of the file is missing: what is not there is grey"
_NAMES = {"MPO": "jpeg", "HEIF": "heic", "JPEG2000": "jp2"}


def open_picture(
    source: str | os.PathLike[str] | bytes | BinaryIO | Image | Codes | Source,
    *,
    max_pixels: int = MAX_PIXELS,
    strict: bool = False,
) -> Picture:
    """Open a picture; of a file with several pages, the first.

    Args:
        source: path, the bytes of a file, a binary file (read to its end), a PIL image, a
            `Picture`, a NumPy array as for `Picture.from_array`, or a PyTorch tensor ``(H, W)`` or
            ``(C, H, W)``. The content says which format a file has, not its name.
        max_pixels: refuse pictures with more pixels than this before decoding them.
        strict: refuse a JPEG whose end is missing, which else is opened as far as it goes.

    Raises:
        PictureError: the file is missing, damaged or no picture of a known format.
        PictureTooLargeError: it has more than ``max_pixels`` pixels.
        MissingExtraError: it is a HEIC and pillow-heif is not installed.
        ArgumentError: ``source`` or ``max_pixels`` is not of its form.
    """
    return next(open_pages(source, max_pixels=max_pixels, strict=strict))


def open_pages(
    source: str | os.PathLike[str] | bytes | BinaryIO | Image | Codes | Source,
    *,
    max_pixels: int = MAX_PIXELS,
    strict: bool = False,
) -> Iterator[Picture]:
    """Open every page of a TIFF, one after the other; other files have one page.

    Reduced copies, thumbnails and masks in a TIFF are not pages. Of an animation, the first frame
    is opened. Each page is decoded when it is asked for.

    Args, Raises: as ``open_picture``; errors are raised by ``next``.
    """
    if type(max_pixels) is not int or max_pixels < 1:
        raise ArgumentError(
            "the limit of pixels is wrong", expected="a positive integer", got=repr(max_pixels)
        )
    if isinstance(source, Picture):
        yield source
    elif _is_pillow(source):
        yield _of_pillow(source, max_pixels)
    elif (array := array_of(source)) is not None:
        yield Picture.from_array(array)
    else:
        file = Source.of(source)  # type: ignore[arg-type]
        # Not a loop, whose variable would keep a page in memory while the next one is decoded.
        yield from map(partial(_misnamed, file), _of_file(file, max_pixels, strict))


def _misnamed(file: Source, page: Picture) -> Picture:
    """The page, with a note if the file's suffix is that of another format."""
    suffix = Path(file.path or "").suffix.lower()
    named = PICTURE_SUFFIXES.get(suffix, file.format)
    if named == file.format or (named == "raw" and page.format is None):  # raw in TIFF clothing
        return page
    words = f"the file is a {FORMATS[file.format].title}, not what {suffix} says"
    return page.replaced(notes=(*page.notes, words))


def _of_file(source: Source, limit: int, strict: bool) -> Iterator[Picture]:
    format = source.format
    if format == "jpeg":
        yield _of_jpeg(source, limit, strict)
    elif format == "tiff":
        yield from _of_tiff(source, limit)
    elif format == "heic":
        from .codec.heif import decode_heic

        yield assembled(decode_heic(source, limit), format)
    elif format == "raw":
        yield _developed(source, limit)
    elif format in ("dpx", "exr"):
        from .codec.film_scans import decode_scan

        yield assembled(decode_scan(source, format, limit), format)
    elif FORMATS[format].plugin:
        from .codec.pillow_plugins import decode_pillow

        yield assembled(decode_pillow(source, format, limit), format)
    else:
        yield assembled(decode_vips(source, format, limit), format)


def _of_jpeg(source: Source, limit: int, strict: bool) -> Picture:
    data = source.read()
    source = replace(source, data=data)  # read once
    grey = GreyJpeg.parse(data)
    cut = not strict and (grey is None or not grey.complete) and lacks_end(data)
    notes: tuple[str, ...] = (_CUT,) if cut else ()
    if grey is None:
        picture = _of_color_jpeg(source, data, limit, cut)
        return picture.replaced(notes=(*picture.notes, *notes))
    check_size(source.name, (grey.width, grey.height), limit)
    found = Decoded(samples=np.empty((0, 0, 1), np.uint8), space="grey")
    with _clear_errors(source):
        read_metadata(found, load("jpeg", None, data), "jpeg", source)
        exif = found.tags()
        turn = exif.orientation if exif else 1
        luma = _luma_of_grey(grey, turn, found.icc, "none" if cut else "error")
        pixels: Codes | Deferred
        if grey.width * grey.height > _LARGE:  # the whole is not needed for a coloured JPEG
            luma.half  # noqa: B018 - decoded now, so that damage is found here
            depth = np.uint8 if luma.tones is None else np.uint16
            pixels = Deferred(luma.shape, depth, lambda: _whole(luma, source))
        else:
            pixels = luma.grey(luma.full())
    metadata = cleaned(found, exif, None, luma.shape[1], luma.shape[0], turn)
    notes = (*notes, *notes_of(found, exif, None))
    return Picture(pixels, None, metadata, "jpeg", 8, luma=luma, notes=notes)


def _luma_of_grey(grey: GreyJpeg, turn: int, icc: bytes | None, fail_on: str) -> JpegLuma:
    if icc is not None and profile_space(icc) == "grey":
        from .metadata.icc import grey_tones_of
        from .metadata.profiles import rgb_from_grey

        if (tones := grey_tones_of(icc, 256)) is not None:
            profile = rgb_from_grey(icc)
            return JpegLuma(grey, turn, tones, linear_curve(tones), profile, fail_on)
    return JpegLuma(grey, turn, fail_on=fail_on)


def _whole(luma: JpegLuma, source: Source) -> Codes:
    with _clear_errors(source):
        return luma.grey(luma.full())


@contextmanager
def _clear_errors(source: Source) -> Iterator[None]:
    """Errors of libvips over a JPEG as those of a damaged picture."""
    try:
        yield
    except library().Error as error:
        raise damaged(source, "jpeg", reason(error)) from None


def _of_color_jpeg(source: Source, data: bytes, limit: int, cut: bool) -> Picture:
    try:  # its coefficients are copied only if there is nothing amiss with it
        found = decode_vips(source, "jpeg", limit, fail_on="warning")
        luma = _luma_of_color(data, found)
    except PictureTooLargeError:
        raise
    except PictureError:
        found = decode_vips(source, "jpeg", limit, fail_on="none" if cut else "error")
        luma = None
    return assembled(found, "jpeg").replaced(luma=luma)


def _luma_of_color(data: bytes, found: Decoded) -> JpegLuma | None:
    """The luma of a JPEG of three components, if it can be copied."""
    from .jpeg.jpeg_luma import ColorJpeg

    space = profile_space(found.icc)
    if space == "rgb" and found.icc:
        from .metadata.icc import is_srgb

        if not is_srgb(found.icc):
            return None  # Y' of other primaries
    file = ColorJpeg.parse(data) if found.space == "rgb" else None
    exif = found.tags()
    profile = found.icc if space == "rgb" else None
    return JpegLuma(file, exif.orientation if exif else 1, profile=profile) if file else None


def _of_tiff(source: Source, limit: int) -> Iterator[Picture]:
    from .codec.tiff_kinds import decode_tifffile, kind_of
    from .metadata.ifd import Malformed
    from .metadata.tiff_tags import CameraRaw, find_pages, read_page

    try:
        with source.open() as file:
            pages = find_pages(file)
        for number, offset in pages:
            with source.open() as file:
                page = read_page(file, offset)
            if kind_of(page):
                found = decode_tifffile(source, page, number, limit)
            else:
                unlimited = page.large_strips
                found = decode_vips(source, "tiff", limit, page=number, unlimited=unlimited)
            found.orientation, found.dpi = page.orientation, page.exif.dpi
            kinds = page.extra if page.extra else None
            found.encoding = Encoding(compression=page.compression)
            found.extra = kinds
            yield assembled(found, "tiff", page.exif, page.lost)
            del found
    except CameraRaw:
        yield _developed(source, limit)
    except Malformed as error:
        raise damaged(source, "tiff", str(error) or "a broken directory of tags") from None


def _developed(source: Source, limit: int) -> Picture:
    from .codec.camera_raw import decode_raw

    note = "developed from the camera's raw data; its metadata not kept"
    return assembled(decode_raw(source, limit), None, lost=(note,))


def _is_pillow(source: object) -> bool:
    # Without importing Pillow: an image can only be one if Pillow is imported already.
    return any(cls.__module__ == "PIL.Image" for cls in type(source).__mro__)


def _of_pillow(image: Any, limit: int) -> Picture:
    from .codec.pillow_plugins import from_pillow

    name = getattr(image, "filename", "") or "the image"
    check_size(name, image.size, limit)
    found = from_pillow(image, name)
    info = image.info
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
    found.xmp = xmp.encode() if isinstance(xmp, str) else xmp
    found.icc = info.get("icc_profile")
    try:
        found.exif = image.getexif().tobytes() or None
    except Exception:  # EXIF is for the decoder to judge; a broken block is none
        found.exif = None
    format = _NAMES.get(image.format or "", (image.format or "").lower())
    return assembled(found, format if format in FORMATS else None)
