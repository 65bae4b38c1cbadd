"""Steady colour over cuts, shots that come back, and breaks."""

from __future__ import annotations

import numpy as np
import pytest

from tests.helpers.film_scenes import Array, Network, flat, grain, quarter, seen, texture
from tests.helpers.steady_films import BIG, OTHER, coloured


@pytest.mark.parametrize("length", [1, 4, 10, 11, 12, 25])
def test_a_cut_leaves_nothing_of_the_shot_before(length: int) -> None:
    a, b = seen(BIG, 0, 0), seen(OTHER, 0, 0)
    frames = [grain(a, 1, n) for n in range(length)] + [grain(b, 1, n) for n in range(14)]

    def answer(L: Array, _: int) -> Array:
        of_a = np.abs(L - a).mean() < np.abs(L - b).mean()
        return flat(L, 40, 20) if of_a else flat(L, -40, -20)

    colours = coloured(Network(answer), frames, [length])
    assert min(ab[0].min() for ab in colours[:length]) > 15
    assert max(ab[0].max() for ab in colours[length:]) < -15


def test_a_shot_that_comes_back_has_its_colours_again() -> None:
    a, b = seen(BIG, 0, 0), seen(OTHER, 0, 0)
    again = seen(BIG, 1, 1)  # the camera is not quite where it was
    frames = [grain(L, 0.3, n) for n, L in enumerate([a] * 30 + [b] * 20 + [again] * 5)]

    def answer(L: Array, call: int) -> Array:
        if np.abs(L - b).mean() < min(np.abs(L - a).mean(), np.abs(L - again).mean()):
            return flat(L, 0, -50)
        return flat(L, 40, 0) if call < 4 else flat(L, -20, 0)

    network = Network(answer)
    colours = coloured(network, frames, [30, 50])
    assert answer(frames[50], len(network.told))[0].max() == -20  # so it would be without memory
    shot = float(np.mean([ab[0].mean() for ab in colours[:30]]))
    assert shot > 30
    for ab in colours[50:52]:
        assert ab[0].mean() > -20 + 0.6 * (shot + 20)
        assert np.abs(ab[1]).max() < 3  # nothing of the other shot


def test_another_shot_is_not_taken_for_one_before() -> None:
    shots = [texture(64, 96, seed=n) for n in range(6)]
    frames = [L for L in shots for _ in range(4)]

    def answer(L: Array, _: int) -> Array:
        number = int(np.argmin([np.abs(L - each).mean() for each in shots]))
        return flat(L, 10 * number - 25, 0)

    colours = coloured(Network(answer), frames, range(0, 24, 4))
    for number, ab in enumerate(colours):
        assert abs(ab[0].mean() - (10 * (number // 4) - 25)) < 2


def panned(count: int, step: float = 2) -> list[Array]:
    return [seen(BIG, step * n, 20) for n in range(count)]


def changing(L: Array, _: int) -> Array:
    """Depends on the frame alone, and strongly."""
    cells = quarter(L)
    return np.float32([30 * np.sin(cells), 30 * np.cos(cells / 2 + L.mean())])


@pytest.mark.slow
def test_going_on_after_a_break() -> None:
    """With a pan, cuts, a shot that comes back, and hints: the same bit for bit."""
    frames = [grain(L, 1, n) for n, L in enumerate(panned(25) + [seen(OTHER, 0, 0)] * 15)]
    frames += [grain(seen(BIG, 48 + n, 20), 1, n) for n in range(20)]
    cuts = [25, 40]
    whole = coloured(Network(changing, hints=True), frames, cuts)
    for break_at in (0, 1, 9, 17, 24, 25, 33, 40, 52):
        broken = coloured(Network(changing, hints=True), frames, cuts, break_at)
        for one, other in zip(whole, broken, strict=True):
            np.testing.assert_array_equal(one, other)
