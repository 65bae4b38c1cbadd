"""Versions: alternatives that differ in one thing each, with a drawn network."""

from __future__ import annotations

import numpy as np
import pytest

from photochrom import ArgumentError, Picture, Prepared
from photochrom.affinity import similarities
from photochrom.colorizer.versions import versions
from photochrom.gamut import bins
from photochrom.hints.spread import hint_weights


def towards(*colors: tuple[float, float, float]) -> np.ndarray:
    heights = [h * np.exp(-((bins() - [a, b]) ** 2).sum(1) / 300) for a, b, h in colors]
    return np.sum(heights, 0).astype(np.float32) - 4


SURE = towards((20, 20, 30))
TORN = towards((60, 30, 8.5), (-50, 40, 8), (10, -60, 8))


def halves(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    planes = np.empty((len(left), 16, 24), np.float32)
    planes[..., :12], planes[..., 12:] = left[:, None, None], right[:, None, None]
    return planes


def prepared(right: np.ndarray = TORN, own: tuple[float, float] = (40, 20)) -> Prepared:
    things = np.random.default_rng(0).normal(0, 1, (2, 32)).astype(np.float32)
    return Prepared(
        Picture(np.full((160, 240), 128, np.uint8)),
        np.full((64, 96), 55, np.float32),
        halves(np.array([20, 20]), np.array(own)),
        halves(SURE, right),
        regions=halves(*things),
    )


def test_what_is_uncertain_has_other_colours() -> None:
    picture = prepared()
    found = versions(picture, 3)
    assert found
    assert len({version.name for version in found}) == len(found)
    for version in found:
        assert version.name.startswith("right: ")
        (hint,) = version.hints
        assert 120 <= hint.x < 240
        assert hint.page == 0
        assert np.hypot(*(hint.ab - [40, 20])) >= 29
    assert similarities(picture.vectors, [(0, picture.vectors.shape[2] - 1)])[0, 0, 0] < 0.3


def test_the_colour_that_a_thing_has_is_none_of_its_others() -> None:
    """A model's ab is larger than the mean of its distribution, by the card's factor of chroma."""
    assert versions(prepared(towards((60, 30, 30)), own=(99, 50))) == []


def test_a_thing_is_looked_at_once_and_changes_as_a_whole() -> None:
    picture = prepared()
    found = versions(picture, 9)
    assert len({(v.hints[0].x, v.hints[0].y) for v in found}) == 1
    (hint,) = found[0].hints
    (reach,) = hint_weights(picture.ab, picture.L, picture.vectors, [hint], picture.shape)
    assert reach[:, 52:].min() > 0.9
    assert reach[:, :44].max() < 0.1


def test_no_more_than_asked_and_none_without_a_distribution() -> None:
    assert len(versions(prepared(), 1)) == 1
    picture = prepared()
    plain = Prepared(picture.picture, picture.L, picture.ab)
    assert versions(plain) == []
    with pytest.raises(ArgumentError, match="number of versions"):
        versions(picture, 0)
