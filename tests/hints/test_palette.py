"""Palettes of distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photochrom.color import srgb_to_lab
from photochrom.color.difference import ciede2000
from photochrom.gamut import BIN_COUNT, bins
from photochrom.hints.palette import palette

Array = NDArray[Any]


def peaked(*peaks: tuple[float, float, float]) -> Array:
    heights = [h * np.exp(-((bins() - [a, b]) ** 2).sum(1) / 300) for a, b, h in peaks]
    return np.sum(heights, 0).astype(np.float32)


def labs(logits: Array, lightness: float = 55, count: int = 9) -> Array:
    codes = [[*bytes.fromhex(each.color[1:])] for each in palette(logits, lightness, count)]
    return srgb_to_lab(np.array(codes, np.uint8))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 30), st.floats(0, 100))
def test_suggestions_are_really_different(seed: int, scale: float, lightness: float) -> None:
    logits = np.random.default_rng(seed).normal(0, scale, BIN_COUNT).astype(np.float32)
    found = palette(logits, lightness, 9)
    assert len(found) >= 3
    chances = [each.probability for each in found]
    assert chances == sorted(chances, reverse=True)
    assert min(chances) >= 0.02
    assert sum(chances) <= 1.001
    assert len({each.name for each in found}) == len(found)
    seen = labs(logits, lightness)
    apart = ciede2000(seen[:, None], seen[None]) + 99 * np.eye(len(seen))
    assert apart.min() >= 10


def test_the_peaks_come_first_with_their_shares() -> None:
    found = palette(peaked((60, 40, 12), (-20, -30, 10.5)), 55)
    red, blue = labs(peaked((60, 40, 12), (-20, -30, 10.5)))[:2]
    assert np.hypot(*(red[1:] - [60, 40])) < 12
    assert np.hypot(*(blue[1:] - [-20, -30])) < 12
    assert found[0].probability > found[1].probability > 0.02


@pytest.mark.parametrize("height", [30, 1000])
def test_three_even_where_the_network_is_sure(height: float) -> None:
    assert len(palette(peaked((40, 20, height)), 50)) >= 3


def test_no_more_than_asked() -> None:
    assert len(palette(np.zeros(BIN_COUNT, np.float32), 60, 4)) == 4


def test_names() -> None:
    found = palette(peaked((60, 40, 12), (-20, -30, 10.5)), 45)
    assert found[0].name in ("tomato", "crimson", "indian red", "firebrick", "brown")
    assert "blue" in found[1].name
