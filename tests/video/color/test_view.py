"""Bars and turned frames: what the network is shown."""

from __future__ import annotations

import numpy as np
import pytest

from photochrom import ArgumentError, Hint
from photochrom.video.color.steady import SteadyColor
from photochrom.video.color.view import View, common_box, picture_box, quarter_turns
from tests.helpers.film_scenes import Array, Network, flat, quarter, texture

SCENE = texture(64, 96)


def boxed(top: int, left: int, level: float = 0, bottom: int | None = None) -> Array:
    L = np.full(SCENE.shape, np.float32(level))
    bottom = top if bottom is None else bottom
    inside = slice(top, 64 - bottom), slice(left, 96 - left)
    L[inside] = SCENE[inside]
    return L


@pytest.mark.parametrize("level", [0, 3, 60])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (8, 0), (0, 20), (8, 12), (20, 0)])
def test_bars_are_found(top: int, left: int, level: float) -> None:
    box = picture_box(boxed(top, left, level))
    assert np.abs(np.subtract(box, (top, 64 - top, left, 96 - left))).max() <= 1


def test_what_is_no_bar() -> None:
    whole = (0, 64, 0, 96)
    assert picture_box(boxed(20, 0, bottom=0)) == whole  # a dark sky
    assert picture_box(np.zeros((64, 96), np.float32)) == whole
    assert picture_box(boxed(30, 0)) == whole  # a line of light


def test_the_bars_of_a_film() -> None:
    dark = np.zeros((64, 96), np.float32)
    top, bottom, *_ = common_box([dark, boxed(8, 0), boxed(20, 0)]) or (0, 0)
    assert (top, bottom) == (9, 55)
    assert common_box([boxed(8, 0), SCENE]) is None
    assert common_box([dark]) is None


@pytest.mark.parametrize("turns", range(4))
def test_views_there_and_back(turns: int) -> None:
    view = View((4, 60, 10, 90), turns)
    small = view.of(SCENE)
    assert small.shape == view.shape
    back = view.back(np.stack([small, small]), (64, 96))
    np.testing.assert_array_equal(back[0, 4:60, 10:90], SCENE[4:60, 10:90])
    assert not back[:, :4].any()
    assert not back[..., 90:].any()


def test_quarter_turns() -> None:
    one = 1 << 16
    assert quarter_turns(None) == quarter_turns((one, 0, 0, 0, one, 0, 0, 0, 1 << 30)) == 0
    assert quarter_turns((0, one, 0, -one, 0, 0, 0, 0, 1 << 30)) == 3  # clockwise
    assert quarter_turns((-one, 0, 0, 0, -one, 0, 0, 0, 1 << 30)) == 2


@pytest.mark.parametrize("turns", range(4))
def test_the_network_sees_the_picture_upright_and_without_bars(turns: int) -> None:
    asked = []

    def answer(L: Array, _: int) -> Array:
        asked.append(L.shape)
        assert L.min() > 5
        return flat(L, 40, 0) if min(L.shape) % 4 == 0 else quarter(np.stack([L, L]))

    network = Network(answer)
    steady = SteadyColor(network, turns=turns, box=(8, 56, 0, 96))  # type: ignore[arg-type]
    (ab,) = steady.push(boxed(8, 0))
    assert asked == [(96, 48) if turns % 2 else (48, 96)]
    assert not ab[:, :8].any()
    assert not ab[:, 56:].any()
    np.testing.assert_allclose(ab[0, 10:54], 40, rtol=0.02)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("place", [(4, 6), (10, 20), (16, 25)])
def test_a_hint_stays_where_it_is(turns: int, place: tuple[int, int]) -> None:
    """On the upright picture without bars it lies on what it lay on in the upright frame."""
    plane, frame = (20, 32), (40, 64)
    small, full = np.zeros(plane, np.float32), np.zeros(frame, np.float32)
    small[place] = full[2 * place[0], 2 * place[1]] = 1
    view = View((3, 18, 4, 29), turns)
    y, x = np.argwhere(np.rot90(full, turns))[0]
    moved = view.hint(Hint(float(x), float(y), "red"), plane, frame)
    shape = view.full_shape(plane, frame)
    assert shape == (30, 50)[:: -1 if turns % 2 else 1]
    assert view.of(small)[moved.cell(shape, view.shape)] == 1


@pytest.mark.parametrize(("x", "y", "words"), [(1, 20, "bars"), (64, 20, "64x40 pixels")])
def test_a_hint_outside_the_picture(x: float, y: float, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        View((3, 18, 4, 29)).hint(Hint(x, y, "red"), (20, 32), (40, 64))
