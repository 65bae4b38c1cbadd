"""Confidence intervals of means over pictures, by the bootstrap (Efron 1979)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95
_BLOCK = 1 << 22  # drawn places at a time


def interval(values: Sequence[float], seed: int) -> tuple[float, float] | None:
    """Percentile interval of the mean; None for fewer than two values.

    The same seed and count draw the same resamples: the interval of the differences of two
    methods, picture by picture, is the paired one.

    Returns:
        The bounds between which 95 % of the means of resampled pictures lie.
    """
    count = len(values)
    if count < 2:
        return None
    array: NDArray[np.float64] = np.asarray(values, np.float64)
    draw = np.random.default_rng(seed)
    means: list[NDArray[np.float64]] = []
    left = RESAMPLES
    while left:
        rows = min(left, max(1, _BLOCK // count))
        means.append(array[draw.integers(count, size=(rows, count))].mean(1))
        left -= rows
    low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
