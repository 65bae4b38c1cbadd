"""Motion between frames, and how far it is trusted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from photochrom.video.color.motion import Places, halved, link
from tests.helpers.film_scenes import Array, cv2, grain, seen, texture

SHAPE = HEIGHT, WIDTH = 64, 96
BIG = texture(HEIGHT + 60, WIDTH + 60)


def shifted(x: float, y: float, trust: Array | None = None) -> Places:
    """Places that lie by so many pixels of the working size to the right and below."""
    own = Places.own(SHAPE)
    return Places(own.at + np.float32([x / 2, y / 2]), own.trust if trust is None else trust)


def inner(planes: Array, edge: int = 6) -> Array:
    return planes[edge:-edge, edge:-edge]


@pytest.mark.parametrize(
    ("x", "y"), [(0, 0), (1, 0), (0, -1), (3, 2), (-5, 4), (2.5, -1.5), (8, 0), (-7, -7)]
)
def test_a_translation_is_found(x: float, y: float) -> None:
    both = link(seen(BIG, 30, 30), seen(BIG, 30 + x, 30 + y))
    grid = Places.own(SHAPE).at
    for places, way in ((both.back, (x, y)), (both.forth, (-x, -y))):
        missed = 2 * (places.at - grid) - np.float32(way)  # in pixels of the working size
        length = np.hypot(missed[..., 0], missed[..., 1])
        assert np.quantile(inner(length, 8), 0.95) < 0.5
        assert inner(places.trust).mean() > 0.9


def test_what_lies_there() -> None:
    before, after = seen(BIG, 30, 30), seen(BIG, 34, 28)
    brought = link(before, after).back.of(before)
    assert np.abs(inner(brought, 12) - inner(after, 12)).mean() < 1.5
    assert np.abs(inner(before, 12) - inner(after, 12)).mean() > 6  # without motion
    planes = np.dstack([before, 2 * before, before + 5])
    three = link(before, after).back.of(planes)
    np.testing.assert_allclose(three[..., 1], 2 * three[..., 0], atol=1e-3)
    assert three.shape == planes.shape
    np.testing.assert_allclose(three[..., 0], brought, atol=1e-4)


@pytest.mark.parametrize(("x", "y"), [(4, 0), (-2, 6), (1, 3)])
def test_of_at_both_sizes(x: int, y: int) -> None:
    """A whole shift is the same at half the size and at the working size."""
    places = shifted(x, y)
    full = places.of(seen(BIG, 20, 20))
    np.testing.assert_allclose(inner(full, 8), inner(seen(BIG, 20 + x, 20 + y), 8), atol=1e-3)
    if x % 2 == y % 2 == 0:
        half = places.of(halved(seen(BIG, 20, 20)))
        np.testing.assert_allclose(inner(half), inner(halved(full)), atol=1e-3)


def test_own_places_change_nothing() -> None:
    own, planes = Places.own(SHAPE), seen(BIG, 10, 10)
    np.testing.assert_allclose(inner(own.of(planes), 1), inner(planes, 1), atol=1e-4)
    assert np.abs(own.of(planes) - planes).max() < 10  # at the rim, half a pixel off
    np.testing.assert_array_equal(own.of(halved(planes)), halved(planes))
    other = link(seen(BIG, 30, 30), seen(BIG, 33, 30)).back
    for same in (own.then(other), other.then(own)):
        inside = (other.at >= 0) & (other.at <= (WIDTH / 2 - 1, HEIGHT / 2 - 1))
        # OpenCV's remap takes places to a 32nd of a pixel.
        np.testing.assert_allclose(same.at[inside], other.at[inside], atol=1 / 32)
    np.testing.assert_allclose(own.then(other).trust, other.trust, atol=1e-4)


def test_then_composes() -> None:
    trusts = [np.full((HEIGHT // 2, WIDTH // 2), share, np.float32) for share in (0.5, 0.8)]
    both = shifted(3, -2, trusts[0]).then(shifted(2, 5, trusts[1]))
    np.testing.assert_allclose(inner(both.at), inner(shifted(5, 3).at), atol=1e-4)
    np.testing.assert_allclose(inner(both.trust), 0.4, rtol=1e-5)


def test_what_left_the_frame_step_by_step_is_not_trusted() -> None:
    """A slow pan, by less than half a pixel in each step."""
    step = shifted(0.4, 0, np.ones((HEIGHT // 2, WIDTH // 2), np.float32))
    places = step
    for _ in range(9):
        places = step.then(places)
    np.testing.assert_allclose(places.at[..., 0], shifted(4, 0).at[..., 0], atol=1e-3)
    assert places.trust[:, :-6].min() > 0.99
    assert places.trust[:, -2:].max() == 0


def test_then_is_sampling_twice() -> None:
    """Along real motion, against taking what lies there frame by frame, and against the truth."""
    frames = [seen(BIG, 20 + 2 * t, 20 + t) for t in range(5)]
    smooth = texture(HEIGHT + 60, WIDTH + 60, seed=9, coarse=8)
    planes = seen(smooth, 20, 20)
    places, step_by_step = Places.own(SHAPE), planes
    for before, after in pairwise(frames):
        back = link(before, after).back
        places, step_by_step = back.then(places), back.of(step_by_step)
    direct = places.of(planes)
    assert np.abs(inner(direct - step_by_step, 12)).mean() < 0.3
    assert np.abs(inner(direct - seen(smooth, 28, 24), 12)).mean() < 0.5
    assert np.abs(inner(planes - seen(smooth, 28, 24), 12)).mean() > 2


def with_object(x: int) -> Array:
    """A square of 60 pixels that hides what is behind it; ``(128, 160)``."""
    L = texture(128, 160, seed=3)
    L[34:94, x : x + 60] = 20 + 0.8 * texture(60, 60, seed=5)
    return L


def test_covered_and_uncovered_places_are_not_trusted() -> None:
    both = link(with_object(40), with_object(48))
    # At half the size the square has rows 17...47, and columns 20...50, then 24...54.
    assert both.back.trust[22:42, 20:24].mean() < 0.4  # uncovered
    assert both.forth.trust[22:42, 50:54].mean() < 0.4  # covered
    assert both.back.trust[22:42, 27:51].mean() > 0.95  # the square itself
    away = np.ones_like(both.back.trust, bool)
    away[12:52, 15:59] = False
    assert both.back.trust[away].mean() > 0.99
    assert both.forth.trust[away].mean() > 0.99


def test_what_leaves_or_enters_the_frame_is_not_trusted() -> None:
    big = texture(HEIGHT, WIDTH + 12, coarse=4)
    both = link(big[:, :WIDTH], big[:, 12:])  # 6 pixels of half the size
    assert both.back.trust[:, -5:].mean() < 0.1  # entered at the right
    assert both.forth.trust[:, :5].mean() < 0.1  # left on the left
    assert both.back.trust[:, :-8].mean() > 0.85
    assert both.forth.trust[:, 8:].mean() > 0.85


def test_another_picture_is_not_trusted() -> None:
    both = link(seen(BIG, 30, 30), texture(*SHAPE, seed=77))
    assert both.back.trust.mean() < 0.35
    assert both.forth.trust.mean() < 0.35


@pytest.mark.parametrize("amount", [2, 4])
def test_grain_lowers_trust_little(amount: float) -> None:
    frames = seen(BIG, 30, 30), seen(BIG, 32, 31)
    clean = inner(link(*frames).back.trust, 3).mean()
    noisy = inner(link(*(grain(L, amount, n) for n, L in enumerate(frames))).back.trust, 3).mean()
    assert noisy > clean - 0.1


@pytest.mark.parametrize("change", [lambda L: L * 0.8, lambda L: L + 12, lambda L: L * 0.7 + 15])
def test_exposure_lowers_trust_little(change: object) -> None:
    before, after = seen(BIG, 30, 30), seen(BIG, 32, 31)
    clean = inner(link(before, after).back.trust, 3).mean()
    changed = link(before, np.float32(change(after))).back  # type: ignore[operator]
    assert inner(changed.trust, 3).mean() > clean - 0.15


def test_a_spot_of_other_lightness_is_not_trusted() -> None:
    """A scratch or a speck of dust, which no motion explains."""
    before = seen(BIG, 30, 30)
    after = before.copy()
    cv2.circle(after, (48, 32), 4, 100.0, -1)
    trust = link(before, after).back.trust
    assert trust[15:18, 23:26].mean() < 0.3
    trust = trust.copy()
    trust[10:23, 18:31] = 1
    assert trust.min() > 0.5


def test_the_same_again() -> None:
    """What comes of two frames depends on them alone, not on frames before."""
    frames = [grain(seen(BIG, 2 * t, t), 3, t) for t in range(4)]
    first = link(frames[0], frames[1])
    for one, other in pairwise(frames[1:]):
        link(one, other)
    again = link(frames[0], frames[1])
    np.testing.assert_array_equal(first.back.at, again.back.at)
    np.testing.assert_array_equal(first.forth.trust, again.forth.trust)


@pytest.mark.parametrize("shape", [(16, 16), (32, 32), (32, 128), (96, 32)])
def test_small_and_long_frames(shape: tuple[int, int]) -> None:
    one, other = (grain(texture(*shape), 1, n) for n in range(2))
    both = link(one, other)
    assert both.back.at.shape == (shape[0] // 2, shape[1] // 2, 2)
    assert np.isfinite(both.back.at).all()
    assert both.back.of(one).shape == shape
