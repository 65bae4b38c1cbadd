"""Warmth and vividness, on planes made up for it."""

from __future__ import annotations

import numpy as np
import pytest

from photochrom import ArgumentError, ColorOptions
from photochrom.colorizer.adjust import finished, vivid


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
    assert vivid(ab, None, 0.38, 1) is ab
    np.testing.assert_allclose(vivid(ab, None, 0.38, 1.5), ab * 1.5, rtol=1e-6)
    assert not vivid(ab, None, 0.38, 0).any()
