"""Warmth and vividness, on planes made up for it."""

from __future__ import annotations

import numpy as np
import pytest

from photochrom import ArgumentError
from photochrom.colorizer.adjust import vivid, warm


def test_no_warmth_changes_nothing() -> None:
    ab = np.random.default_rng(0).normal(0, 20, (2, 5, 7)).astype(np.float32)
    assert warm(ab, 0) is ab


def test_warmth_shifts_every_place_alike() -> None:
    ab = np.random.default_rng(0).normal(0, 20, (2, 5, 7)).astype(np.float32)
    yellow, blue = warm(ab, 1) - ab, warm(ab, -0.5) - ab
    np.testing.assert_allclose(yellow, np.broadcast_to(yellow[:, :1, :1], ab.shape), atol=1e-5)
    assert yellow[1].mean() > 5
    np.testing.assert_allclose(blue, -yellow / 2, atol=1e-5)


@pytest.mark.parametrize("warmth", [-1.1, 2, float("nan")])
def test_warmth_out_of_range(warmth: float) -> None:
    with pytest.raises(ArgumentError, match=r"warmth: expected -1 \(blue\) to 1 \(yellow\)"):
        warm(np.zeros((2, 1, 1), np.float32), warmth)


def test_vividness_without_a_distribution_scales_chroma() -> None:
    ab = np.random.default_rng(0).normal(0, 20, (2, 5, 7)).astype(np.float32)
    assert vivid(ab, None, 0.38, 1) is ab
    np.testing.assert_allclose(vivid(ab, None, 0.38, 1.5), ab * 1.5, rtol=1e-6)
    assert not vivid(ab, None, 0.38, 0).any()
