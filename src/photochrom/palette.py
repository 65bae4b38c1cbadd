"""Palettes: the really different colours that a place could have."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .color import Float, lab_to_srgb, srgb_to_lab
from .css import color_name
from .difference import ciede2000
from .gamut import bins, probabilities

LEAST_SHARE = 0.02
"""Smallest share of the distribution that makes a suggestion."""

LEAST_DIFFERENCE = 10.0
"""Smallest CIEDE2000 between two suggestions."""

_FEWEST = 3
_FLATTER = 1.4  # step of the temperature while there are fewer
_TONES = 35.0, 80.0  # L within which colours can be told apart


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


def palette(logits: Float, lightness: float, count: int = 5) -> list[Suggestion]:
    """The colours of a distribution, grouped until no two look alike.

    Bins are grouped around the largest mass within a CIEDE2000 of 10; groups of less than 2 % are
    dropped. Where the network is so sure that fewer than three are left, its distribution is
    flattened (by a higher temperature) until there are three, and the shares are those of it.

    Args:
        logits: ``(313,)`` of one place, or the mean of several.
        lightness: L of the place, 0...100.
        count: how many at most.

    Returns:
        Suggestions, likeliest first.
    """
    tone = float(np.clip(lightness, *_TONES))
    seen = _shown(bins(), tone)[1]
    apart = ciede2000(seen[:, None], seen[None])
    found: list[Suggestion] = []
    temperature = 1.0
    while len(found) < _FEWEST and temperature < 1e6:
        p = probabilities(logits.reshape(1, -1, 1, 1), temperature)[0, :, 0, 0]
        found = _groups(p, apart < LEAST_DIFFERENCE, tone)
        temperature *= _FLATTER
    found = sorted(found, key=lambda each: -each.probability)[: max(count, 1)]
    named: list[Suggestion] = []
    for each in found:
        red, green, blue = bytes.fromhex(each.color[1:])
        name = color_name((red, green, blue), [other.name for other in named])
        named.append(replace(each, name=name))
    return named


def _groups(p: Float, near: NDArray[np.bool_], tone: float) -> list[Suggestion]:
    """Groups of bins, the heaviest first."""
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
