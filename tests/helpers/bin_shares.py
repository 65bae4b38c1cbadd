"""How often training pixels fall to each bin, made up."""

from __future__ import annotations

import numpy as np

from photochrom.gamut import BIN_COUNT

ONES = np.ones(BIN_COUNT, np.float32)


def bin_shares() -> np.ndarray:
    shares = np.random.default_rng(3).random(BIN_COUNT) ** 6
    shares[:40] = 0  # never seen
    return shares
