"""Alternatives and reference photographs, on planes made up for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom import ArgumentError
from photochrom.gamut import annealed_mean, bins
from photochrom.variants import chroma_of, reference_bias, samples

Array = NDArray[Any]
T = 0.38


def towards(*colours: tuple[float, float, float]) -> Array:
    """Logits of one place with peaks of given height at given ab."""
    heights = [h * np.exp(-((bins() - [a, b]) ** 2).sum(1) / 300) for a, b, h in colours]
    return np.sum(heights, 0).astype(np.float32) - 4


SURE = towards((20, 20, 30))
TORN = towards((60, 30, 8), (-50, 40, 8), (10, -60, 8))


def halves(left: Array, right: Array, height: int = 16, width: int = 16) -> Array:
    """Logits of a picture of two halves."""
    logits = np.empty((313, height, width), np.float32)
    logits[..., : width // 2] = left[:, None, None]
    logits[..., width // 2 :] = right[:, None, None]
    return logits


def mean(logits: Array) -> Array:
    return annealed_mean(logits[None], T)[0]


def test_samples_change_what_is_uncertain_and_leave_what_is_sure() -> None:
    logits = halves(SURE, TORN)
    plain = mean(logits)
    for bias in samples(logits, 4, temperature=T):
        moved = np.hypot(*(mean(logits + bias) - plain))
        assert moved[:, :8].mean() < 8
        assert moved[:, 8:].mean() > 15


def test_samples_differ_from_each_other() -> None:
    logits = halves(SURE, TORN)
    looks = [mean(logits + bias) for bias in samples(logits, 4, temperature=T)]
    for i, one in enumerate(looks):
        for other in looks[:i]:
            assert np.hypot(*(one - other)).mean() > 3


def test_samples_are_coherent() -> None:
    """Places of one kind get one colour."""
    logits = halves(SURE, TORN)
    for bias in samples(logits, 3, temperature=T):
        assert np.ptp(mean(logits + bias)[:, :, 8:], axis=(1, 2)).max() < 1e-3


def test_samples_stay_among_the_plausible() -> None:
    logits = halves(TORN, TORN)
    peaks = np.array([[60, 30], [-50, 40], [10, -60]], np.float32)
    # Whatever is mixed of the three lies in their triangle, never at its mirror image.
    for bias in samples(logits, 5, temperature=T):
        a, b = mean(logits + bias)[:, 0, 0]
        assert np.hypot(*(peaks - [a, b]).T).min() < 80
        assert -75 < b < 60


def test_a_seed_gives_the_same_samples_and_another_others() -> None:
    logits = halves(SURE, TORN)
    one, same = (samples(logits, 2, temperature=T, seed=1) for _ in range(2))
    other = samples(logits, 2, temperature=T, seed=2)
    np.testing.assert_array_equal(one, same)
    assert np.abs(np.stack(one) - np.stack(other)).max() > 0.1


def test_samples_of_a_tiny_grid() -> None:
    assert len(samples(halves(SURE, TORN, 1, 2), 3, temperature=T)) == 3


def test_samples_want_one_picture() -> None:
    with pytest.raises(ArgumentError, match=r"expected \(313, h, w\)"):
        samples(np.zeros((1, 313, 4, 4), np.float32), 2, temperature=T)


def test_a_reference_lends_its_colours_to_places_of_the_same_kind() -> None:
    """Torn between three colours on the right; the reference, mirrored, knows which it is."""
    picture, reference = halves(SURE, TORN, 12, 16), halves(TORN, SURE, 20, 24)
    L, reference_L = np.full((48, 64), 50, np.float32), np.full((80, 96), 50, np.float32)
    ab = np.zeros((2, 20, 24), np.float32)
    ab[:, :, :12] = np.array([-50, 40])[:, None, None]
    ab[:, :, 12:] = np.array([20, 20])[:, None, None]
    bias = reference_bias(picture, L, reference, reference_L, ab)
    assert bias.shape == picture.shape
    after = mean(picture + bias)
    assert np.hypot(*(after[:, 6, 12] - [-50, 40])) < 12
    assert np.hypot(*(after[:, 6, 3] - [20, 20])) < 8
    assert np.hypot(*(mean(picture)[:, 6, 12] - [-50, 40])) > 25


def test_a_reference_tells_light_from_dark() -> None:
    picture = halves(TORN, TORN)
    L = np.full((64, 64), 20, np.float32)
    L[:, 32:] = 85
    ab = np.empty((2, 16, 16), np.float32)
    ab[:, :, :8], ab[:, :, 8:] = (
        np.array([[10], [-60]])[..., None],
        np.array([[60], [30]])[..., None],
    )
    after = mean(picture + reference_bias(picture, L, picture, L, ab))
    assert np.hypot(*(after[:, 8, 2] - [10, -60])) < 20
    assert np.hypot(*(after[:, 8, 13] - [60, 30])) < 20


def test_a_reference_cannot_make_the_implausible() -> None:
    picture = halves(SURE, SURE)
    ab = np.broadcast_to(np.array([-60, 60], np.float32)[:, None, None], (2, 16, 16))
    L = np.full((64, 64), 50, np.float32)
    after = mean(picture + reference_bias(picture, L, picture, L, np.ascontiguousarray(ab)))
    assert np.hypot(*(after[:, 8, 8] - mean(picture)[:, 8, 8])) < 20


def test_a_reference_s_planes_must_fit() -> None:
    logits, L = halves(SURE, TORN), np.zeros((64, 64), np.float32)
    with pytest.raises(ArgumentError, match=r"expected \(2, 16, 16\), got \(2, 4, 4\)"):
        reference_bias(logits, L, logits, L, np.zeros((2, 4, 4), np.float32))


def test_chroma_of_a_picture() -> None:
    rgb = np.zeros((40, 60, 3), np.uint8)
    rgb[:, :30] = (200, 40, 40)
    rgb[:, 30:] = (40, 60, 200)
    ab = chroma_of(rgb, 4, 6)
    assert ab.shape == (2, 4, 6)
    assert ab[0, 1, 1] > 40
    assert ab[1, 1, 4] < -40


def test_a_grey_picture_lends_nothing() -> None:
    with pytest.raises(ArgumentError, match="no colours to lend"):
        chroma_of(np.full((9, 9, 3), 77, np.uint8), 3, 3)
