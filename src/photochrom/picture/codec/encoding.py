"""From a page to the bytes of a file: libvips for most formats, Pillow and libheif for some."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

import numpy as np

from ...color import Codes
from ...color.srgb import to_8_bits
from ...errors import PictureError
from ...media import FORMATS
from ..metadata import Attachments, attachments
from ..metadata.containers import jp2_append, jpeg_insert, webp_insert
from ..metadata.png import png_insert
from ..page import Page
from . import FileTarget, image_of, library, set_blob
from .pillow_plugins import pillow_plugin
from .vips_image import quantised, unsuitable, vips_image


def encode(
    picture: Page,
    file: BinaryIO,
    format: str,
    quality: int | None,
) -> None:
    """Write ``picture`` into an empty, seekable file open for reading and writing.

    Args:
        picture: to be written.
        file: to write into.
        format: key of FORMATS.
        quality: 1...100; None: the format's default.

    Raises:
        PictureError: the format cannot hold it.
        OSError: writing failed.
        MissingExtraError: HEIC, and pillow-heif is not installed.
    """
    depth = picture.depth if FORMATS[format].deep or format == "jp2" else 8
    alpha = _alpha_for(picture, format)
    extra = attachments(picture, format)
    quality = FORMATS[format].quality if quality is None else quality
    if FORMATS[format].plugin:
        _encode_pillow(picture, alpha, file, format, depth, extra)
    elif format in ("dpx", "exr"):
        from .film_scans import encode_scan

        encode_scan(picture, file, format, depth)
    elif format == "heic":
        from .heif import encode_heic

        encode_heic(picture, alpha, file, depth, quality, extra)
    else:
        _encode_vips(picture, alpha, file, format, depth, quality, extra)


def _alpha_for(picture: Page, format: str) -> Codes | None:
    alpha = picture.alpha
    if alpha is None or FORMATS[format].alpha:
        return alpha
    if alpha.min() == np.iinfo(alpha.dtype).max:
        return None
    raise PictureError(
        f"the picture cannot be written as {FORMATS[format].title}",
        expected="an opaque picture, since this format has no transparency",
        got="a picture with transparent parts",
        fix="choose PNG, TIFF, WebP or AVIF",
    )


def _encode_vips(
    picture: Page,
    alpha: Codes | None,
    file: BinaryIO,
    format: str,
    depth: int,
    quality: int | None,
    extra: Attachments,
) -> None:
    pyvips = library()
    bits = picture.metadata.encoding.bits or 12 if format == "avif" else 16
    image = vips_image(picture, alpha, depth, bits, extra.icc)
    if format == "tiff" and picture.extra is not None:
        image = image.bandjoin(quantised(image_of(picture.extra), depth, bits))
    set_blob(image, "icc-profile-data", extra.icc)
    set_blob(image, "xmp-data", extra.xmp)
    set_blob(image, "iptc-data", extra.iptc)
    keep = "icc|xmp|iptc"
    sink: Any = file
    if format == "avif" and extra.exif:
        set_blob(image, "exif-data", b"Exif\0\0" + extra.exif)
        keep += "|exif"
    elif format in ("jpeg", "png"):
        insert = jpeg_insert if format == "jpeg" else png_insert
        sink = _Inserting(file, partial(insert, exif=extra.exif, dpi=extra.dpi, texts=extra.texts))
    elif format == "webp":
        sink = io.BytesIO()
    options = _options(picture, format, depth, bits, quality)
    target = FileTarget(sink)
    save = getattr(image, f"{FORMATS[format].vips}save_target")
    try:
        save(target.target, keep=keep, **options)
    except pyvips.Error as error:
        raise target.error or unsuitable(picture, format, error) from None
    if format == "webp":
        size = {"width": picture.width, "height": picture.height}
        file.write(webp_insert(sink.getvalue(), exif=extra.exif, **size))


def _options(
    picture: Page, format: str, depth: int, bits: int, quality: int | None
) -> dict[str, Any]:
    """Measured on 12-megapixel scans; docs/notes/pictures.md has the figures."""
    encoding = picture.metadata.encoding
    if format == "jpeg":
        # Colour is what is added here: full chroma resolution costs 14 % of the size.
        return {"Q": quality, "subsample_mode": "off" if (quality or 0) >= 85 else "on"}
    if format == "png":
        return {"compression": 2, "filter": "up"}
    if format == "webp":
        lossless = encoding.lossless and picture.format == "webp"
        return {"Q": quality, "lossless": lossless, "effort": 0, "exact": True}
    if format == "avif":
        deep = {"bitdepth": bits} if depth == 16 else {}
        return {"compression": "av1", "Q": quality, "effort": 1, "subsample_mode": "off", **deep}
    compression = encoding.compression or "deflate"
    predictor = "horizontal" if compression in ("lzw", "deflate") else "none"
    raw = picture.pixels.nbytes * 4 // 3
    options = {"compression": compression, "predictor": predictor, "bigtiff": raw > 3_900_000_000}
    return options | ({"level": 3} if compression == "deflate" else {})


class _Inserting:
    """A file into whose beginning pieces are put while libvips writes it from front to back."""

    def __init__(self, file: BinaryIO, insert: Callable[[bytes], bytes | None]) -> None:
        self._file, self._insert = file, insert
        self._head: bytearray | None = bytearray()

    def write(self, data: Any) -> int:
        if self._head is None:
            return self._file.write(data)
        self._head += data
        complete = self._insert(bytes(self._head))
        if complete is not None:
            self._file.write(complete)
            self._head = None
        return len(data)


def _encode_pillow(
    picture: Page,
    alpha: Codes | None,
    file: BinaryIO,
    format: str,
    depth: int,
    extra: Attachments,
) -> None:
    from PIL import Image

    if depth == 16 and not (picture.grey and alpha is None):
        raise PictureError(
            "the picture cannot be written as JPEG 2000",
            expected="8 bits per channel, or 16-bit grey",
            got="16 bits per channel in several channels",
            fix="choose PNG or TIFF, which keep 16 bits",
        )
    if depth == 16:
        image = Image.fromarray(picture.pixels)
    else:
        samples = picture.pixels if alpha is None else np.dstack([picture.pixels, alpha])
        image = Image.fromarray(to_8_bits(samples))
    try:
        # Not into the file itself: Pillow would try for ever on a full disk.
        buffer = io.BytesIO()
        image.save(buffer, pillow_plugin(format).format, dpi=extra.dpi or (0, 0))
        if format == "jp2":
            buffer.seek(0, 2)
            buffer.write(jp2_append(exif=extra.exif, xmp=extra.xmp))
    except (ValueError, SystemError) as error:
        raise unsuitable(picture, format, error) from None
    file.write(buffer.getbuffer())
