"""First pass over the pictures: which can be read, and their mean colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import ArgumentError, PhotochromError
from .accumulators import compared_lab, is_near_grey
from .picture_set import Item, PictureSet, squares


@dataclass(frozen=True)
class Survey:
    """What the first look brought.

    Attributes:
        readable: the pictures to compare.
        unreadable: name and reason of each of the others.
        near_grey: how many of the readable ones have hardly any colour.
        mean_ab: over all compared pixels.
    """

    readable: list[Item]
    unreadable: list[tuple[str, str]]
    near_grey: int
    mean_ab: tuple[float, float]


def survey_of(pictures: PictureSet, size: int, step: Callable[[], None]) -> Survey:
    """Look at a set as squares of side `size`; `step` is called after each.

    Raises:
        ArgumentError: none of them is a colour picture.
    """
    items = pictures.items
    readable, unreadable, near_grey = [], [], 0
    total, pixels = np.zeros(2), 0
    for place, square in squares(items, size):
        step()
        if isinstance(square, PhotochromError):
            unreadable.append((items[place].name, str(square)))
            continue
        lab = compared_lab(square)
        total += lab[:, 1:].sum(0, dtype=np.float64)
        pixels += len(lab)
        near_grey += is_near_grey(lab)
        readable.append(items[place])
    if near_grey == len(readable):
        why = f"{len(unreadable)} unreadable and {near_grey} without colour"
        raise ArgumentError(
            f"there is no colour picture to evaluate on in {', '.join(pictures.sources)}",
            expected="colour photographs",
            got=why + (f" (the first: {unreadable[0][1]})" if unreadable else ""),
        )
    a, b = (total / pixels).tolist()
    return Survey(readable, unreadable, near_grey, (a, b))
