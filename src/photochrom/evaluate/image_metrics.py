"""The metrics: pure functions on arrays. Definitions and units: docs/evaluation.md."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..color import Float
from ..gamut import BIN_COUNT

THRESHOLDS = 151
"""The ab error curve is read at 0, 1, ..., 150."""

MINIMUM = 200
"""Compared pixels a colour bin needs to count in the class-balanced figure."""

MOST_DECIBELS = 100.0
"""A picture without any error counts as this in a mean, which would be infinite otherwise."""

_NOISE = 1e-3  # ab; float32 rounding of two grey pixels may differ by 1e-4, which is no error
_TAPS = 11
_SIGMA = 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


class ErrorCurve:
    """Counts of ab errors for each of the 313 colour bins; never grows.

    Attributes:
        counts: ``(313, 152)`` int64; pixels of that true colour whose error, rounded up, is the
            column, the last column for all above 150.
    """

    def __init__(self) -> None:
        self.counts = np.zeros((BIN_COUNT, THRESHOLDS + 1), np.int64)

    def add(self, bins: NDArray[np.intp], errors: NDArray[Any]) -> None:
        """Count pixels.

        Args:
            bins: ``(n,)`` the true colour's nearest gamut bin.
            errors: ``(n,)`` distance in ab.
        """
        steps = _steps(errors)
        flat = np.bincount(bins * (THRESHOLDS + 1) + steps, minlength=self.counts.size)
        self.counts += flat.reshape(self.counts.shape)

    def auc(self) -> float:
        """Area under the curve of all pixels, 0...100."""
        return float(_area(self.counts.sum(0)))

    def balanced_auc(self, minimum: int = MINIMUM) -> float | None:
        """Mean of the areas of the bins with at least `minimum` pixels; None without any."""
        kept = self.counts[self._frequent(minimum)]
        return float(_area(kept).mean()) if len(kept) else None

    def bin_count(self, minimum: int = MINIMUM) -> int:
        """How many bins have at least `minimum` pixels."""
        return int(self._frequent(minimum).sum())

    def _frequent(self, minimum: int) -> NDArray[np.bool_]:
        return np.asarray(self.counts.sum(1) >= max(minimum, 1))


def area(errors: NDArray[Any]) -> float:
    """Area under the curve of one picture's ab errors, 0...100."""
    return float(100 * (1 - _steps(errors) / THRESHOLDS).mean())


def _steps(errors: NDArray[Any]) -> NDArray[np.intp]:
    """Errors rounded up: the first threshold that each is within."""
    return np.asarray(np.ceil(errors - _NOISE).clip(0, THRESHOLDS).astype(np.intp))


def _area(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """100 times the mean, over t = 0...150, of the share of pixels with an error of at most t."""
    share = np.cumsum(counts[..., :THRESHOLDS], -1) / counts.sum(-1, keepdims=True)
    return np.asarray(100 * share.mean(-1))


def psnr(truth: NDArray[Any], other: NDArray[Any], peak: float = 255.0) -> float:
    """Peak signal-to-noise ratio in dB, over all values; infinite where both are equal.

    Args:
        truth, other: of one shape; RGB 0...255, or ab.
        peak: 255, for ab too: the extent of an 8-bit a or b (-128...127).
    """
    error = float(np.mean((truth.astype(np.float64) - other) ** 2))
    return float("inf") if error == 0 else float(20 * np.log10(peak / np.sqrt(error)))


def colourfulness(rgb: NDArray[np.uint8], *, absolute: bool = False) -> float:
    """Colourfulness of Hasler and Suesstrunk (2003), their M3; 0 is grey.

    Args:
        rgb: ``(..., 3)`` 0...255.
        absolute: take ``|R - G|`` and ``|(R + G) / 2 - B|``, as the code of several papers does,
            which gives other figures than the original.
    """
    red, green, blue = np.moveaxis(rgb, -1, 0).astype(np.float32)
    opponents = red - green, (red + green) / 2 - blue
    if absolute:
        opponents = np.abs(opponents[0]), np.abs(opponents[1])
    spread = np.hypot(*(o.std(dtype=np.float64) for o in opponents))
    mean = np.hypot(*(o.mean(dtype=np.float64) for o in opponents))
    return float(spread + 0.3 * mean)


class Ssim:
    """Structural similarity (Wang et al. 2004) to one picture: Gaussian of 11 taps, sigma 1.5.

    The mean over the three channels and over the pixels whose window lies inside the picture.

    Args:
        rgb: ``(H, W, 3)`` 0...255, H and W at least 11.
    """

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        self._truth = rgb.transpose(2, 0, 1).astype(np.float32)
        self._mean = _blurred(self._truth)
        self._variance = _blurred(self._truth**2) - self._mean**2

    def of(self, rgb: NDArray[np.uint8]) -> float:
        """The similarity of a picture of the same size: 1 is equal."""
        other = rgb.transpose(2, 0, 1).astype(np.float32)
        mean = _blurred(other)
        variance = _blurred(other**2) - mean**2
        both = self._mean * mean
        covariance = _blurred(self._truth * other) - both
        squares = self._mean**2 + mean**2 + np.float32(_C1)
        spread = self._variance + variance + np.float32(_C2)
        similarity = (2 * both + np.float32(_C1)) * (2 * covariance + np.float32(_C2))
        return float((similarity / (squares * spread)).mean(dtype=np.float64))


def _blurred(planes: Float) -> Float:
    """Gaussian means of ``(n, H, W)`` where the window fits: ``(n, H - 10, W - 10)``."""
    distance = np.arange(_TAPS) - _TAPS // 2
    weights = np.exp(-(distance**2) / (2 * _SIGMA**2))
    weights = (weights / weights.sum()).astype(np.float32)
    height, width = planes.shape[1] - _TAPS + 1, planes.shape[2] - _TAPS + 1
    rows = sum(w * planes[:, k : k + height] for k, w in enumerate(weights))
    return np.asarray(sum(w * rows[:, :, k : k + width] for k, w in enumerate(weights)))
