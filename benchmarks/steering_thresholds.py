"""Choice of the similarities at which things begin, for the network that is loaded.

Part of ``steering.py``, which says how it is run. Measured at the network's own size, without
painting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.steering import parts
from photochrom import Colorizer, ColorOptions, Hint, Picture, affinity
from photochrom.color import Float, lab_to_srgb, neutral, srgb_to_lab
from photochrom.hints import spread
from photochrom.upsample import resized

Array = np.ndarray[Any, Any]
WRONG = 30.0
"""ab; how far the network is from the truth where a true click is made."""


def thing(colorizer: Colorizer, sets: Sequence[Sequence[Array]]) -> None:
    """`spread.THING` and `USUAL`: the lowest of those that gain within 0.02 ab of the most.

    On each picture one click with the true colour, where the network is far from it: that gains
    most if it goes as far as the thing, and no farther. Not counted are values with which the
    median share changed is over 12 %, or the 90th percentile over 35 %.
    """
    cases = []
    rng = np.random.default_rng(1)
    for rgb in (picture for pictures in sets for picture in pictures):
        prepared = colorizer.prepare(Picture(neutral(rgb)))
        truth = resized(np.moveaxis(srgb_to_lab(rgb)[..., 1:], -1, 0), prepared.L.shape)
        own = colorizer.chroma(prepared)
        own = own if own.shape == truth.shape else resized(own, prepared.L.shape)
        places = np.argwhere(np.hypot(*(truth - own)) > WRONG)
        if len(places):
            row, column = places[rng.integers(len(places))]
            scale = np.array(prepared.shape) / prepared.L.shape
            y, x = ((np.array([row, column]) + 0.5) * scale).astype(int)
            lab = np.array([[prepared.L[row, column], *truth[:, row, column]]], np.float32)
            color = lab_to_srgb(lab)[0]
            cases.append((prepared, truth, own, Hint(int(x), int(y), tuple(color.tolist()))))
    found = []
    print(f"{len(cases)} true clicks where the network is off by more than {WRONG:.0f}")
    kept = spread.THING, spread.USUAL
    width = float(spread.THING[1] - spread.THING[0])
    for low in (0.5, 0.6, 0.7):
        for usual in (0.65, 0.70, 0.75, 0.80, 0.85):
            spread.THING = np.array([low, low + width], np.float32)
            spread.USUAL = usual
            gains, shares = [], []
            for prepared, truth, own, hint in cases:
                told = colorizer.chroma(prepared, ColorOptions(hints=[hint]))
                before, after = (np.hypot(*(truth - ab)).mean() for ab in (own, told))
                gains.append(before - after)
                shares.append((np.hypot(*(told - own)) > 10).mean())
            middle, most = np.median(shares), np.quantile(shares, 0.9)
            found.append((float(np.mean(gains)), low, usual, middle <= 0.12 and most <= 0.35))
            print(
                f"  from {low:.2f}, usual {usual:.2f}: gain {np.mean(gains):5.2f} ab; changed"
                f" {middle:.1%} in the median, {most:.1%} at the 90th percentile"
            )
    spread.THING, spread.USUAL = kept
    small = [case for case in found if case[-1]]
    near = [case[1:3] for case in small if case[0] > max(small)[0] - 0.02]
    best = min(near) if near else "none is small enough"
    print(f"spread.THING ({width:.2f} wide), from, and USUAL: {best}")


def likeness(colorizer: Colorizer, sets: Sequence[Sequence[Array]]) -> None:
    """`affinity.LIKE` and `LOOSER`: the values whose references gain most.

    Two overlapping parts of each photograph, and parts of two of one set. Not counted are values
    with which a picture changes by more than 1 ab for an unrelated one, but for one in fifty.
    """
    related, unrelated, mutual = [], [], []
    for pictures in sets:
        seen = [[_cells(colorizer, one) for one in parts(rgb)] for rgb in pictures]
        for number, (grey, other) in enumerate(seen):
            related.append(_matched(grey, other))
            unrelated.append(_matched(grey, seen[(number + 7) % len(seen)][1]))
    for name, cases in (("one scene", related), ("two scenes", unrelated)):
        shares = np.quantile([case[3] for case in cases], [0.05, 0.5, 0.95])
        mutual.append(shares)
        print(f"mutual places of {name}: {', '.join(f'{s:.2f}' for s in shares)} (5, 50, 95 %)")
    found = []
    kept = affinity.LIKE, affinity.LOOSER
    for low in (0.6, 0.7, 0.8, 0.85):
        for looser in (0.1, 0.2, 0.3, 0.4, 0.5):
            affinity.LIKE, affinity.LOOSER = (low, low + 0.15), looser
            gains = [_gain(case) for case in related]
            moved = [float(np.mean(_confidence(c) * np.hypot(*(c[0] - c[1])))) for c in unrelated]
            tame = float(np.quantile(moved, 0.98)) <= 1
            found.append((float(np.mean(gains)), low, looser, tame))
            print(
                f"  LIKE {low:.2f}, LOOSER {looser:.2f}: gain {np.mean(gains):5.2f} ab, at least"
                f" {min(gains):.2f}; unrelated {np.mean(moved):.2f}, {max(moved):.2f} at most"
            )
    affinity.LIKE, affinity.LOOSER = kept
    best = max((case for case in found if case[-1]), default=None)
    print(f"affinity.LIKE and LOOSER: {'none is tame enough' if best is None else best[1:3]}")


def _cells(colorizer: Colorizer, rgb: Array) -> tuple[Float, Float, Float]:
    """Features, and the network's own and the true ab of the same cells."""
    prepared = colorizer.prepare(Picture(neutral(rgb)))
    assert prepared.features is not None, "the model has features"
    grid = prepared.features.shape[1:]
    true = resized(np.moveaxis(srgb_to_lab(rgb)[..., 1:], -1, 0), grid)
    return prepared.features, resized(prepared.ab, grid), true


def _matched(one: Any, other: Any) -> tuple[Float, Float, Float, float, Float]:
    """Carried, own and true ab, the share of mutual places, and similarities."""
    cells = other[0].reshape(len(other[0]), -1)
    ab, similar = affinity.matched_values(one[0], cells, other[2].reshape(2, -1))
    places = affinity.cell_similarities(one[0], cells)
    return ab, one[1], one[2], affinity.mutual_share(places, one[0].shape[1:]), similar


def _confidence(case: Any) -> Float:
    return affinity.confidence(case[4], case[3])


def _gain(case: Any) -> float:
    ab, own, true = case[:3]
    lent = own + _confidence(case) * (ab - own)
    return float(np.hypot(*(true - own)).mean() - np.hypot(*(true - lent)).mean())
