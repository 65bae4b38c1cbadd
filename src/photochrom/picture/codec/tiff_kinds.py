"""Kinds of TIFF pages that libvips does not read: by tifffile and imagecodecs (extra ``tiff``)."""

from __future__ import annotations

import io
import logging
from typing import Any

import numpy as np

from ...color import Codes, lab_to_srgb
from ...errors import MissingExtraError, PictureError
from ..metadata.tiff_tags import TiffPage
from ..source import Source, unreadable
from .decoding import Decoded, check_size, damaged

_CODINGS = {
    34661: "JBIG",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG",
    34925: "LZMA",
    34926: "ZSTD",
    34927: "WebP",
    34933: "PNG",
    34934: "JPEG XR",
    50000: "ZSTD",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_BY_VIPS = (50001,)
_LABS = {8: "CIELAB", 9: "ICCLAB", 10: "ITULAB"}
_WHOLE = (1, 2, 4, 8, 16, 32, 64)


def kind_of(page: TiffPage) -> str | None:
    """What libvips cannot read about a page, in words; None if it can read it."""
    if page.coding in _CODINGS and page.coding not in _BY_VIPS:
        return f"the compression {_CODINGS[page.coding]}"
    if page.bits not in _WHOLE:
        return f"{page.bits} bits per channel"
    if page.photometric in _LABS:
        return f"the colour space {_LABS[page.photometric]}"
    if page.planes and page.colors == 1 and page.extra:
        return "grey and further channels in planes"
    return None


def decode_tifffile(source: Source, page: TiffPage, number: int, limit: int) -> Decoded:
    """Decode a page of a kind that `kind_of` names.

    Args:
        source: the TIFF file.
        page: its tags.
        number: of the page in the file, from 0.
        limit: pixels at most.

    Raises:
        MissingExtraError: tifffile or imagecodecs is not installed.
        PictureError: the page is damaged, too large, or of another kind.
    """
    try:
        import imagecodecs  # noqa: F401 - tifffile uses it
        import tifffile
    except ImportError:
        what = f"reading {source.name}, a TIFF with {kind_of(page)},"
        raise MissingExtraError.of("tifffile and imagecodecs", "tiff", what) from None
    # It reports what it finds amiss by logging, which without a handler goes to stderr.
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    try:
        with tifffile.TiffFile(source.path or io.BytesIO(source.data or b"")) as file:
            found: Any = file.pages[number]
            check_size(source.name, (found.imagewidth, found.imagelength), limit)
            if found.samplesperpixel > 16 or found.imagedepth != 1:
                raise unreadable(source.name, f"{found.samplesperpixel} channels", "convert it")
            samples = found.asarray(maxworkers=1)
            planar = found.planarconfig == 2 and samples.ndim == 3
            tags = {tag: _bytes(found.tags.valueof(tag)) for tag in (700, 33723, 34377, 34675)}
    except PictureError:
        raise
    except Exception as error:  # of any kind on a crafted file
        words = str(error).splitlines()
        raise damaged(source, "tiff", words[0] if words else type(error).__name__) from None
    samples = np.moveaxis(samples, 0, -1) if planar else samples
    samples = samples[..., None] if samples.ndim == 2 else samples
    samples, space = _plain(samples, page, source)
    decoded = Decoded(samples=samples, space=space, icc=tags[34675], xmp=tags[700])
    decoded.take_resources(tags[33723], tags[34377])
    return decoded


def _bytes(value: Any) -> bytes | None:
    return value.tobytes() if isinstance(value, np.ndarray) else value or None


def _plain(samples: Any, page: TiffPage, source: Source) -> tuple[Codes, str]:
    """Samples of 8 or 16 bits of their full range, grey, RGB or CMYK."""
    bits = page.bits
    if samples.dtype.kind not in "ui" or bits > 16 or samples.ndim != 3:
        fix = "convert it to 16 bits per channel first"
        raise unreadable(source.name, f"samples of {samples.dtype}", fix, "8 or 16 bits")
    if page.photometric in _LABS:
        return _of_lab(samples, page), "rgb"
    samples = samples.astype(np.uint16 if bits > 8 else np.uint8)
    if bits not in (8, 16):
        top, full = (1 << bits) - 1, 65535 if bits > 8 else 255
        table = (np.arange(top + 1, dtype=np.uint32) * full + top // 2) // top
        samples = table.astype(samples.dtype)[np.minimum(samples, top)]
    if page.photometric == 0:
        samples[..., 0] = ~samples[..., 0]
    return samples, {1: "grey", 3: "rgb", 4: "cmyk"}[page.colors or (1, 3)[samples.shape[2] > 2]]


def _of_lab(samples: Any, page: TiffPage) -> Codes:
    """sRGB of L, a and b (TIFF 6.0, section 23; Adobe technical notes), and further channels."""
    deep = page.bits == 16
    scale = 256.0 if deep else 1.0
    lab = samples[..., :3].astype(np.float32)
    lab[..., 0] *= 100 / (65535 if deep else 255)
    if page.photometric == 8:
        signed = np.int16 if deep else np.int8
        lab[..., 1:] = samples[..., 1:3].view(signed) / np.float32(scale)
    else:
        lab[..., 1:] = samples[..., 1:3] / np.float32(scale) - 128
    rgb = lab_to_srgb(lab, np.uint16)
    rest = samples[..., 3:]
    rest = rest.astype(np.uint16) if deep else rest.astype(np.uint16) * np.uint16(257)
    return np.concatenate([rgb, rest], axis=2) if rest.shape[2] else rgb
