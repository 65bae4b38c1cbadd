"""The weights of the colours by how rare they are."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra train)")

from photochrom.errors import ArgumentError
from photochrom.gamut import BIN_COUNT
from photochrom.training.objective.loss import rebalancing
from tests.helpers.bin_shares import ONES, bin_shares


def test_no_rebalancing_is_all_ones() -> None:
    weight = rebalancing(bin_shares(), 0.0)
    assert weight.dtype == np.float32
    np.testing.assert_allclose(weight, ONES, rtol=1e-6)


def test_full_rebalancing_is_zhangs() -> None:
    p = bin_shares() / bin_shares().sum()
    expected = 1 / (0.5 * p + 0.5 / 313)
    expected /= (p * expected).sum()
    np.testing.assert_allclose(rebalancing(bin_shares(), 1.0), expected, rtol=1e-5)
    np.testing.assert_allclose(rebalancing(bin_shares()), expected, rtol=1e-5)


@pytest.mark.parametrize("strength", [0.3, 0.7, 1.0])
def test_its_mean_is_one_over_the_pixels_and_its_scale_is_free(strength: float) -> None:
    shares, weight = bin_shares(), rebalancing(bin_shares(), strength)
    assert (shares * weight).sum() / shares.sum() == pytest.approx(1, abs=1e-5)
    assert weight.argmax() < 40  # the unseen count most
    assert weight.argmin() == shares.argmax()
    np.testing.assert_allclose(rebalancing(shares * 1e6, strength), weight, rtol=1e-5)
    # A power: half the strength, half as far apart.
    half = rebalancing(shares, strength / 2)
    np.testing.assert_allclose(
        np.log(half / half[0]), np.log(weight / weight[0]) / 2, rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize(
    "share",
    [
        np.ones(312),
        np.ones((313, 1)),
        np.ones(0),
        np.zeros(BIN_COUNT),
        np.full(BIN_COUNT, np.nan),
        np.full(BIN_COUNT, np.inf),
        np.where(np.arange(BIN_COUNT) == 7, -1e-3, 1.0),
    ],
    ids=["312", "2d", "empty", "zero", "nan", "inf", "negative"],
)
def test_other_shares_are_refused(share: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match=r"expected \(313,\) numbers"):
        rebalancing(share)
