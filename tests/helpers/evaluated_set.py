"""Small pictures of three colours, which a tiny model can learn by its rules."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from photochrom.color import lab_to_srgb

Array = NDArray[Any]
COUNT = 14
"""Pictures of the set."""


def scene(number: int, side: int = 96) -> Array:
    """Dark brown on the left, bright blue on the right, and a green patch that moves."""
    rng = np.random.default_rng(number)
    lab = np.empty((side, side, 3), np.float32)
    lab[:, : side // 2] = 35, 22, 28
    lab[:, side // 2 :] = 72, -6, -32
    lab[8 + number : 40 + number, 20:44] = 55, -38, 36
    lab[..., 0] += rng.normal(0, 1.5, (side, side))
    return np.asarray(lab_to_srgb(lab))
