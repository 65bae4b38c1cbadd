"""Matching with references, on features made up for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom import ArgumentError
from photochrom.affinity import Reference, match
from photochrom.upsample import resized

Array = NDArray[Any]
RNG = np.random.default_rng(0)
SKY, COAT, WALL, TREE = RNG.normal(0, 1, (4, 64)).astype(np.float32)


def halves(left: Array, right: Array, height: int = 6, width: int = 8) -> Array:
    """Planes ``(n, height, width)`` of two halves."""
    planes = np.empty((len(left), height, width), np.float32)
    planes[..., : width // 2], planes[..., width // 2 :] = left[:, None, None], right[:, None, None]
    return planes


def ab(*color: float) -> Array:
    return np.array(color, np.float32)


def test_like_places_take_the_colours_of_the_like() -> None:
    reference = Reference(halves(COAT, SKY, 5, 4), halves(ab(50, 20), ab(-5, -40), 5, 4))
    found = match(halves(SKY, COAT), [reference])
    np.testing.assert_allclose(found.ab, halves(ab(-5, -40), ab(50, 20)), atol=0.5)
    assert found.confidence.min() == 1
    assert found.matched == 1


def test_each_place_takes_from_the_reference_that_knows_it() -> None:
    coat = Reference(halves(COAT, TREE), halves(ab(50, 20), ab(-40, 40)))
    sky = Reference(halves(SKY, WALL), halves(ab(-5, -40), ab(3, 8)))
    found = match(halves(SKY, COAT), [coat, sky])
    np.testing.assert_allclose(found.ab, halves(ab(-5, -40), ab(50, 20)), atol=0.5)


def test_what_no_reference_has_is_not_matched() -> None:
    reference = Reference(halves(COAT, WALL), halves(ab(50, 20), ab(3, 8)))
    found = match(halves(SKY, COAT), [reference])
    assert found.confidence[:, :4].max() == 0
    assert found.confidence[:, 4:].min() == 1
    assert found.matched == 0.5


def scene(seed: int) -> Array:
    """Features of a scene whose every place is like its neighbours, and like no other."""
    coarse = np.random.default_rng(seed).normal(0, 1, (64, 4, 6)).astype(np.float32)
    return resized(coarse, (16, 24))


def noisy(features: Array, share: float) -> Array:
    """Features of which a share is something else."""
    noise = np.random.default_rng(9).normal(0, features.std(), features.shape)
    return np.asarray(features * (1 - share) + noise * share, np.float32)


def test_in_one_scene_less_likeness_will_do() -> None:
    colors = np.full((2, 16, 24), 30, np.float32)
    same = match(scene(1), [Reference(noisy(scene(1), 0.35), colors)])
    assert 0.8 < np.median(same.similarity) < 0.9
    assert same.matched > 0.9
    # As alike, but all to the same few cells, as a crowd is to one coat.
    few = noisy(scene(1), 0.35)[:, 4:8, 4:8]
    other = match(scene(1), [Reference(few, colors[:, 4:8, 4:8])])
    alike = np.mean(other.similarity > 0.5)
    assert alike > 0.04
    assert other.matched < alike / 4


@pytest.mark.parametrize(
    "references",
    [
        [],
        [(np.zeros((3, 2, 2), np.float32), np.zeros((2, 2, 2), np.float32))],
        [(np.zeros((64, 2, 2), np.float32), np.zeros((2, 2, 3), np.float32))],
    ],
)
def test_references_that_do_not_fit(references: Any) -> None:
    with pytest.raises(ArgumentError, match="references for matching"):
        match(halves(SKY, COAT), references)
