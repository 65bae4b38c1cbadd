"""Palettes: the really different colours that a place could have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..color import Float, lab_to_srgb, srgb_to_lab
from ..color.css import color_name
from ..color.difference import ciede2000
from ..gamut import bins, probabilities

LEAST_SHARE = 0.02
"""Smallest share of the distribution that makes a suggestion."""

LEAST_DIFFERENCE = 10.0
"""Smallest CIEDE2000 between two suggestions."""

FEWEST = 3
"""Suggestions that there are at least, however sure the network is."""

_FLATTER = 1.4  # step of the temperature while there are fewer
_TONES = 35, 80  # L within which colours can be told apart


@dataclass(frozen=True)
class Suggestion:
    """A colour a place could have.

    Attributes:
        color: ``#rrggbb``, at the place's own lightness, or at the nearest at which colours can
            be told apart.
        probability: 0.02...1, its share of the distribution.
        name: in plain words, from the names of CSS.
    """

    color: str
    probability: float
    name: str = ""


def palette(
    logits: Float, lightness: float, count: int = 5, *, fewest: int = FEWEST
) -> list[Suggestion]:
    """The colours of a distribution, grouped until no two look alike.

    Bins are grouped around the largest mass within a CIEDE2000 of 10; groups of less than 2 % are
    dropped. Where the network is so sure that too few are left, its distribution is flattened (by
    a higher temperature) until there are enough, and the shares are those of it.

    Args:
        logits: ``(313,)`` of one place, or the mean of several.
        lightness: L of the place, 0...100.
        count: how many at most.
        fewest: how many at least.

    Returns:
        Suggestions, likeliest first.
    """
    tone = round(float(np.clip(lightness, *_TONES)))
    found: list[Suggestion] = []
    temperature = 1.0
    while len(found) < fewest and temperature < 1e6:
        p = probabilities(logits.reshape(1, -1, 1, 1), temperature)[0, :, 0, 0]
        found = _groups(p, tone)
        temperature *= _FLATTER
    found = sorted(found, key=lambda each: -each.probability)[: max(count, 1)]
    named: list[Suggestion] = []
    for each in found:
        red, green, blue = bytes.fromhex(each.color[1:])
        name = color_name((red, green, blue), [other.name for other in named])
        named.append(replace(each, name=name))
    return named


@lru_cache(64)
def _near(tone: int) -> NDArray[np.bool_]:
    """Which bins look alike at a lightness: ``(313, 313)``."""
    lab = _shown(bins(), tone)[1]
    return ciede2000(lab[:, None], lab[None]) < LEAST_DIFFERENCE


def _groups(p: Float, tone: int) -> list[Suggestion]:
    """Groups of bins, the heaviest first."""
    near = _near(tone)
    left, labs = p.astype(np.float64), np.empty((0, 3), np.float32)
    found: list[Suggestion] = []
    while True:
        members = near[int((near @ left).argmax())]
        share = float(left[members].sum())
        if share < LEAST_SHARE:
            return found
        mean = left[members] @ bins()[members] / share
        left[members] = 0
        rgb, lab = _shown(mean[None].astype(np.float32), tone)
        # A mean may lie nearer to another one than the bins that it is of.
        if (ciede2000(labs, lab) >= LEAST_DIFFERENCE).all():
            labs = np.concatenate([labs, lab])
            found.append(Suggestion("#" + rgb.tobytes().hex(), round(share, 4)))


def _shown(ab: Float, tone: float) -> tuple[NDArray[np.uint8], Float]:
    """Colours as they can be shown at a lightness: sRGB codes and their Lab, ``(n, 3)`` each."""
    lab = np.concatenate([np.full((len(ab), 1), tone, np.float32), ab], 1)
    rgb = lab_to_srgb(lab)
    return rgb, srgb_to_lab(rgb)
