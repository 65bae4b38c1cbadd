"""Frames that are in colour already, in films that are black and white otherwise."""

from __future__ import annotations

import numpy as np

from ...color import Codes, Float

_CELLS = 18, 32  # rows and columns to which Cb and Cr are averaged; noise of tapes goes with it
_HUES = 2.5  # codes of 8 bits: standard deviation across the main direction, of more than one hue
_STRONG = 30.0  # codes of 8 bits from the usual chroma, of one strong colour


def is_in_color(chroma: tuple[Codes, Codes] | None, depth: int) -> bool:
    """Whether a frame has colours of its own.

    A tone over the whole frame, as of sepia prints, and the noise of tapes are none.

    Args:
        chroma: Cb and Cr, of any size; None: there are none.
        depth: bits per value.
    """
    if chroma is None:
        return False
    size = tuple(min(n, m) for n, m in zip(_CELLS, chroma[0].shape, strict=True))
    means = [_averaged(plane, size) / np.float32(1 << (depth - 8)) for plane in chroma]
    cells = np.stack([plane.ravel() for plane in means])
    if float(np.ptp(cells, 1).max()) < 2 * _HUES:  # neither figure can be so large
        return False
    cells = cells - np.median(cells, 1, keepdims=True)
    across = float(np.linalg.eigvalsh(np.cov(cells))[0])
    strong = float(np.percentile(np.hypot(*cells), 99))
    return max(0.0, across) ** 0.5 > _HUES or strong > _STRONG


def _averaged(plane: Codes, size: tuple[int, ...]) -> Float:
    """Means of a plane's codes, ``size`` of them."""
    import cv2

    # Of codes it is many times faster; what their rounding adds is small against thousands of them.
    while all(n >= 8 * m for n, m in zip(plane.shape, size, strict=True)):
        half = plane.shape[1] // 2, plane.shape[0] // 2
        plane = np.asarray(cv2.resize(plane, half, interpolation=cv2.INTER_AREA))
    codes = plane.astype(np.float32)
    return np.asarray(cv2.resize(codes, size[::-1], interpolation=cv2.INTER_AREA))
