"""How well what a click colours agrees with what people see as one thing, on BSDS500.

Part of ``steering.py``, which says how it is run. Measured at the network's own size, without
painting. For each place the *inside* is what all people count to its segment, the *outside* what
no one does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from photochrom import Colorizer, Hint, Picture
from photochrom.color import neutral
from photochrom.hints.spread import hint_weights

Array = np.ndarray[Any, Any]
PLACES = 5
SMALL = 0.1  # share of the picture
COLOR = "magenta"  # unlikely wherever the click is


def segments(colorizer: Colorizer, folder: Path, limit: int) -> None:
    """Print how many clicks pass, and how many leave their neighbours alone."""
    images = sorted((folder / "images").rglob("*.jpg"))
    rng, rows = np.random.default_rng(0), []
    for index in rng.permutation(len(images))[:limit]:
        picture = Picture(neutral(np.asarray(Image.open(images[index]).convert("RGB"))))
        prepared = colorizer.prepare(picture)
        drawn = _drawn(folder, images[index], prepared.L.shape)
        for row, column, inside, outside in _things(drawn, rng):
            scale = np.array(prepared.shape) / prepared.L.shape
            y, x = ((np.array([row, column]) + 0.5) * scale).astype(int)
            weight = hint_weights(
                prepared.ab,
                prepared.L,
                prepared.vectors,
                [Hint(int(x), int(y), COLOR)],
                prepared.shape,
            )[0]
            area = inside.sum()
            found, leaked = (weight * inside).sum() / area, (weight * outside).sum() / area
            rows.append((found >= 0.6, leaked <= 0.25, inside.mean() < SMALL))
    passed, tame, small = np.array(rows).T
    print(f"{len(rows)} clicks on {limit} photographs: {tame.mean():.0%} leave their neighbours")
    print(f"  alone, {(passed & tame).mean():.0%} pass; of the {small.sum()} on small things")
    print(f"  {(passed & tame)[small].mean():.0%}")


def _drawn(folder: Path, image: Path, size: tuple[int, ...]) -> Array:
    """What people drew, ``(people, h, w)``."""
    from scipy.io import loadmat

    path = folder / "groundTruth" / image.parent.name / f"{image.stem}.mat"
    people = loadmat(path)["groundTruth"][0]
    drawn = (each[0, 0]["Segmentation"].astype(np.int32) for each in people)
    shape = size[1], size[0]
    return np.stack(
        [np.asarray(Image.fromarray(one).resize(shape, Image.Resampling.NEAREST)) for one in drawn]
    )


def _things(drawn: Array, rng: np.random.Generator) -> list[tuple[int, int, Array, Array]]:
    """Places that lie well within a segment of each person, with its inside and outside."""
    found = []
    height, width = drawn.shape[1:]
    for _ in range(20 * PLACES):
        row, column = int(rng.integers(4, height - 4)), int(rng.integers(4, width - 4))
        same = drawn == drawn[:, row, column, None, None]
        around = same[:, row - 3 : row + 4, column - 3 : column + 4]
        if around.all() and same.all(0).mean() > 0.004 and len(found) < PLACES:
            found.append((row, column, same.all(0), ~same.any(0)))
    return found
