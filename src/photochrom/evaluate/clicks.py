"""Measurements of hints: true ones, one of a wrong colour, and a model's own colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..color import Float, recombine, srgb_to_lab
from ..colorizer import Colorizer
from ..colorizer.prepared import Prepared
from ..hints import Hint
from ..options import ColorOptions
from .report.scores import Steering

HINT_STEPS = (0, 1, 2, 5, 10, 20, 50)
"""Numbers of true hints at which the gain curve is measured."""

CHANGED = 10.0
"""Distance in ab from which on a pixel counts as changed by a click."""

ROUNDS = 6
"""How often a model's own colours are fed back."""

_SPOT = 2  # a hint has the mean colour of a square of 5 pixels, so that it is not noise's
_FAR, _SAME_L = 40.0, 3.0  # distance in ab of a contrary click; largest difference of its L
_DRAWN = 4000  # colours, among which one for such a click is looked for
_GRID, _PATCH = 32, 8  # pixels of the network's input: one hint in each square, and its side
_LEVELS = np.linspace(0, 150, 1501)  # of changes of ab


def true_hints(rgb: NDArray[np.uint8], count: int, seed: Sequence[int]) -> list[Hint]:
    """Hints at random places of a true picture, with its colour there.

    Args:
        rgb: ``(H, W, 3)``.
        count: how many; fewer hints of the same seed are the first of these.
        seed: numbers.
    """
    draw = np.random.default_rng(list(seed))
    height, width = rgb.shape[:2]
    hints = []
    for v, u in draw.random((count, 2)):
        y, x = int(v * height), int(u * width)
        spot = rgb[max(0, y - _SPOT) : y + _SPOT + 1, max(0, x - _SPOT) : x + _SPOT + 1]
        red, green, blue = np.rint(spot.reshape(-1, 3).mean(0)).astype(int).tolist()
        hints.append(Hint(x, y, (red, green, blue)))
    return hints


def contrary_click(rgb: NDArray[np.uint8], seed: Sequence[int]) -> Hint | None:
    """A click in the middle third of a coloured picture, with a colour that is not there.

    Args:
        rgb: ``(H, W, 3)``, as it is without the click.
        seed: numbers.

    Returns:
        The click: at least 40 ab from what is there, at the same L; None where sRGB has no such
        colour.
    """
    draw = np.random.default_rng(list(seed))
    y, x = (int(draw.uniform(side / 3, 2 * side / 3)) for side in rgb.shape[:2])
    here = srgb_to_lab(rgb[y : y + 1, x : x + 1])[0, 0]
    codes = draw.integers(0, 256, (_DRAWN, 3), np.uint8)
    away = srgb_to_lab(codes) - here
    fits = np.flatnonzero(
        (np.abs(away[:, 0]) < _SAME_L) & (np.hypot(away[:, 1], away[:, 2]) >= _FAR)
    )
    if not fits.size:
        return None
    red, green, blue = codes[fits[0]].tolist()
    return Hint(x, y, (red, green, blue))


def fed_back(colorizer: Colorizer, prepared: Prepared, rounds: int = ROUNDS) -> Float:
    """What a network that takes hints says after its own colours were given to it as hints.

    One hint, a square of 8 x 8 pixels of the network's input, lies in every 32 x 32 of them; the
    next round's hints have the colours of the answer before.

    Returns:
        ab, of the shape of ``prepared.ab``.
    """
    L, ab = prepared.L, prepared.ab
    across, down = (np.arange(side) % _GRID for side in L.shape)
    inside = [(place >= 12) & (place < 12 + _PATCH) for place in (across, down)]
    mask = (inside[0][:, None] & inside[1]).astype(np.float32)[None, None]
    rows, columns = (
        np.arange(side) * n // side for side, n in zip(L.shape, ab.shape[1:], strict=True)
    )
    for _ in range(rounds):
        hints = ab[:, rows[:, None], columns][None] * mask
        ab = colorizer.model.predict(L[None, None], hints, mask).ab[0]
    return ab


class DriftTally:
    """How far the colours of pictures run away that `fed_back` feeds back."""

    def __init__(self) -> None:
        self._chroma = np.zeros(2)
        self._moved = np.zeros(len(_LEVELS), np.int64)

    def add(self, before: Float, after: Float) -> None:
        """Count a picture: its ab ``(2, h, w)`` without hints, and after all rounds."""
        self._chroma += np.hypot(*before).mean(), np.hypot(*after).mean()
        moved = np.searchsorted(_LEVELS, np.hypot(*(after - before)).ravel())
        self._moved += np.bincount(moved.clip(max=len(_LEVELS) - 1), minlength=len(_LEVELS))

    @property
    def chroma(self) -> float | None:
        """Change of mean chroma, as a part of it; None before any `add`."""
        if not self._moved.any():
            return None
        return float(self._chroma[1] / max(self._chroma[0], 1e-6) - 1)

    @property
    def ab(self) -> float | None:
        """The 95th percentile of the distance in ab, over all places; None before any `add`."""
        if not self._moved.any():
            return None
        reached = np.cumsum(self._moved) / self._moved.sum()
        return float(_LEVELS[np.searchsorted(reached, 0.95)])


class SteeringTally:
    """Counts over the pictures of one model."""

    def __init__(self) -> None:
        self._shares: list[float] = []
        self._off: list[float] = []
        self._drift = DriftTally()
        self._count = 0

    def add(
        self,
        colorizer: Colorizer,
        prepared: Prepared,
        own: NDArray[np.uint8],
        seed: Sequence[int],
    ) -> None:
        """Count a picture.

        Args:
            colorizer: with the model.
            prepared: the picture.
            own: ``(H, W, 3)``, coloured without hints.
            seed: numbers, of the click.
        """
        self._count += 1
        click = contrary_click(own, seed)
        if click is not None:
            self._click(colorizer, prepared, own, click)
        if colorizer.model.card.hints:
            self._drift.add(prepared.ab, fed_back(colorizer, prepared))

    def _click(
        self, colorizer: Colorizer, prepared: Prepared, own: NDArray[np.uint8], click: Hint
    ) -> None:
        after = colorizer.render(prepared, ColorOptions(hints=[click])).pixels
        ab = srgb_to_lab(after)[..., 1:]
        change = np.linalg.norm(ab - srgb_to_lab(own)[..., 1:], axis=-1)
        self._shares.append(float((change > CHANGED).mean()))
        y, x = int(click.y), int(click.x)
        nearest = np.empty((1, 1, 3), np.uint8)  # what the pixel's L allows
        recombine(prepared.grey[y : y + 1, x : x + 1], click.ab[:, None, None], out=nearest)
        self._off.append(float(np.linalg.norm(ab[y, x] - srgb_to_lab(nearest)[0, 0, 1:])))

    def result(self) -> Steering | None:
        """The figures; None before any `add`."""
        if not self._count:
            return None
        return Steering(
            pictures=self._count,
            spread=_quantile(self._shares, 0.5),
            spread_90=_quantile(self._shares, 0.9),
            click_off=_quantile(self._off, 0.5),
            click_off_90=_quantile(self._off, 0.9),
            drift_chroma=self._drift.chroma,
            drift_ab=self._drift.ab,
        )


def _quantile(values: Sequence[float], part: float) -> float | None:
    return float(np.quantile(values, part)) if values else None
