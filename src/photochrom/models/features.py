"""Features: a vector for each place that says what lies there.

A network exports them as an output ``features`` ``(N, C, h, w)``. Networks that were made before
have none; of those in the table below, results inside the graph are made outputs when the file is
loaded, and joined to one array of vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..color import Float
from ..upsample import resized

OUTPUT = "features"
"""Name of the output."""

STAGES: Mapping[str, Mapping[str, float]] = {
    "photochrom-4": {"relu_7": 0.0588, "relu_10": 0.0646, "relu_13": 0.0655},
}
"""By the card's name: results inside the graph (here at strides 16, 8 and 4), and the factors by
which they are multiplied (here the roots of 0.45, 0.3 and 0.25 over the usual length of a vector
less the picture's mean)."""


def join(stages: Sequence[Float], factors: Sequence[float]) -> Float:
    """Several stages of one network as one array.

    Args:
        stages: each ``(N, C, h, w)``, on grids of its own.
        factors: one for each.

    Returns:
        ``(N, sum of C, h, w)`` float32 on the grid of the second finest stage.
    """
    grids = sorted(stage.shape[2:] for stage in stages)
    grid = grids[max(0, len(grids) - 2)]
    parts = [
        np.stack([resized(one, grid) for one in stage]) * np.float32(factor)
        for stage, factor in zip(stages, factors, strict=True)
    ]
    return np.concatenate(parts, 1)
