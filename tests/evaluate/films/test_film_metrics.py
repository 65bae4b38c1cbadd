"""The metrics of films, against small implementations of another kind and figures by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom.color import srgb_to_lab
from photochrom.evaluate.films.film_metrics import (
    BT601,
    BT709,
    Cdc,
    FilmTally,
    Frame,
    js_divergence,
    luma,
)
from photochrom.evaluate.films.film_motion import motion
from photochrom.evaluate.image_metrics import colourfulness
from tests.helpers.film_motion import flows, texture

Array = NDArray[Any]


def noise(frames: int, height: int = 20, width: int = 30, seed: int = 0) -> Array:
    """Frames whose colours wander."""
    rng = np.random.default_rng(seed)
    codes = rng.normal(120, 30, (frames, height, width, 3)) + rng.normal(0, 20, (frames, 1, 1, 3))
    return np.asarray(codes.clip(0, 255), np.uint8)


# --- luma --------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [BT709, BT601])
def test_luma_of_grey_is_that_grey(weights: tuple[float, float, float]) -> None:
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(luma(np.stack([codes] * 3, -1), weights), codes)


def test_luma_of_colours() -> None:
    rgb = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [200, 100, 50]]], np.uint8)
    assert luma(rgb).tolist() == [[54, 182, 18, 118]]
    assert luma(rgb, BT601).tolist() == [[76, 150, 29, 124]]
    assert luma(rgb).dtype == np.uint8


# --- CDC ---------------------------------------------------------------------------------------


def whole_cdc(frames: Array) -> float:
    """CDC of a whole film at once, by entropies: JS = H((p + q) / 2) - (H(p) + H(q)) / 2."""

    def entropy(p: Array) -> float:
        return -sum(float(x) * math.log(x) for x in p if x > 0)

    total = []
    for d in (1, 2, 4):
        values = []
        for t in range(len(frames) - d):
            for c in range(3):
                p, q = (
                    np.histogram(f[..., c], 256, (-0.5, 255.5))[0] / f[..., c].size
                    for f in (frames[t], frames[t + d])
                )
                values.append(entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2)
        total.append(np.mean(values))
    return float(np.mean(total))


def cdc(frames: Array) -> float | None:
    figure = Cdc()
    for frame in frames:
        figure.add(frame)
    return figure.value


def test_cdc_of_a_still_film_is_0() -> None:
    assert cdc(np.repeat(noise(1), 7, axis=0)) == 0


@pytest.mark.parametrize("frames", [5, 6, 13])
def test_cdc_frame_by_frame_is_that_of_the_whole(frames: int) -> None:
    film = noise(frames, seed=frames)
    assert cdc(film) == pytest.approx(whole_cdc(film), rel=1e-9)


def test_cdc_needs_five_frames() -> None:
    assert cdc(noise(4)) is None
    assert cdc(noise(0)) is None


def test_cdc_by_hand() -> None:
    """Red goes from 0 to 255 and back, green and blue rest: ln 2 at distance 1, else 0."""
    film = np.zeros((6, 4, 4, 3), np.uint8)
    film[1::2, ..., 0] = 255
    assert cdc(film) == pytest.approx(math.log(2) / 3 / 3)


def test_divergence_by_hand() -> None:
    p, q = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    by_hand = (math.log(4 / 3) + 0.5 * math.log(2 / 3) + 0.5 * math.log(2)) / 2
    assert js_divergence(p, q) == pytest.approx(by_hand)
    assert js_divergence(q, p) == pytest.approx(by_hand)
    assert js_divergence(np.array([[1.0, 0.0]] * 2), np.array([[0.0, 1.0]] * 2)) == pytest.approx(
        math.log(2)
    )


def test_cdc_keeps_four_frames_at_most() -> None:
    figure = Cdc()
    for frame in noise(20):
        figure.add(frame)
    assert len(figure._last) == 4


# --- all figures of a film ---------------------------------------------------------------------


@pytest.mark.usefixtures("needs_opencv")
def test_the_tally_is_the_mean_over_the_frames() -> None:
    truth, result = noise(7, seed=1), noise(7, seed=2)
    result[3] = truth[3]  # a frame without any error is 100 dB
    still = motion(*flows(20, 30, 0, 0))
    tally = FilmTally()
    for place, (true, rgb) in enumerate(zip(truth, result, strict=True)):
        tally.add(Frame(rgb), Frame(true), still if place else None)
    score = tally.score("it")

    def decibels(a: Array, b: Array) -> float:
        mse = ((a.astype(float) - b) ** 2).mean((1, 2, 3))
        return float(np.mean([min(100, 10 * np.log10(255**2 / m)) if m else 100 for m in mse]))

    ab, true_ab = (srgb_to_lab(film)[..., 1:] for film in (result, truth))
    assert score.name == "it"
    assert score.psnr == pytest.approx(decibels(truth, result))
    assert score.psnr_ab == pytest.approx(decibels(true_ab, ab), rel=1e-5)
    assert score.cf == pytest.approx(np.mean([colourfulness(f) for f in result]))
    absolute = [colourfulness(f, absolute=True) for f in result]
    assert score.cf_abs == pytest.approx(np.mean(absolute))
    assert score.cdc == pytest.approx(whole_cdc(result))
    steps = np.diff(result.astype(float), axis=0) / 255
    assert score.warp == pytest.approx((steps**2).mean(), rel=1e-5)
    assert score.warp_ab == pytest.approx((np.diff(ab, axis=0) ** 2).mean(), rel=1e-4)


@pytest.mark.usefixtures("needs_opencv")
def test_a_film_that_only_moves_has_no_warp_error() -> None:
    big, there = texture(60, 90), motion(*flows(40, 60, 3, -2))
    tally = FilmTally()
    for t in range(4):
        frame = Frame(big[10 + 2 * t : 50 + 2 * t, 20 - 3 * t : 80 - 3 * t])
        tally.add(frame, None, there if t else None)
    score = tally.score("it")
    assert score.warp == score.warp_ab == 0


def test_the_truth_has_no_psnr_and_one_frame_no_motion() -> None:
    tally = FilmTally()
    tally.add(Frame(noise(1)[0]), None, None)
    score = tally.score("truth")
    assert (score.psnr, score.psnr_ab, score.cdc, score.warp, score.warp_ab) == (None,) * 5
    assert score.cf
