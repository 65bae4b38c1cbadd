"""The before-and-after picture: grey on the left, colour on the right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .page import to_8_bits
from .picture import Picture

WIDTH = 2000
"""Pixels a before-and-after picture is wide at most."""

_DIVIDER = 6  # pixels of white between the halves


def before_after(grey: NDArray[Any], rgb: NDArray[Any]) -> Picture:
    """Both side by side.

    Args:
        grey: ``(H, W)`` uint8 or uint16.
        rgb: ``(H, W, 3)`` uint8 or uint16.

    Returns:
        An 8-bit RGB picture, at most `WIDTH` wide, with neither transparency nor metadata.
    """
    from PIL import Image

    before, after = Image.fromarray(to_8_bits(grey)), Image.fromarray(to_8_bits(rgb))
    for half in (before, after):
        # Long pictures stay whole: only the width is limited.
        half.thumbnail(((WIDTH - _DIVIDER) // 2, half.height), reducing_gap=3.0)
    both = Image.new("RGB", (2 * after.width + _DIVIDER, after.height), "white")
    both.paste(before, (0, 0))
    both.paste(after, (after.width + _DIVIDER, 0))
    return Picture(np.asarray(both))
