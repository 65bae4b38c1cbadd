"""Thumbnails, and pictures as data addresses for an ``<img>``."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ...picture.html_document import data_uri

_SIDE = 220
_QUALITY = 88
_SIGN = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 124 96' fill='none' stroke='#8a7f75' "
    "stroke-width='4' stroke-linejoin='round'><rect x='32' y='26' width='60' height='44' rx='5'/>"
)
_FILM_SIGN = _SIGN + "<path d='M55 37v22l18-11z' fill='#8a7f75'/></svg>"
_PICTURE_SIGN = (
    _SIGN + "<circle cx='47' cy='40' r='5'/><path d='M34 64l18-16 12 10 10-8 16 14'/></svg>"
)


def address(pixels: NDArray[Any]) -> str:
    """A ``data:`` address of ``(H, W, 3 or 4)`` uint8: JPEG, or PNG with transparency."""
    buffer, kind = io.BytesIO(), "jpeg" if pixels.shape[2] == 3 else "png"
    Image.fromarray(pixels).save(buffer, kind, quality=_QUALITY)
    return data_uri(buffer.getvalue(), kind)


def reduced(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture of the size of a thumbnail: ``(H, W, 3)`` uint8."""
    image = Image.fromarray(rgb)
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def file_thumbnail(file: Path | BinaryIO, kind: str) -> str:
    """Address of a small picture of a file, or of a sign for what cannot be read at once."""
    try:
        with Image.open(file) as image:
            image.draft("RGB", (2 * _SIDE, 2 * _SIDE))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((_SIDE, _SIDE))
            return address(np.asarray(upright.convert("RGB")))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        svg = _FILM_SIGN if kind == "film" else _PICTURE_SIGN
        return data_uri(svg.encode(), "svg+xml")
