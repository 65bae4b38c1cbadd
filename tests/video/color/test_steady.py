"""Steady colour. Networks here are drawn: they say what a test wants, and contradict themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photochrom import ColorOptions
from photochrom.evaluate.films.film_metrics import Drift
from photochrom.video.color.cells import describe
from photochrom.video.color.references import References
from photochrom.video.color.steady import LOOK_AHEAD, Guide, SteadyColor
from tests.helpers.film_scenes import Array, Network, flat, grain, quarter, seen, texture
from tests.helpers.steady_films import BIG, by_light, coloured, hue

Answer = Callable[[Array, int], Array]


def any_hue(seed: int = 0, chroma: float = 40) -> Answer:
    """Another colour in each call."""

    def answer(L: Array, call: int) -> Array:
        turn = np.random.default_rng([seed, call]).uniform(0, 2 * np.pi)
        return flat(L, chroma * np.cos(turn), chroma * np.sin(turn))

    return answer


def steps(colours: Sequence[Array]) -> float:
    """Mean change of ab from frame to frame."""
    return float(np.mean([np.abs(one - other).mean() for one, other in pairwise(colours)]))


@settings(max_examples=25, deadline=None)
@given(
    lights=st.lists(st.sampled_from([-10.0, 0.0, 10.0]), min_size=1, max_size=32),
    cuts=st.sets(st.integers(0, 31), max_size=8),
    hints=st.booleans(),
)
def test_each_frame_gets_its_own_colour(lights: list[float], cuts: set[int], hints: bool) -> None:
    """For any length and any cuts; frames are told apart by their light."""
    scene = seen(BIG, 0, 0, 32, 48)
    frames = [scene + np.float32(light) for light in lights]
    colours = coloured(Network(by_light, hints), frames, sorted(cuts))
    for L, ab in zip(frames, colours, strict=True):
        assert abs(ab[0].mean() / (0.5 * (L.mean() + 16)) - 1) < 0.05
        assert abs(ab[1].mean() / (-0.3 * (L.mean() + 16)) - 1) < 0.05


def test_nothing_at_all() -> None:
    assert SteadyColor(Network(by_light)).flush() == []  # type: ignore[arg-type]


def test_the_network_is_asked_for_key_frames_only() -> None:
    network = Network(any_hue())
    coloured(network, [seen(BIG, 0, 0)] * 61)
    assert len(network.told) == 1 + 60 // LOOK_AHEAD


def test_wild_motion_brings_key_frames_nearer() -> None:
    network = Network(any_hue())
    coloured(network, [texture(64, 96, seed=n) for n in range(31)])
    assert len(network.told) > 1.5 * (1 + 30 / LOOK_AHEAD)


@pytest.mark.parametrize("hints", [False, True])
def test_a_network_that_changes_its_mind(hints: bool) -> None:
    """A noisy scene without motion: the colours of the film hardly change, the network's do."""
    scene = seen(BIG, 0, 0)
    frames = [grain(scene, 2, n) for n in range(60)]
    alone = [any_hue()(L, n) for n, L in enumerate(frames)]
    assert steps(alone) > 20
    steady = coloured(Network(any_hue(), hints), frames)
    assert steps(steady) < steps(alone) / 15
    assert steps(steady[30:]) < steps(alone) / 30  # colours settle during a shot


def test_colours_do_not_drift() -> None:
    """The network changes its mind little by little; a chain of answers would follow it."""

    def answer(L: Array, call: int) -> Array:
        turn = np.radians(10 * call)
        return flat(L, 40 * np.cos(turn), 40 * np.sin(turn))

    frames = [grain(seen(BIG, 0, 0), 2, n) for n in range(120)]
    colours = coloured(Network(answer), frames)
    assert abs(hue(colours[-1]) - hue(colours[0])) < 2  # of 120 degrees
    drift = Drift()
    for L, ab in zip(frames, colours, strict=True):
        drift.add(np.dstack([L, *ab]))
    assert (drift.value or 0) < 2


def test_a_person_s_reference_is_carried_through_the_shot() -> None:
    """A still of the first frame, in another colour than the network's."""
    first = seen(BIG, 0, 20)
    features = describe(first, (16, 24))
    still = References()
    still.add(features, np.full((2, 16, 24), -30, np.float32), quarter(first))
    steady = SteadyColor(Network(lambda L, _: flat(L, 40, 10)), pinned=still)  # type: ignore[arg-type]
    frames = [seen(BIG, 1.0 * n, 20) for n in range(41)]
    colours = [ab for L in frames for ab in steady.push(L)] + steady.flush()
    for number, ab in enumerate(colours):
        known = ab[0][:, 4 : 88 - number]
        assert (known < -10).mean() > 0.9


@pytest.mark.parametrize("vividness", [0.0, 0.5, 1.0])
def test_stills_are_as_vivid_as_the_film(vividness: float) -> None:
    L = seen(BIG, 0, 20)
    still = References()
    still.add(describe(L, (16, 24)), np.full((2, 16, 24), -30, np.float32), quarter(L))
    steady = SteadyColor(
        Network(lambda L, _: flat(L, 40, 10)),  # type: ignore[arg-type]
        ColorOptions(vividness=vividness),
        guide=Guide(stills=[still]),
    )
    (ab,) = steady.push(L)
    assert abs(ab.mean() + 30 * vividness) < 1.5


def test_flickering_colour_of_parts() -> None:
    """The two halves of the picture flicker apart; so does nothing of it in the film."""

    def answer(L: Array, call: int) -> Array:
        hue = np.random.default_rng(call).uniform(-30, 30, 4)
        ab = np.concatenate([flat(L, *hue[:2])[..., :12], flat(L, *hue[2:])[..., :12]], 2)
        return np.ascontiguousarray(ab)

    colours = coloured(Network(answer), [grain(seen(BIG, 0, 0), 2, n) for n in range(40)])
    alone = [answer(seen(BIG, 0, 0), n) for n in range(40)]
    assert steps(colours) < steps(alone) / 12
    left, right = colours[-1][:, :, 8:40], colours[-1][:, :, 56:88]
    assert np.abs(left.mean((1, 2)) - right.mean((1, 2))).max() > 3  # not mixed either


SQUARE = 32


def moving(number: int) -> tuple[Array, Array]:
    """A square crosses a background by 2 pixels a frame: L, and where the square is."""
    L, x = seen(BIG, 40, 20), 4 + 2 * number
    inside = np.zeros(L.shape, bool)
    inside[16 : 16 + SQUARE, x : x + SQUARE] = True
    square = 18 + 0.9 * texture(SQUARE, SQUARE, seed=7)
    L[inside] = square.ravel()
    return L, inside


def test_a_moving_thing_keeps_its_colour() -> None:
    """With a network whose features say what a thing is, though not what colour it has."""
    scenes = [moving(n) for n in range(28)]

    def inside_of(L: Array) -> Array:
        return next(inside for other, inside in scenes if np.array_equal(other, L))

    def features(L: Array) -> Array:
        is_square = quarter(np.stack([inside_of(L)]).astype(np.float32))[0]
        noise = np.random.default_rng(int(L.sum())).normal(0, 0.1, (8, *is_square.shape))
        return np.float32(np.concatenate([[is_square, 1 - is_square], noise]))

    def answer(L: Array, call: int) -> Array:
        inside = inside_of(L)
        doubt = np.random.default_rng(call).uniform(-12, 12)
        return quarter(np.stack([np.where(inside, 40, -30) + doubt, np.zeros(L.shape)]))

    network = Network(answer, features=features)
    colours = coloured(network, [L for L, _ in scenes])
    assert len(network.told) <= 10
    means = []
    for (_, inside), ab in zip(scenes, colours, strict=True):
        rows, columns = np.nonzero(inside)
        top, left = rows[0] + 5, columns[0] + 5
        deep = (slice(top, top + SQUARE - 10), slice(left, left + SQUARE - 10))
        away = ~inside
        away[rows[0] - 5 : rows[-1] + 6, max(0, columns[0] - 9) : columns[-1] + 10] = False
        means.append([ab[0][deep].mean(), ab[0][away].mean()])
        # Next to none of the background's colour is drawn along, or the square's left behind.
        assert (ab[0][deep] < 5).mean() < 0.03
        assert (ab[0][away] > -5).mean() < 0.03
    square, background = np.transpose(means)
    assert abs(square.mean() - 40) < 8
    assert abs(background.mean() + 30) < 8
    assert np.abs(np.diff(square)).max() < 6  # the network's step is up to 24
    assert np.abs(np.diff(background)).max() < 4
    assert square[-5:].mean() > 32  # nor is it lost little by little


def test_a_pan_keeps_colours_where_they_are() -> None:
    """Colour painted on the scene stays on it, though the network sees none after the first."""
    paint = np.where(np.arange(240) // 30 % 2 == 0, 40.0, -40.0) + np.zeros((120, 1))
    frames = [seen(BIG, 20 + 2 * n, 20) for n in range(11)]
    truth = [seen(np.float32(paint), 20 + 2 * n, 20) for n in range(11)]

    def answer(L: Array, call: int) -> Array:
        if call == 0:
            return quarter(np.stack([truth[0], 0 * L]))
        return flat(L, 0, 0)

    colours = coloured(Network(answer), frames)
    for number in range(1, 10):
        known = slice(0, 96 - 2 * number - 6)
        ab, true = colours[number][0][8:-8, known], truth[number][8:-8, known]
        assert (np.sign(ab) == np.sign(true)).mean() > 0.9
        share = float((ab * true).mean() / (true * true).mean())
        assert share > 0.75  # the set says it, not the second answer
