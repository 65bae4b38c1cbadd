"""From a file to samples, by libvips.

Every decoder checks the number of pixels in the header before it decodes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...color import Codes
from ...errors import PictureError, PictureTooLargeError
from ...media import FORMATS
from ..jpeg import comments, directory
from ..page import Encoding
from ..source import Source, unreadable
from . import array_of, library, load, metadata_field, reason

if TYPE_CHECKING:
    from ..metadata.exif import Exif

_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_LONGEST_SIDE, _LONGEST_RATIO = 1_000_000, 100_000
_MOST_CHANNELS = 16  # of a TIFF with saved selections


@dataclass(kw_only=True)
class Decoded:
    """What a decoder found."""

    # ``(H, W, C)`` uint8 or uint16: 1 channel for grey, 3 for RGB, 4 for CMYK, then further ones
    samples: Codes
    space: str  # ``"grey"``, ``"rgb"`` or ``"cmyk"``
    # kinds of the further channels: 0 unspecified, 1 and 2 alpha; None: one alpha
    extra: tuple[int, ...] | None = None
    orientation: int | None = None  # how to turn the pixels, 1...8 as in EXIF; None: as EXIF says
    # exif, icc, xmp, iptc, photoshop, texts, dpi, encoding: as in ``Metadata``, not yet cleaned
    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    photoshop: bytes | None = None
    texts: tuple[bytes, ...] = ()
    dpi: tuple[float, float] | None = None
    encoding: Encoding = field(default_factory=Encoding)
    further: int = 0  # as in ``Encoding``
    notes: tuple[str, ...] = ()  # what of the file was not kept, in words

    def tags(self) -> Exif | None:
        """`exif`, taken apart; None if there is none, or if it is broken."""
        if not self.exif:
            return None
        from ..metadata.exif import Exif

        return Exif.parse(self.exif)

    def take_resources(self, *blocks: bytes | None) -> None:
        """Use IPTC records and other resources of Photoshop's blocks, where there are none yet."""
        for block in filter(None, blocks):
            from ..metadata.photoshop import iptc_records, other_resources

            self.iptc = self.iptc or iptc_records(block)
            self.photoshop = self.photoshop or other_resources(block)


def check_size(name: str, size: tuple[int, int], limit: int) -> None:
    """Refuse a picture of more than ``limit`` pixels, or of sides that no photograph has.

    Raises:
        PictureTooLargeError: it has more, or a side of more than a million, or of more than
            100,000 times the other.
        PictureError: it has none.
    """
    width, height = size
    if width <= 0 or height <= 0:
        raise unreadable(name, "no pixels", "copy the file anew", "a picture with pixels")
    if width * height > limit:
        raise PictureTooLargeError(
            f"{name} is too large",
            expected=f"at most {limit:,} pixels",
            got=f"{width} x {height} = {width * height:,} pixels",
            fix="reduce it, or raise the limit (max_pixels=, --max-pixels) if you trust the file",
        )
    if max(size) > min(_LONGEST_SIDE, _LONGEST_RATIO * min(size)):
        raise PictureTooLargeError(
            f"{name} is too long",
            expected=f"sides of at most {_LONGEST_SIDE:,} pixels and {_LONGEST_RATIO:,} : 1",
            got=f"{width} x {height}",
            fix="cut it into pieces",
        )


def damaged(source: Source, format: str, words: str) -> PictureError:
    """The error for a file that begins like a picture and cannot be decoded."""
    fix = "copy the file anew, or open it in another program and save it again"
    return unreadable(source.name, words, fix, f"an intact {FORMATS[format].title} file")


def decode_vips(source: Source, format: str, limit: int, **options: Any) -> Decoded:
    """Decode a JPEG, PNG, TIFF, WebP, AVIF or GIF; PictureError if damaged or too large."""
    pyvips = library()
    try:
        image = load(format, source.path, source.data, **options)
        if format == "avif" and (primary := metadata_field(image, "heif-primary")):
            image = load(format, source.path, source.data, page=primary)
        check_size(source.name, (image.width, image.height), limit)
        image, space = _plain(image, source)
        samples = array_of(image)
    except pyvips.Error as error:
        raise damaged(source, format, reason(error)) from None
    except MemoryError:
        raise damaged(source, format, "more pixels than memory holds") from None
    found = Decoded(samples=samples, space=space)
    read_metadata(found, image, format, source)
    bits = metadata_field(image, "bits-per-sample") if format == "avif" else None
    found.encoding = Encoding(
        lossless=format == "webp" and _webp_is_lossless(source.head),
        bits=bits if bits in (10, 12) else None,
    )
    found.samples = full_range(found.samples, found.encoding.bits)
    if format == "webp" and not found.encoding.lossless and found.samples.shape[-1] == 3:
        found.samples = _without_rounding(found.samples)
    return found


def read_metadata(found: Decoded, image: Any, format: str, source: Source) -> None:
    """Fill in what a libvips image and the file's container say besides the pixels."""
    # libheif turns the pixels of an AVIF; what EXIF says about them is to be ignored.
    found.orientation = 1 if format == "avif" else None
    found.icc = metadata_field(image, "icc-profile-data")
    found.xmp = metadata_field(image, "xmp-data")
    found.exif = metadata_field(image, "exif-data")
    found.take_resources(
        metadata_field(image, "iptc-data"), metadata_field(image, "photoshop-data")
    )
    known = format in ("jpeg", "tiff") and metadata_field(image, "resolution-unit") is not None
    if format == "jpeg":
        _read_jpeg(found, source.read())
    elif format == "png":
        _read_png(found, source)
    elif format in ("gif", "webp", "avif"):
        found.further = (metadata_field(image, "n-pages") or 1) - 1
        if format == "avif":
            _read_avif(found, source)
    if known and image.xres > 0 and image.yres > 0:
        found.dpi = (round(image.xres * 25.4, 4), round(image.yres * 25.4, 4))


def _read_jpeg(found: Decoded, data: bytes) -> None:
    found.texts, listed = comments(data), directory(data)
    if listed is not None:
        from ..jpeg.multi_picture import further_pictures

        found.further = further_pictures(listed)


def _read_png(found: Decoded, source: Source) -> None:
    from ..metadata.png import png_frames, png_pieces
    from ..metadata.profiles import png_profile

    with source.open() as file:
        # libvips has the resolution from EXIF, if there is one.
        found.dpi, found.texts, raw = png_pieces(file)
        _take_raw(found, raw)
        found.icc = png_profile(file, found.space == "grey") or found.icc
        found.further = png_frames(file) - 1


def _read_avif(found: Decoded, source: Source) -> None:
    from ..metadata.containers import sequence_length
    from ..metadata.profiles import nclx_profile

    with source.open() as file:
        found.icc = found.icc or nclx_profile(file, found.space == "grey")
        found.further = max(found.further, sequence_length(file) - 1)


def _take_raw(found: Decoded, raw: dict[str, bytes]) -> None:
    """Use what ImageMagick keeps in text chunks where the PNG has no chunk of the kind."""
    app1 = raw.get("app1", b"")
    found.exif = (
        found.exif
        or raw.get("eXIf")
        or raw.get("exif")
        or (app1 if app1.startswith(b"Exif") else None)
    )
    found.xmp = found.xmp or raw.get("xmp") or app1.partition(_XMP_HEAD)[2] or None
    found.icc = found.icc or raw.get("icc") or raw.get("icm")
    found.take_resources(raw.get("8bim"), raw.get("iptc"))


def _webp_is_lossless(head: bytes) -> bool:
    """Whether the (first) picture of a WebP file is compressed without loss, as far as one sees."""
    return head[12:16] == b"VP8L" or (head[12:16] == b"VP8X" and b"VP8L" in head)


def _without_rounding(samples: Codes) -> Codes:
    """A lossy WebP without colour as it was encoded, with R = G = B.

    Its format knows no grey, and libwebp goes from YCbCr to RGB by integers (``src/dsp/yuv.h``),
    which leaves G one code beside R and B here and there.
    """
    red, green, blue = np.moveaxis(samples, -1, 0)
    if np.array_equal(red, blue) and (green - red + np.uint8(1) <= 2).all():  # uint8 wraps round
        return np.repeat(red[..., None], 3, axis=-1)
    return samples


def _plain(image: Any, source: Source) -> tuple[Any, str]:
    """The image as grey, RGB or CMYK of 8 or 16 bits, and which of them."""
    kind, bands = image.interpretation, image.bands
    if kind in ("lab", "labs", "labq", "hsv", "lch") and image.format in ("short", "uchar"):
        image, kind = image.colourspace("rgb16" if image.format == "short" else "srgb"), "srgb"
    if image.format not in ("uchar", "ushort"):
        words = f"samples of the type {image.format}"
        fix = "convert it to 16 bits per channel first"
        raise unreadable(source.name, words, fix, "8 or 16 bits per channel, unsigned")
    if kind == "cmyk" and bands >= 4:
        return image, "cmyk"
    if bands > _MOST_CHANNELS:
        fix = "convert it to grey or RGB first"
        raise unreadable(source.name, f"{bands} channels", fix, f"1 to {_MOST_CHANNELS} channels")
    return image, "grey" if bands < 3 or kind in ("b-w", "grey16") else "rgb"


def full_range(samples: Codes, bits: int | None) -> Codes:
    """uint16 samples whose upper ``bits`` are used, stretched so that white is 65535."""
    if not bits or bits >= 16 or samples.dtype != np.uint16:
        return samples
    codes, top = np.arange(65536, dtype=np.uint32) >> (16 - bits), (1 << bits) - 1
    table = ((codes * 65535 + top // 2) // top).astype(np.uint16)
    stretched: Codes = table[samples]
    return stretched
