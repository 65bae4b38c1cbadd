"""A grey scene of two halves, and how colourful a picture is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from photochrom import Picture
from photochrom.color import srgb_to_lab

Array = NDArray[Any]


def scene(height: int = 60, width: int = 90, depth: type = np.uint8) -> Array:
    """Dark on the left, bright on the right, grain over both."""
    rng, top = np.random.default_rng(1), np.iinfo(depth).max
    grey = np.full((height, width), 0.35)
    grey[:, width // 2 :] = 0.7
    return np.rint((grey + rng.normal(0, 0.02, grey.shape)).clip(0, 1) * top).astype(depth)


def chroma(picture: Picture) -> Array:
    """Chroma of each pixel."""
    return np.asarray(np.hypot(*np.moveaxis(srgb_to_lab(picture.pixels)[..., 1:], -1, 0)))
