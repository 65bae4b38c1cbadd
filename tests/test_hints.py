"""Hints: reading them, rasterising them, and carrying them over a picture."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photochrom.color import srgb_to_lab
from photochrom.errors import ArgumentError
from photochrom.hints import Hint, Surfaces, parse_json, propagate, rasterise

Array = NDArray[Any]
RED, BLUE = (192, 57, 43), (30, 60, 200)


# --- reading -----------------------------------------------------------------------------------


def test_parse() -> None:
    assert Hint.parse("120,80,#c0392b") == Hint(120, 80, RED)
    assert Hint.parse(" 1.5 , 0, #C0392B ,15") == Hint(1.5, 0, RED, 15)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "120,80",
        "120,80,c0392b",
        "120,80,#c0392",
        "120,80,#c0392bff",
        "120,80,#gggggg",
        "120,80,red",
        "x,80,#c0392b",
        "120,,#c0392b",
        "nan,80,#c0392b",
        "120,inf,#c0392b",
        "120,80,#c0392b,0",
        "120,80,#c0392b,-3",
        "120,80,#c0392b,nan",
        "120,80,#c0392b,15,1",
        "120;80;#c0392b",
    ],
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ArgumentError, match="a hint cannot be read: expected x,y,#rrggbb") as error:
        Hint.parse(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "values",
    [
        {"x": float("nan")},
        {"y": float("inf")},
        {"radius": 0},
        {"radius": -1},
        {"radius": float("inf")},
        {"color": (0, 0, 256)},
        {"color": (-1, 0, 0)},
        {"color": (1, 2)},
    ],
)
def test_a_hint_made_in_code_is_checked_too(values: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        Hint(**{"x": 1, "y": 2, "color": RED} | values)


def test_parse_json() -> None:
    plain = '{"x": 1, "y": 2.5, "color": "#c0392b"}'
    wide = '{"radius": 4, "y": 0, "x": 3, "color": "#C0392B"}'
    assert parse_json(f"[{plain}, {wide}]") == [Hint(1, 2.5, RED), Hint(3, 0, RED, 4)]
    assert parse_json("[]") == []
    assert parse_json('[{"x": 1, "y": 2, "color": "#c0392b", "radius": null}]') == [Hint(1, 2, RED)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[" * 100_000,
        "{}",
        "3",
        "[3]",
        '["1,2,#c0392b"]',
        '[{"x": 1, "y": 2}]',
        '[{"x": 1, "y": 2, "color": "#c0392b", "size": 3}]',
        '[{"x": 1, "y": 2, "color": 12}]',
        '[{"x": 1, "y": 2, "color": null}]',
        '[{"x": "one", "y": 2, "color": "#c0392b"}]',
        '[{"x": null, "y": 2, "color": "#c0392b"}]',
        '[{"x": [1], "y": 2, "color": "#c0392b"}]',
        '[{"x": NaN, "y": 2, "color": "#c0392b"}]',
        '[{"x": 1e999, "y": 2, "color": "#c0392b"}]',
        f'[{{"x": 1{"0" * 400}, "y": 2, "color": "#c0392b"}}]',
        '[{"x": 1, "y": 2, "color": "#c0392b", "radius": 0}]',
        '[{"x": 1, "y": 2, "color": "#c0392b", "radius": "wide"}]',
    ],
)
def test_parse_json_refuses(text: str) -> None:
    with pytest.raises(ArgumentError, match="a hint cannot be read") as error:
        parse_json(text)
    assert "\n" not in str(error.value)


COLORS = st.tuples(*[st.integers(0, 255)] * 3)
NUMBERS = st.floats(0, 1e6, width=32)


@given(st.builds(Hint, NUMBERS, NUMBERS, COLORS, st.none() | NUMBERS.filter(bool)))
def test_what_is_written_is_read(hint: Hint) -> None:
    color = "#" + bytes(hint.color).hex()
    fields = [repr(hint.x), repr(hint.y), color]
    assert (
        Hint.parse(",".join(fields + ([] if hint.radius is None else [repr(hint.radius)]))) == hint
    )
    item = {"x": hint.x, "y": hint.y, "color": color, "radius": hint.radius}
    assert parse_json(json.dumps([item])) == [hint]


def test_a_hints_ab() -> None:
    expected = srgb_to_lab(np.array(RED, np.uint8))[1:]
    np.testing.assert_allclose(Hint(0, 0, RED).ab, expected)
    assert Hint(0, 0, RED).ab.shape == (2,)
    np.testing.assert_allclose(Hint(0, 0, (9, 9, 9)).ab, 0, atol=1e-3)


# --- rasterising -------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.tuples(st.integers(1, 400), st.integers(1, 400)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True)),
    st.none() | st.floats(0.01, 1000),
)
def test_a_hint_covers_its_own_cell(
    shape: tuple[int, int],
    size: tuple[int, int],
    place: tuple[float, float],
    radius: float | None,
) -> None:
    x, y = place[0] * shape[1], place[1] * shape[0]
    hint_map, mask = rasterise([Hint(x, y, RED, radius)], shape, size)
    assert hint_map.shape == (1, 2, *size)
    assert mask.shape == (1, 1, *size)
    assert hint_map.dtype == mask.dtype == np.float32
    row = min(int(y / shape[0] * size[0] + 1e-9), size[0] - 1)
    column = min(int(x / shape[1] * size[1] + 1e-9), size[1] - 1)
    assert mask[0, 0, row, column] == 1
    assert set(np.unique(mask)) <= {0, 1}
    covered = mask[0, 0] == 1
    expected = np.broadcast_to(Hint(x, y, RED).ab[:, None], (2, covered.sum()))
    np.testing.assert_array_equal(hint_map[0][:, covered], expected)
    assert not hint_map[0][:, ~covered].any()


def test_the_radius_is_in_pixels_of_the_picture() -> None:
    _, mask = rasterise([Hint(200, 100, RED, 60)], (400, 800), (100, 100))
    rows, columns = np.nonzero(mask[0, 0])
    # 60 pixels are 15 cells down and 7.5 across, about the hint's own place.
    assert (rows.min(), rows.max()) == (10, 39)
    assert (columns.min(), columns.max()) == (18, 32)
    assert mask.sum() == pytest.approx(np.pi * 15 * 7.5, rel=0.03)


def test_a_hint_without_radius_is_a_small_spot() -> None:
    _, mask = rasterise([Hint(500, 500, RED)], (1000, 1000), (256, 256))
    assert 1 < mask.sum() < 50


def test_later_hints_lie_over_earlier_ones() -> None:
    below, above = Hint(50, 50, RED, 40), Hint(50, 50, BLUE, 10)
    hint_map, mask = rasterise([below, above], (100, 100), (50, 50))
    np.testing.assert_array_equal(hint_map[0, :, 25, 25], above.ab)
    np.testing.assert_array_equal(hint_map[0, :, 25, 40], below.ab)
    reverse, again = rasterise([above, below], (100, 100), (50, 50))
    np.testing.assert_array_equal(reverse[0, :, 25, 25], below.ab)
    np.testing.assert_array_equal(mask, again)


def test_no_hints_make_an_empty_mask() -> None:
    hint_map, mask = rasterise([], (10, 10), (4, 4))
    assert not hint_map.any()
    assert not mask.any()


OUTSIDE = [(-1, 5), (10, 5), (5, -0.5), (5, 20), (1e9, 1e9)]


@pytest.mark.parametrize(("x", "y"), OUTSIDE)
def test_a_hint_outside_the_picture_is_refused(x: float, y: float) -> None:
    expected = r"outside the picture: expected x in 0\.\.\.9 and y in 0\.\.\.19"
    with pytest.raises(ArgumentError, match=expected):
        rasterise([Hint(x, y, RED)], (20, 10), (8, 8))
    with pytest.raises(ArgumentError, match=expected):
        propagate(np.zeros((2, 2, 2), np.float32), np.zeros((8, 8)), [Hint(x, y, RED)], (20, 10))


# --- carrying hints ----------------------------------------------------------------------------


def two_halves(height: int = 64, width: int = 96) -> Array:
    """L: dark on the left, bright on the right."""
    L = np.full((height, width), 25, np.float32)
    L[:, width // 2 :] = 80
    return L


GRIDS = [(16, 24), (64, 96), (17, 25), (1, 2), (63, 96), (64, 7)]


@pytest.mark.parametrize("grid", GRIDS)
def test_a_hint_stays_on_its_side_of_an_edge(grid: tuple[int, int]) -> None:
    """Whatever the grid, whether or not it divides L's size."""
    ab = np.full((2, *grid), 10, np.float32)
    hint = Hint(30, 300, RED, 20)
    result = propagate(ab, two_halves(), [hint], (640, 960))
    assert result.shape == ab.shape
    assert result.dtype == np.float32
    # Cells that lie two pixels of L or more beyond the edge at 48.
    first, last = np.arange(grid[1]) * 96 / grid[1], (np.arange(grid[1]) + 1) * 96 / grid[1]
    left, right = result[:, :, last <= 46], result[:, :, first >= 50]
    np.testing.assert_allclose(right, 10, atol=0.5)
    share = (left - 10) / (hint.ab[:, None, None] - 10)
    assert share.size or grid == (1, 2)
    assert (share > 0.3).all()
    assert (share <= 1 + 1e-6).all()
    own = result[:, grid[0] // 2, 3 * grid[1] // 96]
    np.testing.assert_allclose(own, hint.ab, atol=10 if grid == (1, 2) else 5)


def test_each_of_two_hints_colours_its_own_side() -> None:
    ab = np.zeros((2, 16, 24), np.float32)
    hints = [Hint(100, 100, RED, 30), Hint(800, 500, BLUE, 30)]
    result = propagate(ab, two_halves(), hints, (640, 960))
    for hint, row, column in zip(hints, (2, 12), (2, 20), strict=True):
        np.testing.assert_allclose(result[:, row, column], hint.ab, atol=4)
    assert (result[0, :, :12] > 0.5 * hints[0].ab[0]).all()
    assert (result[1, :, 12:] < 0.5 * hints[1].ab[1]).all()


def test_two_hints_on_one_surface_meet_between() -> None:
    ab, L = np.zeros((2, 8, 32), np.float32), np.full((32, 128), 50, np.float32)
    hints = [Hint(4, 16, RED, 3), Hint(123, 16, BLUE, 3)]
    result = propagate(ab, L, hints, (32, 128))
    np.testing.assert_allclose(result[:, 4, 1], hints[0].ab, atol=4)
    np.testing.assert_allclose(result[:, 4, 30], hints[1].ab, atol=4)
    assert (np.diff(result[1, 4]) <= 0.5).all()  # from red to blue, b only falls


def test_a_border_of_predicted_colour_holds_a_hint_back() -> None:
    """Two surfaces of the same lightness that the network told apart."""
    ab, L = np.zeros((2, 16, 16), np.float32), np.full((64, 64), 50, np.float32)
    ab[1, :, 8:] = 60
    result = propagate(ab, L, [Hint(8, 32, RED, 4)], (64, 64))
    np.testing.assert_allclose(result[:, :, 8:], ab[:, :, 8:], atol=1)
    assert result[0, 8, 2] > 0.8 * Hint(0, 0, RED).ab[0]


def test_a_strip_of_another_colour_holds_a_hint_back() -> None:
    """Even though what lies beyond it is as before it."""
    ab, L = np.zeros((2, 16, 16), np.float32), np.full((64, 64), 50, np.float32)
    ab[1, :, 8:10] = 60
    result = propagate(ab, L, [Hint(8, 32, RED, 4)], (64, 64))
    np.testing.assert_allclose(result[:, :, 10:], 0, atol=1)
    assert result[0, 8, 2] > 0.8 * Hint(0, 0, RED).ab[0]


def test_grain_does_not_hold_a_hint_back() -> None:
    grain = np.random.default_rng(1).normal(0, 2.5, (64, 64)).astype(np.float32)
    grey, hint = np.zeros((2, 16, 16), np.float32), Hint(8, 8, RED, 4)
    even = propagate(grey, np.full_like(grain, 50), [hint], (64, 64))
    grainy = propagate(grey, 50 + grain, [hint], (64, 64))
    assert (grainy[0] > 0.85 * even[0]).all()


@pytest.mark.parametrize("grid", GRIDS)
def test_without_hints_nothing_changes(grid: tuple[int, int]) -> None:
    ab = np.random.default_rng(2).normal(0, 20, (2, *grid)).astype(np.float32)
    np.testing.assert_array_equal(propagate(ab, two_halves(), [], (640, 960)), ab)


def test_a_hint_of_the_colour_that_is_there_changes_nothing() -> None:
    hint = Hint(5, 5, RED)
    ab = np.broadcast_to(hint.ab[:, None, None], (2, 16, 24)).astype(np.float32)
    np.testing.assert_allclose(propagate(ab, two_halves(), [hint], (640, 960)), ab, atol=1e-4)


# --- what a network says with hints --------------------------------------------------------------


def test_what_a_network_says_with_a_hint_counts_on_its_object_only() -> None:
    """Everything is blue with the hint; the other half of the picture stays as it was."""
    ab, steered = np.zeros((2, 16, 24), np.float32), np.zeros((2, 16, 24), np.float32)
    steered[1] = -30
    hint = Hint(100, 300, (40, 60, 160))
    result = propagate(ab, two_halves(), [hint], (640, 960), steered)
    alone = propagate(ab, two_halves(), [hint], (640, 960))
    assert np.abs(result[:, :, 14:]).max() < 2
    assert result[1, :, 4:10].mean() < -20
    # Further on the same surface than the hint's colour is carried without the network.
    assert (result - alone)[1, :, 9].mean() < -2


def test_the_hints_own_place_keeps_the_hints_colour() -> None:
    """Even if the network does not believe it."""
    ab = np.zeros((2, 16, 24), np.float32)
    hint = Hint(200, 320, RED, 40)
    steered = np.full_like(ab, -40)
    result = propagate(ab, two_halves(), [hint], (640, 960), steered)
    np.testing.assert_allclose(result[:, 8, 5], hint.ab, atol=3)


def test_a_network_that_says_the_same_with_and_without_changes_nothing() -> None:
    ab = np.random.default_rng(5).normal(0, 20, (2, 16, 24)).astype(np.float32)
    hint = Hint(200, 320, RED)
    np.testing.assert_allclose(
        propagate(ab, two_halves(), [hint], (640, 960), ab),
        propagate(ab, two_halves(), [hint], (640, 960)),
        atol=1e-3,
    )


def test_surfaces_are_good_for_several_calls() -> None:
    """One hint more, one moved, one of another colour, none: each time as from the beginning."""
    L, shape = two_halves(), (640, 960)
    ab = np.random.default_rng(4).normal(0, 6, (2, 64, 96)).astype(np.float32)
    surfaces = Surfaces(ab, L, shape)
    one, other = Hint(100, 100, RED), Hint(700, 300, (40, 90, 200), 12)
    moved, blue = replace(one, x=200), replace(one, color=(0, 0, 255))
    for hints in ([one], [one, other], [moved, other], [blue, other], [other], [], [one, blue]):
        for steered in (None, ab + 5):
            expected = propagate(ab, L, hints, shape, steered)
            np.testing.assert_array_equal(surfaces.carry(hints, steered), expected)
