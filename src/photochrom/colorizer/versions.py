"""Versions: whole alternatives to a picture that differ in one thing each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..affinity import mean_similarities
from ..color import Float, srgb_to_lab
from ..color.css import parse_color
from ..errors import ArgumentError
from ..gamut import annealed_mean, entropy, probabilities
from ..hints import Hint
from ..hints.palette import palette
from ..hints.spread import thing
from ..options import check_count
from ..upsample import resized
from .prepared import Prepared

_OTHER = 30.0  # ab; least difference from the colour that a thing has
_REGIONS = 12  # things that are looked at
_SMALLEST = 0.01  # share of the picture that a thing must have
_INSIDE = 0.5  # affinity of cells that may stand for a thing; overlap of regions that are one
_COLUMNS, _ROWS = ("left", "", "right"), ("top", "", "bottom")


@dataclass(frozen=True)
class Version:
    """One alternative.

    Attributes:
        name: the place and the colour it has here: ``top left: steel blue``.
        hints: what makes it, to be added to `ColorOptions.hints`.
    """

    name: str
    hints: tuple[Hint, ...]


def versions(prepared: Prepared, count: int = 4) -> list[Version]:
    """The likeliest other colours of the largest things whose colours are uncertain.

    A thing is what a click on a place would colour; the place is its most typical. Its
    distribution is the mean over it; of the really different colours in that, the likeliest is
    taken that is not the thing's own.

    Args:
        prepared: from `Colorizer.prepare`.
        count: how many at most.

    Returns:
        Versions, likeliest and largest first; none for a model that gives no distribution. Each
        is for the first page.

    Raises:
        ArgumentError: `count` below 1.
    """
    ArgumentError.check("prepared", prepared, Prepared, "what Colorizer.prepare gives")
    check_count("the number of versions", count)
    if prepared.logits is None:
        return []
    found: list[tuple[float, Version]] = []
    vectors = prepared.vectors
    grid = vectors.shape[1:]
    logits = resized(prepared.logits, grid)
    ab, L = resized(prepared.ab, grid), resized(prepared.L[None], grid)[0]
    mean = annealed_mean(logits[None])[0]  # `ab` has more chroma by the factor of the model's card
    p, doubt = probabilities(logits[None])[0], entropy(logits[None])[0]
    left, regions = doubt.copy(), list[Float]()
    for _ in range(_REGIONS):
        row, column = (int(i) for i in np.unravel_index(left.argmax(), grid))
        around = thing(vectors, [(row, column)])
        left *= 1 - around[0]
        left[row, column] = 0
        if around.mean() < _SMALLEST:
            continue
        typical = np.where(around > _INSIDE, mean_similarities(vectors, around), -1)[0]
        row, column = (int(i) for i in np.unravel_index(typical.argmax(), grid))
        region = thing(vectors, [(row, column)])[0]
        left *= 1 - region
        if any(_same(region, other) for other in regions):
            continue
        regions.append(region)
        weight = region / region.sum()
        own, plain, tone = ((each * weight).sum((-2, -1)) for each in (ab, mean, L))
        pooled = np.log((p * weight).sum((1, 2)) + np.float32(1e-6))
        uncertain = float((doubt * region).mean())
        place = _pixel(row, column, grid, prepared.shape)
        for each in palette(pooled, float(tone), fewest=1):
            color = parse_color(each.color)
            other = srgb_to_lab(np.array([color], np.uint8))[0, 1:]
            if np.hypot(*(other - own)) >= _OTHER and np.hypot(*(other - plain)) >= _OTHER / 2:
                name = f"{_where(weight)}: {each.name}"
                hint = Hint(*place, color, page=0)
                found.append((uncertain * each.probability, Version(name, (hint,))))
    found.sort(key=lambda pair: -pair[0])
    things: dict[tuple[float, float], list[Version]] = {}
    for _, version in found:
        things.setdefault((version.hints[0].x, version.hints[0].y), []).append(version)
    # First the likeliest of each thing, then the second ones.
    ranked = [one[i] for i in range(9) for one in things.values() if i < len(one)]
    return ranked[:count]


def _same(one: Float, other: Float) -> bool:
    """Whether two regions are mostly one."""
    return bool(np.minimum(one, other).sum() > _INSIDE * min(one.sum(), other.sum()))


def _pixel(
    row: int, column: int, grid: tuple[int, ...], shape: tuple[int, int]
) -> tuple[float, float]:
    """x and y of a cell's middle, in pixels."""
    x, y = (column + 0.5) * shape[1] / grid[1], (row + 0.5) * shape[0] / grid[0]
    return min(float(int(x)), shape[1] - 1.0), min(float(int(y)), shape[0] - 1.0)


def _where(weight: Float) -> str:
    """The place of a thing in words: ``top left``, ``centre``."""
    height, width = weight.shape
    y = float((weight.sum(1) * (np.arange(height) + 0.5)).sum()) / height
    x = float((weight.sum(0) * (np.arange(width) + 0.5)).sum()) / width
    words = [_ROWS[min(int(y * 3), 2)], _COLUMNS[min(int(x * 3), 2)]]
    return " ".join(filter(None, words)) or "centre"
