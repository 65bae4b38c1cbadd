"""Accumulators of one evaluation: figures per picture, counts over all pixels, intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..color import Float, neutral, srgb_to_lab
from ..color.difference import ciede2000
from ..color.srgb import to_8_bits
from ..gamut import soft_encode
from .image_metrics import MOST_DECIBELS, ErrorCurve, Ssim, area, colourfulness, psnr
from .report.scores import Confidence, Decile, HintStep

EVERY = 4
"""ab and CIEDE2000 are compared on every fourth pixel each way: Zhang 2016 does the same."""

_NEAR_GREY_CHROMA = 5.0  # as Zhang 2016 does for the training pictures to leave out
_NEAR_GREY_SHARE = 0.01
_LEVELS = 1000  # of entropy, from which the deciles are made
_ERROR_LEVELS = 151  # of ab error, for the rank correlation
RESAMPLES = 2000
LEVEL = 0.95
_BLOCK = 1 << 22  # drawn places at a time


def compared_lab(rgb: NDArray[np.uint8]) -> Float:
    """Lab of the compared pixels: ``(n, 3)`` float32."""
    return srgb_to_lab(rgb[::EVERY, ::EVERY]).reshape(-1, 3)


def is_near_grey(lab: Float) -> bool:
    """Whether chroma exceeds 5 on fewer than one in a hundred pixels."""
    return bool((np.hypot(lab[:, 1], lab[:, 2]) > _NEAR_GREY_CHROMA).mean() < _NEAR_GREY_SHARE)


class Truth:
    """A true picture and what every result is compared with, computed once.

    Args:
        rgb: ``(size, size, 3)`` uint8.

    Attributes:
        grey: its grey codes, ``(size, size)`` uint8, of the same L but for the rounding to 8 bits,
            as a black-and-white file has it.
        lab, bins: of the compared pixels, ``(n, 3)`` and ``(n,)``.
        cf, cf_abs: its colourfulness.
    """

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        self.rgb = rgb
        self.grey = to_8_bits(neutral(rgb))
        self.lab = compared_lab(rgb)
        self.bins = soft_encode(self.lab[:, 1:], 1)[0][:, 0]
        self.cf, self.cf_abs = colourfulness(rgb), colourfulness(rgb, absolute=True)
        self.ssim = Ssim(rgb)


class Tally:
    """The figures of one method.

    Attributes:
        curve: counts of ab errors.
        values: name of a figure -> its value for each picture, in their order.
    """

    def __init__(self) -> None:
        self.curve = ErrorCurve()
        self.values: dict[str, list[float]] = {}

    @property
    def means(self) -> dict[str, float]:
        """Name of a figure -> its mean over the pictures."""
        return {name: float(np.mean(values)) for name, values in self.values.items()}

    def add(
        self, truth: Truth, rgb: NDArray[np.uint8], seconds: float | None = None
    ) -> NDArray[np.float32]:
        """Compare a result with the truth.

        Returns:
            The ab errors of the compared pixels, ``(n,)``.
        """
        lab = compared_lab(rgb)
        errors = np.hypot(*(lab - truth.lab)[:, 1:].T)
        self.curve.add(truth.bins, errors)
        cf, cf_abs = colourfulness(rgb), colourfulness(rgb, absolute=True)
        figures = {
            "auc": area(errors),
            "cf": cf,
            "cf_abs": cf_abs,
            "cf_mean_delta": abs(cf - truth.cf),
            "cf_abs_mean_delta": abs(cf_abs - truth.cf_abs),
            "psnr": min(psnr(truth.rgb, rgb), MOST_DECIBELS),
            "psnr_ab": psnr_of_ab(truth, lab),
            "ssim": truth.ssim.of(rgb),
            "ciede2000": float(ciede2000(truth.lab, lab).mean()),
        }
        if seconds is not None:
            figures["seconds"] = seconds
        for name, value in figures.items():
            self.values.setdefault(name, []).append(value)
        return np.asarray(errors)


def psnr_of_ab(truth: Truth, lab: Float) -> float:
    """PSNR in dB of a and b on the compared pixels, peak 255, at most 100."""
    return min(psnr(truth.lab[:, 1:], lab[:, 1:]), MOST_DECIBELS)


class Calibration:
    """Counts of ab errors by entropy, for deciles and a rank correlation."""

    def __init__(self) -> None:
        self._counts = np.zeros((_LEVELS, _ERROR_LEVELS), np.int64)
        self._errors = np.zeros(_LEVELS)

    def add(self, entropy: Float, errors: NDArray[np.float32]) -> None:
        """Count pixels.

        Args:
            entropy: ``(h', w')`` 0...1, on the model's grid.
            errors: ``(n,)`` ab errors of the compared pixels of a square picture.
        """
        side = round(np.sqrt(errors.size))
        rows, columns = (np.arange(side) * extent // side for extent in entropy.shape)
        sure = entropy[rows[:, None], columns].reshape(-1)
        level = np.minimum((sure * _LEVELS).astype(np.intp), _LEVELS - 1)
        step = np.minimum(errors.astype(np.intp), _ERROR_LEVELS - 1)
        flat = np.bincount(level * _ERROR_LEVELS + step, minlength=self._counts.size)
        self._counts += flat.reshape(self._counts.shape)
        self._errors += np.bincount(level, errors, _LEVELS)

    def result(self) -> Confidence | None:
        """The figures; None before any `add`."""
        counts = self._counts.sum(1)
        if not counts.sum():
            return None
        # A level belongs to the tenth in which its middle pixel lies.
        middle = (np.cumsum(counts) - counts / 2) / counts.sum()
        tenth = np.minimum((middle * 10).astype(int), 9)
        deciles = []
        for number in range(10):
            here = np.flatnonzero((tenth == number) & (counts > 0))
            if here.size:
                pixels = counts[here].sum()
                deciles.append(
                    Decile(
                        entropy_from=here[0] / _LEVELS,
                        entropy_to=(here[-1] + 1) / _LEVELS,
                        share=float(pixels / counts.sum()),
                        ab_error=float(self._errors[here].sum() / pixels),
                    )
                )
        return Confidence(deciles=tuple(deciles), spearman=_spearman(self._counts))


def _spearman(counts: NDArray[np.int64]) -> float:
    """Rank correlation of rows and columns of a table of counts, ties at their middle rank."""
    scores = []
    for axis in (1, 0):
        each = counts.sum(axis)
        rank = np.cumsum(each) - each / 2
        rank -= rank @ each / each.sum()
        size = np.sqrt(rank**2 @ each)
        scores.append(rank / size if size > 0 else rank * 0)
    return float(scores[0] @ counts @ scores[1])


class HintCurve:
    """Quality after 0, 1, 2, ... true hints."""

    def __init__(self, steps: Sequence[int]) -> None:
        self._steps = steps
        self._sums = np.zeros((len(steps), 2))
        self._count = 0

    def add(self, truth: Truth, results: Sequence[NDArray[np.uint8]]) -> None:
        """Count a picture: one result, ``(size, size, 3)``, for each step."""
        for sums, rgb in zip(self._sums, results, strict=True):
            sums += min(psnr(truth.rgb, rgb), MOST_DECIBELS), psnr_of_ab(truth, compared_lab(rgb))
        self._count += 1

    def result(self) -> tuple[HintStep, ...]:
        """The curve; empty before any `add`."""
        if not self._count:
            return ()
        means = (self._sums / self._count).tolist()
        rows = zip(self._steps, means, strict=True)
        return tuple(HintStep(hints=n, psnr=rgb, psnr_ab=ab) for n, (rgb, ab) in rows)


def interval(values: Sequence[float], seed: int) -> tuple[float, float] | None:
    """Percentile bootstrap interval of the mean (Efron 1979); None for fewer than two values.

    The same seed and count draw the same resamples: the interval of the differences of two
    methods, picture by picture, is the paired one.

    Returns:
        The bounds between which 95 % of the means of resampled pictures lie.
    """
    count = len(values)
    if count < 2:
        return None
    array: NDArray[np.float64] = np.asarray(values, np.float64)
    draw = np.random.default_rng(seed)
    means: list[NDArray[np.float64]] = []
    left = RESAMPLES
    while left:
        rows = min(left, max(1, _BLOCK // count))
        means.append(array[draw.integers(count, size=(rows, count))].mean(1))
        left -= rows
    low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
