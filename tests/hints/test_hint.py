"""Hints: reading, writing and rasterising them."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photochrom.color import srgb_to_lab
from photochrom.errors import ArgumentError
from photochrom.hints import Hint, parse_json, rasterise, to_json

Array = NDArray[Any]
RED, BLUE = (192, 57, 43), (30, 60, 200)


# --- reading -----------------------------------------------------------------------------------


def test_parse() -> None:
    assert Hint.parse("120,80,#c0392b") == Hint(120, 80, RED)
    assert Hint.parse(" 1.5 , 0, #C0392B ,15") == Hint(1.5, 0, RED, 15)
    assert Hint.parse("1,2,#f00") == Hint(1, 2, "red") == Hint(1, 2, (255, 0, 0))
    assert Hint.parse("1,2, Dark Red".replace(" R", "r")) == Hint(1, 2, (139, 0, 0))
    assert Hint.parse("1,2,keep").keep
    assert not Hint.parse("1,2,teal").keep


@pytest.mark.parametrize(
    "text",
    [
        "",
        "120,80",
        "120,80,c0392b",
        "120,80,#c0392",
        "120,80,#c0392bff",
        "120,80,#gggggg",
        "120,80,redish",
        "120,80,hsl(0,1%,2%)",
        "120,80,",
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
    with pytest.raises(ArgumentError, match="a hint cannot be read: expected x,y,COLOUR") as error:
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
        {"color": "no such"},
        {"color": None},
        {"page": -1},
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
        '[{"x": 1, "y": 2, "color": [1, 2]}]',
        '[{"x": 1, "y": 2, "color": "red", "page": "first"}]',
        '[{"x": 1, "y": 2, "color": "red", "page": -1}]',
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
RADII = st.none() | NUMBERS.filter(bool)


@given(
    st.lists(
        st.builds(Hint, NUMBERS, NUMBERS, COLORS | st.just("keep"), RADII, st.none() | st.just(3))
    )
)
def test_what_is_written_is_read(hints: list[Hint]) -> None:
    assert parse_json(to_json(hints)) == hints


@given(NUMBERS, NUMBERS, COLORS, RADII)
def test_text_is_read(
    x: float, y: float, color: tuple[int, int, int], radius: float | None
) -> None:
    fields = [repr(x), repr(y), "#" + bytes(color).hex(), *([repr(radius)] if radius else [])]
    assert Hint.parse(",".join(fields)) == Hint(x, y, color, radius)


def test_json_has_no_more_than_it_must() -> None:
    items = json.loads(to_json([Hint(1, 2, "#f00"), Hint(3, 4, "keep", 5, page=2)]))
    assert items == [
        {"x": 1, "y": 2, "color": "#ff0000"},
        {"x": 3, "y": 4, "color": "keep", "radius": 5, "page": 2},
    ]


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


def test_hints_that_keep_a_colour_tell_the_network_what_it_said() -> None:
    unhinted = np.zeros((2, 5, 5), np.float32)
    unhinted[:, 2, 3] = 7, -9
    hint_map, mask = rasterise([Hint(75, 50, "keep", 1)], (100, 100), (50, 50), unhinted)
    assert mask[0, 0, 25, 37] == 1
    np.testing.assert_array_equal(hint_map[0, :, 25, 37], [7, -9])
    with pytest.raises(ArgumentError, match="expected the colours without hints"):
        rasterise([Hint(75, 50, "keep")], (100, 100), (50, 50))


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
