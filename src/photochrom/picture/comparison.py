"""The before-and-after picture: the source beside the result, or above it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..color.srgb import to_8_bits
from .picture import Picture

WIDTH = 2000
"""Pixels a before-and-after picture is wide at most."""

_DIVIDER = 6  # pixels of white between the two
_PANORAMA = 2.0  # width by height from which they stand one above the other


def before_after(before: NDArray[Any], after: NDArray[Any]) -> Picture:
    """Source and result in one picture: side by side, of panoramas one above the other.

    Args:
        before: ``(H, W)`` or ``(H, W, 3)`` uint8 or uint16, as it was, toned or not.
        after: ``(H, W, 3)`` uint8 or uint16.

    Returns:
        An 8-bit RGB picture, at most `WIDTH` wide, with neither transparency nor metadata.
    """
    from PIL import Image

    stacked = before.shape[1] >= _PANORAMA * before.shape[0]
    width = WIDTH if stacked else (WIDTH - _DIVIDER) // 2
    halves = [Image.fromarray(to_8_bits(each)) for each in (before, after)]
    for half in halves:
        # Long pictures stay whole: only the width is limited.
        half.thumbnail((width, half.height), reducing_gap=3.0)
    columns, rows = halves[1].size
    size = (columns, 2 * rows + _DIVIDER) if stacked else (2 * columns + _DIVIDER, rows)
    both = Image.new("RGB", size, "white")
    both.paste(halves[0], (0, 0))
    both.paste(halves[1], (0, rows + _DIVIDER) if stacked else (columns + _DIVIDER, 0))
    return Picture(np.asarray(both))
