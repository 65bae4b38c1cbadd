"""Sets of references: what is like them takes their colours, what is not joins them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from photochrom import Colorizer, ColorOptions, Picture
from photochrom.video.color.references import EarlierShots, References, add_picture
from tests.helpers import tiny_models
from tests.helpers.film_scenes import Array

GRID = 6, 8


def features(seed: int, kinds: int = 4) -> Array:
    """Features of a frame whose columns show different things, the same for a seed."""
    vectors = np.random.default_rng(seed).standard_normal((32, kinds))
    return np.repeat(np.repeat(vectors[:, None], GRID[0], 1), GRID[1] // kinds, 2).astype(
        np.float32
    )


def test_a_still_is_seen_without_its_bars(tmp_path: Path) -> None:
    """As the frames of a film with bars are, and at their scale."""
    colorizer = Colorizer(tiny_models.photochrom(tmp_path / "lending.onnx", features=True))
    rgb = (
        np.random.default_rng(0)
        .integers(40, 255, (12, 12, 3), np.uint8)
        .repeat(20, 0)
        .repeat(20, 1)
    )
    with_bars = np.zeros((240, 480, 3), np.uint8)
    with_bars[:, 120:360] = rgb
    cells = []
    for name, pixels, size in (("bars", with_bars, 64), ("none", rgb, round(64 / 2**0.5))):
        Picture(pixels).save(path := tmp_path / f"{name}.png")
        made = References()
        add_picture(made, path, colorizer, ColorOptions(size=size))
        cells.append(made.state())
    rows = [len(found["tint"]) for found in cells]
    assert rows[0] == pytest.approx(rows[1], rel=0.2)
    means = [found["tint"].astype(float).mean(0) for found in cells]
    np.testing.assert_allclose(*means, atol=0.02)


def flat(a: float, b: float = 0) -> Array:
    return np.float32([a, b])[:, None, None] * np.ones((2, *GRID), np.float32)


L = np.tile(np.repeat(np.float32([20, 40, 60, 80]), 2), (6, 1))


def test_the_first_answer_stays() -> None:
    references = References()
    for answer in (30, -30, 10, -20):
        ab = references.colors(features(0), flat(answer), L)
        np.testing.assert_allclose(ab[0], 30, atol=0.5)
    assert len(references) == GRID[0] * GRID[1]


def test_what_is_new_keeps_its_own_colour() -> None:
    references = References()
    references.colors(features(0), flat(30), L)
    both = features(0)
    both[:, :, 4:] = features(1)[:, :, 4:]
    for answer in (-30, 50, 7):
        ab = references.colors(both, flat(answer), L)
        np.testing.assert_allclose(ab[0, :, :4], 30, atol=0.5)
        np.testing.assert_allclose(ab[0, :, 4:], -30, atol=0.5)


def test_chroma_follows_the_light() -> None:
    references = References()
    references.colors(features(0), flat(30), L)
    ab = references.colors(features(0), flat(0), L / 2)
    np.testing.assert_allclose(ab[0, 0, 3], 30 * (20 + 16) / (40 + 16), atol=0.5)


def test_a_dim_beginning_is_replaced() -> None:
    references = References()
    references.colors(features(0), flat(0), L / 10)
    ab = references.colors(features(0), flat(30), L)
    np.testing.assert_allclose(ab[0], 30, atol=0.5)


def test_it_does_not_grow_without_end() -> None:
    references = References()
    for seed in range(100):
        references.colors(features(seed), flat(seed), L)
    assert len(references) <= 3168
    np.testing.assert_allclose(references.colors(features(0), flat(50), L)[0], 0, atol=0.5)


def test_shots_of_one_place_share_a_set() -> None:
    earlier, first, second = EarlierShots(), References(), References()
    first.colors(features(0), flat(30), L)
    second.colors(features(1), flat(-30), L)
    for each in (first, second):
        earlier.keep(each)
    stored = io.BytesIO()
    np.savez(stored, allow_pickle=False, **earlier.state())
    stored.seek(0)
    again = EarlierShots()
    with np.load(stored) as state:
        again.restore(dict(state))
    for memory in (earlier, again):
        found = memory.find(features(0))
        np.testing.assert_array_equal(found.colors(features(0), flat(9), L)[0].round(), 30)
        assert not len(memory.find(features(0)))  # the shot has it now
        assert not len(memory.find(features(7)))


def test_what_is_only_alike_is_another_place() -> None:
    """Other things of the same kinds, elsewhere in the frame; and the same, a little changed."""
    random = np.random.default_rng(3)
    kinds, places = random.standard_normal((2, 64, 12, 16))
    kinds = np.repeat(kinds[:, :, :1], 16, 2)  # each row shows one kind of thing
    frame = (2 * kinds + places).astype(np.float32)
    earlier, shot = EarlierShots(), References()
    shot.add(frame, np.full((2, 12, 16), 30, np.float32), np.full((12, 16), 50, np.float32))
    earlier.keep(shot)
    things = places.reshape(64, -1)
    for other, same in ((random.permuted(things, axis=1), False), (things, True)):
        changed = (other + 0.4 * random.standard_normal(other.shape)).reshape(places.shape)
        assert (len(earlier.find((2 * kinds + changed).astype(np.float32))) > 0) == same
