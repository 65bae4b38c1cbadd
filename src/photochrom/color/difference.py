"""The colour difference CIEDE2000."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ciede2000(lab: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """Colour difference CIEDE2000 (CIE 142-2001; kL = kC = kH = 1).

    Args:
        lab, other: ``(..., 3)``.

    Returns:
        ``(...)`` float64.
    """
    (L1, a1, b1), (L2, a2, b2) = (np.moveaxis(x.astype(np.float64), -1, 0) for x in (lab, other))
    mean7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(mean7 / (mean7 + 25.0**7))
    a1, a2 = a1 * stretch, a2 * stretch
    C1, C2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.arctan2(b1, a1) % (2 * np.pi), np.arctan2(b2, a2) % (2 * np.pi)
    coloured = C1 * C2 > 0
    turn = np.where(coloured, (h2 - h1 + np.pi) % (2 * np.pi) - np.pi, 0)
    # Half a turn is +180 degrees, where the remainder above gives -180.
    turn = np.where(np.isclose(turn, -np.pi, rtol=0, atol=1e-9) & (h2 > h1), np.pi, turn)
    mean_h = np.where(coloured, h1 + turn / 2, h1 + h2)
    return _weighted(L1, L2, C1, C2, turn, mean_h)


def _weighted(L1: Any, L2: Any, C1: Any, C2: Any, turn: Any, mean_h: Any) -> NDArray[np.float64]:
    """The second half of CIEDE2000: differences over their weights, and the rotation for blue."""
    C, light = (C1 + C2) / 2, ((L1 + L2) / 2 - 50) ** 2
    T = 1 - 0.17 * np.cos(mean_h - np.radians(30)) + 0.24 * np.cos(2 * mean_h)
    T += 0.32 * np.cos(3 * mean_h + np.radians(6)) - 0.2 * np.cos(4 * mean_h - np.radians(63))
    dL = (L2 - L1) / (1 + 0.015 * light / np.sqrt(20 + light))
    dC = (C2 - C1) / (1 + 0.045 * C)
    dH = 2 * np.sqrt(C1 * C2) * np.sin(turn / 2) / (1 + 0.015 * C * T)
    degrees = np.degrees(mean_h) % 360
    angle = np.radians(60) * np.exp(-(((degrees - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(C**7 / (C**7 + 25.0**7)) * np.sin(angle)
    return np.asarray(np.sqrt(dL**2 + dC**2 + dH**2 + rotation * dC * dH))
