"""The metrics against hand-made figures, published ones and scikit-image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom.color import srgb_to_lab
from photochrom.evaluate.accumulators import Calibration, HintCurve, Tally, Truth, is_near_grey
from photochrom.evaluate.image_metrics import ErrorCurve, Ssim, colourfulness, psnr

Array = NDArray[Any]


def picture(seed: int = 0, side: int = 64) -> Array:
    """Random colours, smooth enough to have structure."""
    coarse = np.random.default_rng(seed).integers(0, 256, (side // 8, side // 8, 3))
    return np.kron(coarse, np.ones((8, 8, 1))).astype(np.uint8)


def curve(bins: list[int], errors: list[float]) -> ErrorCurve:
    made = ErrorCurve()
    made.add(np.array(bins), np.array(errors))
    return made


# --- the area under the curve of ab errors -------------------------------------------------------


@pytest.mark.parametrize(
    ("errors", "area"),
    [
        ([0.0], 100),
        ([1.0], 100 * 150 / 151),
        ([0.5], 100 * 150 / 151),  # counts from t = 1
        ([150.0], 100 / 151),
        ([150.5], 0),
        ([1000.0], 0),
        ([0.0, 1.0, 150.0, 200.0], 50),
        ([0.0001], 100),  # rounding, not an error
    ],
)
def test_auc(errors: list[float], area: float) -> None:
    assert curve([7] * len(errors), errors).auc() == pytest.approx(area)


def test_auc_is_the_mean_over_thresholds() -> None:
    errors = np.random.default_rng(0).uniform(0, 180, 500)
    shares = [(errors <= t).mean() for t in range(151)]
    assert curve([3] * 500, list(errors)).auc() == pytest.approx(100 * np.mean(shares))


def test_balanced_auc_counts_bins_not_pixels() -> None:
    made = curve([5] * 8 + [9] * 2 + [11], [0.0] * 8 + [200.0] * 2 + [200.0])
    assert made.auc() == pytest.approx(100 * 8 / 11)
    assert made.balanced_auc(2) == pytest.approx(50)
    assert made.bin_count(2) == 2
    assert made.balanced_auc(1) == pytest.approx(100 / 3)
    assert made.balanced_auc(0) == made.balanced_auc(1)
    assert made.balanced_auc(9) is None
    assert made.bin_count(9) == 0


def test_adding_in_parts_is_the_same() -> None:
    rng = np.random.default_rng(1)
    bins, errors = rng.integers(0, 313, 900), rng.uniform(0, 160, 900)
    whole, parts = ErrorCurve(), ErrorCurve()
    whole.add(bins, errors)
    for start in range(0, 900, 100):
        parts.add(bins[start : start + 100], errors[start : start + 100])
    assert np.array_equal(whole.counts, parts.counts)
    assert whole.counts.shape == (313, 152)


# --- PSNR, colourfulness ------------------------------------------------------------------------


def test_psnr() -> None:
    black, other = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert psnr(black, black) == float("inf")
    assert psnr(black, other) == pytest.approx(0)
    assert psnr(other, black) == pytest.approx(0)  # bytes do not wrap round
    one = black.copy()
    one[0, 0, 0] = 12
    assert psnr(black, one) == pytest.approx(10 * np.log10(255**2 / (144 / 48)))


def test_psnr_like_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    a, b = picture(0), picture(1)
    assert psnr(a, b) == pytest.approx(metrics.peak_signal_noise_ratio(a, b))


def formula(rgb: Array, absolute: bool) -> float:
    r, g, b = rgb.reshape(-1, 3).astype(float).T
    rg, yb = r - g, (r + g) / 2 - b
    if absolute:
        rg, yb = abs(rg), abs(yb)
    spread = (rg.var() + yb.var()) ** 0.5
    return float(spread + 0.3 * (rg.mean() ** 2 + yb.mean() ** 2) ** 0.5)


@pytest.mark.parametrize("absolute", [False, True])
def test_colourfulness(absolute: bool) -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, 2)
    assert colourfulness(grey, absolute=absolute) == 0
    red = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    assert colourfulness(red, absolute=absolute) == pytest.approx(0.3 * np.hypot(255, 127.5))
    assert colourfulness(picture(), absolute=absolute) == pytest.approx(
        formula(picture(), absolute), rel=1e-5
    )


def test_the_two_kinds_of_colourfulness_differ() -> None:
    assert colourfulness(picture()) > colourfulness(picture(), absolute=True) + 5


# --- SSIM ----------------------------------------------------------------------------------------


def test_ssim_like_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    truth = picture(0)
    noise = np.random.default_rng(3).normal(0, 20, truth.shape)
    for other in (picture(1), (truth + noise).clip(0, 255).astype(np.uint8), 255 - truth):
        theirs = metrics.structural_similarity(
            truth,
            other,
            channel_axis=2,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
        )
        assert Ssim(truth).of(other) == pytest.approx(theirs, abs=1e-4)
    assert Ssim(truth).of(truth) == pytest.approx(1)


# --- what is kept of many pictures ---------------------------------------------------------------


def test_the_truth_itself_is_perfect() -> None:
    tally = Tally()
    for seed in range(3):
        rgb = picture(seed)
        assert not tally.add(Truth(rgb), rgb).any()
    assert tally.curve.auc() == 100
    assert tally.curve.balanced_auc(1) == 100
    means = tally.means
    assert means["psnr"] == means["psnr_ab"] == 100  # infinite ones count as this
    assert means["ciede2000"] == means["cf_mean_delta"] == means["cf_abs_mean_delta"] == 0
    assert means["ssim"] == pytest.approx(1)


def test_means_are_over_pictures() -> None:
    tally, figures = Tally(), []
    for seed in range(3):
        truth, other = picture(seed), picture(seed + 10)
        tally.add(Truth(truth), other, seconds=seed)
        lab, wrong = (srgb_to_lab(x[::4, ::4]).reshape(-1, 3) for x in (truth, other))
        error = ((lab - wrong)[:, 1:] ** 2).mean()
        change = colourfulness(other) - colourfulness(truth)
        figures.append((psnr(truth, other), 20 * np.log10(255 / error**0.5), abs(change), seed))
    means = [tally.means[key] for key in ("psnr", "psnr_ab", "cf_mean_delta", "seconds")]
    assert means == pytest.approx(np.mean(figures, 0), rel=1e-4)


def test_near_grey() -> None:
    lab = np.zeros((1000, 3), np.float32)
    assert is_near_grey(lab)
    lab[:9, 1] = 60
    assert is_near_grey(lab)
    lab[:10, 2] = 6
    assert not is_near_grey(lab)


def test_calibration() -> None:
    entropy = np.linspace(0.05, 0.95, 16 * 16, dtype=np.float32).reshape(16, 16)
    good, bad, even = Calibration(), Calibration(), Calibration()
    for _ in range(3):
        good.add(entropy, 100 * entropy.reshape(-1))
        bad.add(entropy, 100 - 100 * entropy.reshape(-1))
        even.add(entropy, np.full(256, 7, np.float32))
    rising, falling, flat = good.result(), bad.result(), even.result()
    assert rising is not None
    assert falling is not None
    assert flat is not None
    assert rising.spearman > 0.99
    assert rising.rises
    assert falling.spearman < -0.99
    assert not falling.rises
    assert flat.spearman == 0
    assert len(rising.deciles) == 10
    assert sum(d.share for d in rising.deciles) == pytest.approx(1)
    assert rising.deciles[0].ab_error == pytest.approx(9.5, abs=0.6)
    assert rising.deciles[-1].ab_error == pytest.approx(90.5, abs=0.6)
    assert Calibration().result() is None


def test_calibration_takes_a_coarser_grid() -> None:
    entropy = np.array([[0.1, 0.9]], np.float32)
    errors = np.zeros((8, 8), np.float32)
    errors[:, 4:] = 50
    made = Calibration()
    made.add(entropy, errors.reshape(-1))
    result = made.result()
    assert result is not None
    assert [(d.ab_error, d.share) for d in result.deciles] == [(0, 0.5), (50, 0.5)]
    assert result.spearman == pytest.approx(1)


def test_spearman_like_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    entropy = rng.integers(0, 20, (32, 32)) / 20
    errors = np.floor(40 * entropy.reshape(-1) + rng.uniform(0, 60, 1024))
    made = Calibration()
    made.add(entropy.astype(np.float32), errors.astype(np.float32))
    result = made.result()
    assert result is not None
    assert result.spearman == pytest.approx(stats.spearmanr(entropy.reshape(-1), errors)[0])


def test_hint_curve() -> None:
    truth, other = Truth(picture()), picture(1)
    made = HintCurve((0, 5))
    assert made.result() == ()
    made.add(truth, [other, truth.rgb])
    first, last = made.result()
    assert (first.hints, last.hints) == (0, 5)
    assert first.psnr == pytest.approx(psnr(truth.rgb, other))
    assert last.psnr == last.psnr_ab == 100
