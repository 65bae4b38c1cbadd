"""Warmth and vividness, on planes made up for it."""

from __future__ import annotations

import numpy as np
import pytest

from photochrom import ArgumentError, ColorOptions
from photochrom.colorizer.recombination import finished, vivid
from photochrom.gamut import BIN_COUNT, annealed_mean
from photochrom.models import Card


def test_no_warmth_changes_nothing() -> None:
    ab = np.random.default_rng(0).normal(0, 20, (2, 5, 7)).astype(np.float32)
    assert finished(ab, ColorOptions()) is ab


def test_warmth_shifts_every_place_alike() -> None:
    ab = np.random.default_rng(0).normal(0, 20, (2, 5, 7)).astype(np.float32)
    yellow, blue = (finished(ab, ColorOptions(warmth=w)) - ab for w in (1, -0.5))
    np.testing.assert_allclose(yellow, np.broadcast_to(yellow[:, :1, :1], ab.shape), atol=1e-5)
    assert yellow[1].mean() > 5
    np.testing.assert_allclose(blue, -yellow / 2, atol=1e-5)


@pytest.mark.parametrize("warmth", [-1.1, 2, float("nan")])
def test_warmth_out_of_range(warmth: float) -> None:
    with pytest.raises(ArgumentError, match=r"warmth: expected a number in -1\.\.\.1"):
        ColorOptions(warmth=warmth)


def test_vividness_without_a_distribution_scales_chroma() -> None:
    ab = np.random.default_rng(0).normal(0, 20, (2, 5, 7)).astype(np.float32)
    card = Card(name="any", family="siggraph17")
    assert vivid(ab, None, card, 1) is ab
    np.testing.assert_allclose(vivid(ab, None, card, 1.5), ab * 1.5, rtol=1e-6)
    assert not vivid(ab, None, card, 0).any()


@pytest.mark.parametrize("chroma", [1.0, 1.4])
def test_vividness_changes_a_distribution_without_a_leap(chroma: float) -> None:
    logits = np.random.default_rng(0).normal(0, 2, (BIN_COUNT, 5, 7)).astype(np.float32)
    card = Card(name="any", family="photochrom", temperature=0.5, chroma=chroma)
    ab = chroma * annealed_mean(logits[None], 0.5)[0]
    nearly = vivid(ab, logits, card, 1.0001)
    np.testing.assert_allclose(nearly, ab, atol=0.05)
    assert np.hypot(*vivid(ab, logits, card, 1.5)).mean() > 1.2 * np.hypot(*ab).mean()
