"""Hints carried over drawn pictures, with features made up for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom import ArgumentError, Hint
from photochrom.affinity import connected, feature_vectors, thing_vectors, tone_vectors
from photochrom.hints.spread import carry, thing

Array = NDArray[Any]
RED, BLUE = (192, 57, 43), (30, 60, 200)
SHAPE = 640, 960


def halves(height: int = 64, width: int = 96) -> Array:
    """L: dark on the left, bright on the right."""
    L = np.full((height, width), 25, np.float32)
    L[:, width // 2 :] = 80
    return L


def vectors(columns: Array, height: int = 16) -> Array:
    """Features of kinds of things, one for each column of the grid."""
    kinds = np.random.default_rng(0).normal(0, 1, (columns.max() + 1, 48)).astype(np.float32)
    planes = kinds[columns].T[:, None]
    return feature_vectors(np.repeat(planes, height, 1))


TWO = vectors(np.repeat([0, 1], 12))
GREY = np.zeros((2, 16, 24), np.float32)


def changed(one: Array, other: Array) -> Array:
    return np.asarray(np.hypot(*(one - other)))


def plain(L: Array, ab: Array = GREY) -> Array:
    return carry(ab, L, TWO, [], SHAPE)


@pytest.mark.parametrize("source", ["features", "tones"])
def test_a_click_stays_in_its_thing(source: str) -> None:
    L = halves()
    described = TWO if source == "features" else tone_vectors(L, GREY)
    hint = Hint(100, 100, RED)
    found = carry(GREY, L, described, [hint], SHAPE)
    assert found.shape == (2, 64, 96)
    assert found.dtype == np.float32
    assert changed(found, 0 * found)[:, 50:].max() < 0.5
    expected = np.broadcast_to(hint.ab[:, None, None], (2, 64, 46))
    np.testing.assert_allclose(found[:, :, :46], expected, atol=4)


def test_tones_part_what_shares_a_cell_of_features() -> None:
    """A bright hand on a dark sleeve: one person to the network, narrower than its cells."""
    L = np.full((64, 96), 25, np.float32)
    L[20:44, 40:44] = 80
    described = thing_vectors(TWO[:, ::4, ::4], tone_vectors(L, GREY))
    assert described.shape[1:] == (43, 64)
    np.testing.assert_allclose(np.square(described).sum(0), 1, atol=1e-5)
    found = carry(GREY, L, described, [Hint(100, 100, RED)], SHAPE)
    assert np.hypot(*found)[24:40, 41:43].max() < 12  # of 100
    assert np.hypot(*found)[:, :36].min() > 60
    assert np.hypot(*found)[:, 52:].max() < 1


def test_what_is_alike_but_apart_is_another_thing() -> None:
    L = np.full((64, 96), 50, np.float32)
    described = vectors(np.repeat([0, 1, 0], 8))
    found = changed(carry(GREY, L, described, [Hint(100, 100, RED)], SHAPE), np.zeros((2, 64, 96)))
    assert found[:, 4:28].min() > 20
    assert found[:, 38:].max() < 2


def test_a_thing_ends_where_similarity_falls_most() -> None:
    """A lit side and a shaded one of a sleeve, and something quite different beside it."""
    angles = np.repeat(np.arccos([1.0, 0.72, 0.0]), 8)
    described = np.stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    found = thing(np.repeat(described[:, None], 16, 1), [(8, 3)])[0]
    assert found[:, :16].min() > 0.65  # which the edges of L make 1
    assert found[:, 16:].max() == 0


def test_each_of_two_clicks_colours_its_own_thing() -> None:
    hints = [Hint(100, 100, RED), Hint(800, 500, BLUE)]
    found = carry(GREY, halves(), TWO, hints, SHAPE)
    np.testing.assert_allclose(found[:, 32, 10], hints[0].ab, atol=2)
    np.testing.assert_allclose(found[:, 32, 85], hints[1].ab, atol=2)


def test_two_clicks_on_one_thing_meet_between() -> None:
    L, described = np.full((32, 128), 50, np.float32), vectors(np.repeat([0, 1], 16), 8)
    ab, hints = np.zeros((2, 8, 32), np.float32), [Hint(2, 16, RED), Hint(61, 16, BLUE)]
    found = carry(ab, L, described, hints, (32, 128))
    np.testing.assert_allclose(found[:, 16, 2], hints[0].ab, atol=2)
    np.testing.assert_allclose(found[:, 16, 60], hints[1].ab, atol=2)
    assert (np.diff(found[1, 16, 2:60]) <= 0.5).all()  # from red to blue, b only falls


def test_dark_parts_of_a_thing_get_less_chroma() -> None:
    L = np.full((64, 96), 60, np.float32)
    L[:, 20:28] = 25
    found = carry(GREY, L, TWO, [Hint(100, 300, RED)], SHAPE)
    chroma = np.hypot(*found)[32]
    assert 0.45 < chroma[24] / chroma[10] < 0.75
    hues = np.arctan2(found[1, 32], found[0, 32])
    assert abs(hues[24] - hues[10]) < 0.02


def test_a_kept_place_stays_as_it_was() -> None:
    ab = np.full((2, 16, 24), 15, np.float32)
    L = np.full((64, 96), 50, np.float32)
    described = vectors(np.repeat([0, 1], 12)) * 0.9 + vectors(np.repeat([0, 2, 1], 8)) * 0.1
    click, keep = Hint(100, 300, RED), Hint(460, 300, "keep")
    base = plain(L, ab)
    alone = carry(ab, L, described, [click], SHAPE)
    both = carry(ab, L, described, [click, keep], SHAPE)
    assert changed(alone, base)[32, 44] > 20
    assert changed(both, base)[32, 46] < 1
    np.testing.assert_allclose(both[:, 32, 10], click.ab, atol=3)


def test_a_brush_colours_its_disc_and_nothing_else() -> None:
    L = np.full((64, 96), 50, np.float32)
    hint = Hint(300, 300, RED, 100)
    found = carry(GREY, L, TWO, [hint], SHAPE)
    rows, columns = np.mgrid[:64, :96]
    distance = np.hypot(rows + 0.5 - 30.05, columns + 0.5 - 30.05)
    assert not found[:, distance > 10.6].any()
    inside = found[:, distance < 9.4]
    np.testing.assert_allclose(inside, np.broadcast_to(hint.ab[:, None], inside.shape), rtol=1e-5)


def test_later_brushes_lie_over_earlier_ones_and_over_clicks() -> None:
    L = np.full((64, 96), 50, np.float32)
    below, above, click = (
        Hint(300, 300, RED, 200),
        Hint(300, 300, BLUE, 50),
        Hint(300, 300, "green"),
    )
    found = carry(GREY, L, TWO, [below, above, click], SHAPE)
    np.testing.assert_allclose(found[:, 30, 30], above.ab, atol=0.1)
    np.testing.assert_allclose(found[:, 30, 42], below.ab, atol=0.1)


def test_without_hints_nothing_changes() -> None:
    ab = np.random.default_rng(2).normal(0, 20, (2, 64, 96)).astype(np.float32)
    np.testing.assert_array_equal(carry(ab, halves(), TWO, [], SHAPE), ab)


def test_a_likely_colour_goes_as_far_as_any_other() -> None:
    L = np.full((64, 96), 50, np.float32)
    kinds = np.array([[1, 0.55, 0], [0, 0.835, 0], [0, 0, 1]], np.float32)
    described = np.repeat(kinds[:, np.repeat([0, 1, 2, 2], 6)][:, None], 16, 1)
    near, far = Hint(100, 300, (140, 115, 105)), Hint(100, 300, RED)
    shares = []
    for hint in (near, far):
        change = changed(carry(GREY, L, described, [hint], SHAPE), np.zeros((2, 64, 96)))
        shares.append(change[32, 30:44].mean() / change[32, 10])
        assert change[32, 54:].max() < 1
    assert shares[0] == pytest.approx(shares[1], abs=0.01)


def test_the_network_is_asked_where_a_colour_is_likely_only() -> None:
    asked: list[Hint] = []

    def ask(hints: Sequence[Hint]) -> Array:
        asked.extend(hints)
        return np.full((2, 16, 24), -12, np.float32)

    L = np.full((64, 96), 50, np.float32)
    carry(GREY, L, TWO, [Hint(100, 300, RED)], SHAPE, ask)
    assert not asked
    likely = Hint(100, 300, (110, 120, 125))
    found = carry(GREY, L, TWO, [likely, Hint(900, 600, BLUE)], SHAPE, ask)
    assert asked == [likely]
    np.testing.assert_allclose(found[:, 30, 10], likely.ab, atol=1)
    np.testing.assert_allclose(found[:, 30, 85], Hint(0, 0, BLUE).ab, atol=1)


@pytest.mark.parametrize("radius", [None, 3])
@pytest.mark.parametrize(("x", "y"), [(-1, 5), (960, 5), (5, -0.5), (5, 640), (1e9, 1e9)])
def test_a_hint_outside_the_picture_is_refused(x: float, y: float, radius: float | None) -> None:
    with pytest.raises(ArgumentError, match=r"expected x in 0\.\.\.959 and y in 0\.\.\.639"):
        carry(GREY, halves(), TWO, [Hint(x, y, RED, radius)], SHAPE)


@pytest.mark.parametrize("grid", [(1, 2), (17, 25), (64, 96), (3, 50)])
def test_any_grid_of_colours(grid: tuple[int, int]) -> None:
    ab, L = np.full((2, *grid), 10, np.float32), halves()
    found = carry(ab, L, tone_vectors(L, ab), [Hint(30, 300, RED)], SHAPE)
    assert found.shape == (2, 64, 96)
    np.testing.assert_allclose(found[:, 30, 3], Hint(0, 0, RED).ab, atol=3)


def test_paths_are_as_good_as_their_weakest_cell() -> None:
    affinity = np.array([[[1, 0.5, 0.9, 0], [0, 0, 0.4, 0.8]]], np.float32)
    found = connected(affinity, [(0, 0)])
    np.testing.assert_allclose(found[0], [[1, 0.5, 0.5, 0], [0, 0, 0.4, 0.4]])
