"""Pages as libvips images of the samples that a file shall have."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...color import Codes
from ...color.srgb import EIGHT_BITS
from ...errors import PictureError
from ...media import FORMATS
from ..metadata.icc import from_srgb, is_srgb
from ..page import Page
from . import image_of, reason


def vips_image(picture: Page, alpha: Codes | None, depth: int, bits: int, icc: bytes | None) -> Any:
    """A libvips image of the samples as the file shall have them, computed when it is written."""
    image = image_of(picture.pixels)
    if icc and not is_srgb(icc):
        image = quantised(from_srgb(image, icc, depth), depth, bits)
    else:
        image = quantised(image, depth, bits)
    if alpha is not None:
        image = image.bandjoin(quantised(image_of(alpha), depth, bits))
    colour = not picture.grey
    kind = ("srgb" if colour else "b-w") if depth == 8 else ("rgb16" if colour else "grey16")
    dpi = picture.metadata.dpi
    image = image.copy(interpretation=kind, **_resolution(dpi))
    for name in ("icc-profile-data", "exif-data"):
        image.remove(name)
    return image


def _resolution(dpi: tuple[float, float] | None) -> dict[str, float]:
    return {"xres": dpi[0] / 25.4, "yres": dpi[1] / 25.4} if dpi else {}


def quantised(image: Any, depth: int, bits: int) -> Any:
    """uint16 samples rounded to ``depth``, or to the upper ``bits`` of 16."""
    if image.format == "uchar":
        return image
    if depth == 8:
        return image.maplut(image_of(EIGHT_BITS[None, :]))
    if bits < 16:
        return image.maplut(image_of(upper_bits(bits)[None, :]))
    return image


def upper_bits(bits: int) -> Codes:
    """Table: uint16 code -> the nearest code of ``bits`` bits, in the upper bits of 16."""
    codes = np.arange(65536, dtype=np.uint32) * ((1 << bits) - 1) + 32767
    return ((codes // 65535) << (16 - bits)).astype(np.uint16)


def unsuitable(picture: Page, format: str, error: Exception) -> PictureError:
    """The error for a page that an encoder refuses."""
    return PictureError(
        f"the picture cannot be written as {FORMATS[format].title}",
        expected="a size and kind of pixels that the format holds",
        got=f"{picture.width} x {picture.height} pixels ({reason(error)})",
        fix="choose PNG or TIFF",
    )
