"""Colour errors of skin by group: whether some people are coloured worse than others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..color import Float
from ..color.difference import ciede2000
from ..errors import ArgumentError
from .accumulators import Truth, compared_lab
from .picture_set import Item
from .report.scores import SkinScore

_HUE = (10.0, 90.0)  # degrees of CIELAB: skin of all tones lies between
_CHROMA = (6.0, 50.0)
_LIGHTNESS = (10.0, 95.0)
_LEAST = 0.1  # of the middle: a picture with less skin does not count


def group_of(item: Item) -> str:
    """The folder that a picture lies in, below the named one; ArgumentError if in none."""
    folder, slash, _ = item.key.partition("/")
    if not slash:
        raise ArgumentError(
            f"{item.name} belongs to no group",
            expected="a folder for each group of people inside the named one",
            fix="move it into a folder, or leave out --groups",
        )
    return folder


def skin(truth: Truth) -> NDArray[np.bool_]:
    """Which of the compared pixels show skin: those of its hues in the middle of the picture.

    Returns:
        ``(n,)`` bool; the middle is half of each side, since a portrait's face is there.
    """
    side = round(np.sqrt(len(truth.lab)))
    place = np.arange(side)
    inner = (place >= side // 4) & (place < side - side // 4)
    middle = (inner[:, None] & inner).ravel()
    L, a, b = truth.lab.T
    hue, chroma = np.degrees(np.arctan2(b, a)), np.hypot(a, b)
    found = middle.copy()
    for value, (low, high) in ((hue, _HUE), (chroma, _CHROMA), (L, _LIGHTNESS)):
        found &= (value >= low) & (value <= high)
    return found if found.sum() >= _LEAST * middle.sum() else np.zeros_like(found)


class SkinTally:
    """Figures of one method on the skin of each group."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[float, float, float]]] = {}

    def add(self, group: str, truth: Truth, rgb: NDArray[np.uint8]) -> None:
        """Count a picture, if enough of it is skin."""
        here = skin(truth)
        if not here.any():
            return
        true, made = truth.lab[here], compared_lab(rgb)[here]
        far = float(ciede2000(true, made).mean())
        self._rows.setdefault(group, []).append((far, _chroma(made), _chroma(true)))

    def result(self) -> tuple[SkinScore, ...]:
        """The groups by name; empty before any `add`."""
        found = []
        for group, rows in sorted(self._rows.items()):
            difference, chroma, truth = np.mean(rows, axis=0).tolist()
            found.append(
                SkinScore(
                    group=group,
                    pictures=len(rows),
                    ciede2000=difference,
                    chroma=chroma,
                    truth_chroma=truth,
                )
            )
        return tuple(found)


def _chroma(lab: Float) -> float:
    return float(np.hypot(lab[:, 1], lab[:, 2]).mean())
