"""From a file to samples: libvips for most formats, Pillow for some.

Every decoder checks the number of pixels in the header before it decodes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from ...color import Codes
from ...errors import PictureError, PictureTooLargeError
from ...media import FORMATS
from ..metadata.containers import (
    jp2_metadata,
    jpeg_comments,
    mpf_pictures,
    sequence_length,
    webp_is_lossless,
)
from ..metadata.photoshop import PHOTOSHOP, iptc_records, other_resources
from ..page import Encoding
from ..source import Source, unreadable
from .vips import array_of, library, load, metadata_field, reason

_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_LONGEST_SIDE, _LONGEST_RATIO = 1_000_000, 100_000
_MOST_CHANNELS = 16  # of a TIFF with saved selections


@dataclass(kw_only=True)
class Decoded:
    """What a decoder found.

    Attributes:
        samples: ``(H, W, C)`` uint8 or uint16: 1 channel for grey, 3 for RGB, 4 for CMYK, then
            further ones.
        space: ``"grey"``, ``"rgb"`` or ``"cmyk"``.
        extra: kinds of the further channels: 0 unspecified, 1 and 2 alpha; None: one alpha.
        orientation: how to turn the pixels, 1...8 as in EXIF; None: as EXIF says.
        exif, icc, xmp, iptc, photoshop, texts, dpi, encoding: as in ``Metadata``, not yet cleaned.
        further: as in ``Encoding``.
        notes: what of the file was not kept, in words.
    """

    samples: Codes
    space: str
    extra: tuple[int, ...] | None = None
    orientation: int | None = None
    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    photoshop: bytes | None = None
    texts: tuple[bytes, ...] = ()
    dpi: tuple[float, float] | None = None
    encoding: Encoding = field(default_factory=Encoding)
    further: int = 0
    notes: tuple[str, ...] = ()


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
    """Decode a JPEG, PNG, TIFF, WebP, AVIF or GIF.

    Raises:
        PictureError: it is damaged, of a kind that cannot be used, or too large.
    """
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
        lossless=format == "webp" and webp_is_lossless(source.head),
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
    found.iptc = iptc_records(metadata_field(image, "iptc-data"))
    block = metadata_field(image, "iptc-data" if format == "jpeg" else "photoshop-data")
    found.photoshop = other_resources(block)
    known = format in ("jpeg", "tiff") and metadata_field(image, "resolution-unit") is not None
    with source.open() as file:
        if format == "jpeg":
            found.texts = jpeg_comments(file)
            found.further = mpf_pictures(file)
        elif format == "png":
            from ..metadata.png import png_frames, png_pieces
            from ..metadata.profiles import png_profile

            # libvips has the resolution from EXIF, if there is one.
            found.dpi, found.texts, raw = png_pieces(file)
            _take_raw(found, raw)
            found.icc = png_profile(file, found.space == "grey") or found.icc
            found.further = png_frames(file) - 1
        elif format == "avif" and found.icc is None:
            from ..metadata.profiles import nclx_profile

            found.icc = nclx_profile(file, found.space == "grey")
        if format in ("gif", "webp", "avif"):
            found.further = (metadata_field(image, "n-pages") or 1) - 1
            if format == "avif":
                found.further = max(found.further, sequence_length(file) - 1)
    if known and image.xres > 0 and image.yres > 0:
        found.dpi = (round(image.xres * 25.4, 4), round(image.yres * 25.4, 4))


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
    for name in ("8bim", "iptc"):
        block = raw.get(name, b"").removeprefix(PHOTOSHOP)
        found.iptc = found.iptc or iptc_records(block)
        found.photoshop = found.photoshop or other_resources(block)


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


def decode_pillow(source: Source, format: str, limit: int) -> Decoded:
    """Decode a format that a plugin of Pillow reads.

    Raises:
        PictureError: it is damaged, of a kind that cannot be used, or too large.
    """
    icc = exif = xmp = bits = None
    with source.open() as file:
        try:
            if format == "jp2":
                icc, exif, xmp, bits = jp2_metadata(file)
            file.seek(0)
            image = pillow_plugin(format)(file)
            check_size(source.name, image.size, limit)
            if format == "jp2" and image.mode not in ("L", "I;16") and (bits or 8) > 8:
                fix = "convert it to a 16-bit TIFF first"
                got = f"JPEG 2000 with {bits} bits per channel in {image.mode}"
                raise unreadable(source.name, got, fix, "8 bits per channel, or 16-bit grey")
            image.load()
        except PictureError:
            raise
        except Exception as error:  # Pillow raises nearly anything on a crafted file
            words = str(error).splitlines()
            raise damaged(source, format, words[0] if words else type(error).__name__) from None
    found = from_pillow(image, source.name)
    found.icc, found.exif, found.xmp = icc, exif, xmp
    found.samples = full_range(found.samples, bits)
    return found


def pillow_plugin(format: str) -> Any:
    """The class of Pillow's images of a format.

    `Image.open` would try every other decoder of Pillow, too, and applies a limit of pixels of its
    own.
    """
    name = FORMATS[format].plugin
    return getattr(import_module(f"PIL.{name}ImagePlugin"), f"{name}ImageFile")


def from_pillow(image: Any, name: str) -> Decoded:
    """Samples, space, profile and resolution of a Pillow image.

    Raises:
        PictureError: its mode has more than 16 bits per channel, or it cannot be decoded.
    """
    mode = image.mode
    try:
        if mode == "I":
            samples = np.asarray(image)
            if samples.min() < 0 or samples.max() > 65535:
                raise ValueError("32-bit integers beyond 0...65535")
            samples, mode = samples.astype(np.uint16), "L"
        else:
            clear = mode == "P" and "transparency" in image.info
            mode = {"1": "L", "P": "RGBA" if clear else "RGB", "PA": "RGBA", "La": "LA"}.get(
                mode, {"RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB"}.get(mode, mode)
            )
            image = image if image.mode == mode else image.convert(mode)
            samples = np.asarray(image)
    except Exception as error:  # a lazily opened file is decoded here
        raise unreadable(name, str(error), "open it from its file", "an intact picture") from None
    if mode not in ("L", "LA", "RGB", "RGBA", "CMYK") and not mode.startswith("I;16"):
        fix = "convert it to 16 bits per channel first"
        raise unreadable(name, f"the mode {mode}", fix, "a mode with 8 or 16 bits per channel")
    if samples.dtype.itemsize == 2:
        samples = samples.astype(np.uint16)
    space = "cmyk" if mode == "CMYK" else "rgb" if mode.startswith("RGB") else "grey"
    found = Decoded(samples=samples.reshape(*samples.shape[:2], -1), space=space)
    dpi = image.info.get("dpi")
    if isinstance(dpi, tuple) and len(dpi) == 2 and min(dpi) > 0:
        found.dpi = (float(dpi[0]), float(dpi[1]))
    return found
