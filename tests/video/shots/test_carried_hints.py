"""Hints that are carried through a shot."""

from __future__ import annotations

import numpy as np

from photochrom import Hint
from photochrom.video.color.cells import Cells
from photochrom.video.shots.carried_hints import CarriedHints, HintedFrame
from tests.helpers.film_scenes import Array

SHAPE = 64, 96  # of pictures; their cells are 4 x 4 pixels
KINDS = np.random.default_rng(0).standard_normal((4, 16)).astype(np.float32)
KINDS[3] = KINDS[1] + 0.6 * KINDS[3]  # a thing much like the first one


def frame(left: int, right: int, thing: int = 1) -> tuple[Cells, Array]:
    """A frame with a thing in its columns of cells from `left` to `right`, and a wall beside it."""
    kind = np.zeros((16, 24), int)
    kind[4:12, left:right] = thing
    kind[12:] = 2
    features = np.moveaxis(KINDS[kind], -1, 0).copy()
    L = np.repeat(np.repeat(np.float32([30, 60, 80, 60])[kind], 4, 0), 4, 1)
    return Cells(np.full((2, 16, 24), 5, np.float32), features, L[::4, ::4]), L


def on(where: tuple[int, int], *hints: Hint, thing: int = 1) -> HintedFrame:
    cells, L = frame(*where, thing)
    return HintedFrame(cells, L, hints, SHAPE)


def applied(hints: CarriedHints, where: tuple[int, int], thing: int = 1) -> Array:
    cells, L = frame(*where, thing)
    return hints.applied(np.full((2, *SHAPE), 5, np.float32), cells, L)


TEAL = Hint(20, 32, "#008080")


def test_the_thing_has_the_colour_wherever_it_goes() -> None:
    hints = CarriedHints.of([on((2, 8), TEAL)])
    for left in (2, 7, 15):
        ab = applied(hints, (left, left + 6))
        inside = ab[:, 20:44, 4 * left + 4 : 4 * left + 20]
        np.testing.assert_allclose(inside.mean((1, 2)), TEAL.ab, atol=1.5)


def test_outside_nothing_changes() -> None:
    hints = CarriedHints.of([on((2, 8), TEAL)])
    ab = applied(hints, (10, 16))
    outside = np.ones(SHAPE, bool)
    outside[12:52, 36:68] = False
    np.testing.assert_array_equal(ab[:, outside], 5)


def test_a_frame_without_the_thing_stays_as_it_is() -> None:
    hints = CarriedHints.of([on((2, 8), TEAL)])
    cells, L = frame(0, 0)
    ab = np.full((2, *SHAPE), 5, np.float32)
    assert hints.applied(ab, cells, L) is ab


def test_a_hint_that_keeps_holds_others_back() -> None:
    """Also on another frame, where a thing is much like the one with a colour."""
    leaks = CarriedHints.of([on((2, 8), TEAL)])
    assert abs(applied(leaks, (12, 18), thing=3) - 5).max() > 10
    keep = Hint(60, 32, "keep")
    hints = CarriedHints.of([on((2, 8), TEAL), on((12, 18), keep, thing=3)])
    np.testing.assert_allclose(applied(hints, (6, 12), thing=3), 5, atol=1)
    inside = applied(hints, (6, 12))[:, 20:44, 28:44]
    np.testing.assert_allclose(inside.mean((1, 2)), TEAL.ab, atol=3)
    alone = CarriedHints.of([on((2, 8), keep)])
    np.testing.assert_array_equal(applied(alone, (2, 8)), 5)


def test_hints_on_two_frames_agree() -> None:
    """Each frame has a hint on another thing; both things have their colour in both."""
    floor = Hint(48, 58, "#c04020")
    hints = CarriedHints.of([on((2, 8), TEAL), on((12, 18), floor)])
    for left in (2, 12):
        ab = applied(hints, (left, left + 6))
        thing = ab[:, 20:44, 4 * left + 4 : 4 * left + 20]
        np.testing.assert_allclose(thing.mean((1, 2)), TEAL.ab, atol=3)
        np.testing.assert_allclose(ab[:, 54:, 8:-8].mean((1, 2)), floor.ab, atol=6)
