"""Patterns that move, for the tests of the metrics of films."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def texture(height: int, width: int, seed: int = 0) -> Array:
    """A smooth coloured pattern, in which motion can be seen."""
    y, x = np.mgrid[:height, :width]
    waves = np.random.default_rng(seed).uniform(0.1, 0.5, (12, 3))
    planes = [
        sum(np.sin(a * x + b * y + 20 * c) for a, b, c in waves[k::3] * [1, -1, 1])
        for k in range(3)
    ]
    return np.asarray(127 + 25 * np.stack(planes, -1), np.uint8)


def flows(height: int, width: int, x: float, y: float) -> tuple[Array, Array]:
    """Flow and backward flow of a pure translation."""
    flow = np.empty((height, width, 2), np.float32)
    flow[:] = x, y
    return flow, -flow
