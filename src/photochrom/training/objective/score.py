"""Scores of validation pictures, for each set by itself.

The exact protocol, on final pictures, is that of `photochrom.evaluate`; this is its quick look
during training: on cells, or on pictures of a few cells, without guided upsampling.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...color import Float, lab_to_srgb
from ...color.difference import ciede2000
from ...gamut import BIN_COUNT

_FARTHEST = 150.0  # ab; the largest threshold of the AuC


class Score:
    """Sums over the pictures of one set.

    The area under the curve of the share of pixels whose error is at most t, t = 0...150, is one
    minus their mean error over 150, so only that needs summing, by the true colour's bin.
    """

    def __init__(self) -> None:
        self.count = torch.zeros(BIN_COUNT, dtype=torch.float64)
        self.ours = torch.zeros(BIN_COUNT, dtype=torch.float64)
        self.grey = torch.zeros(BIN_COUNT, dtype=torch.float64)
        self.pictures = 0
        self.difference = self.difference_of_grey = 0.0
        self.colorful = self.colorful_truth = 0.0

    def add(self, painted: Tensor, L: Tensor, ab: Tensor, bin_of: Tensor) -> None:
        """Count pictures.

        Args:
            painted, ab: ``(N, 2, h, w)``, ours and the truth.
            L: ``(N, 1, h, w)``.
            bin_of: the truth's bins ``(N, h, w)``.
        """
        bin_of = bin_of.flatten().cpu()
        for total, error in ((self.ours, painted - ab), (self.grey, ab)):
            far = error.square().sum(1).sqrt().clamp(max=_FARTHEST).flatten().double().cpu()
            total += torch.bincount(bin_of, far, BIN_COUNT)
        self.count += torch.bincount(bin_of, minlength=BIN_COUNT)
        self.pictures += len(ab)
        ours, truth, grey = (_lab(L, each) for each in (painted, ab, torch.zeros_like(ab)))
        self.difference += float(ciede2000(ours, truth).mean((1, 2)).sum())
        self.difference_of_grey += float(ciede2000(grey, truth).mean((1, 2)).sum())
        self.colorful += float(colorfulness(ours).sum())
        self.colorful_truth += float(colorfulness(truth).sum())

    def gains(self, minimum: int = 200) -> tuple[float, float]:
        """AuC above that of leaving it grey, in percent: raw and balanced.

        The balanced one is over the bins with at least `minimum` pixels; 0 if there are none.
        """
        better = 100 * (self.grey - self.ours) / _FARTHEST
        known = self.count >= max(minimum, 1)
        raw = better.sum() / self.count.sum().clamp(min=1)
        balanced = (better[known] / self.count[known]).mean() if known.any() else torch.zeros(())
        return float(raw), float(balanced)

    def figures(self, minimum: int = 200) -> dict[str, float]:
        """All of them: ``raw_gain``, ``balanced_gain``, ``ciede2000``, ``colorfulness``.

        Also ``ciede2000_over_grey``, less than 0 where ours is nearer to the truth than grey is;
        colourfulness is a part of the truth's. `minimum` is as in `gains`.
        """
        raw, balanced = self.gains(minimum)
        n = max(self.pictures, 1)
        return {
            "raw_gain": raw,
            "balanced_gain": balanced,
            "ciede2000": self.difference / n,
            "ciede2000_over_grey": (self.difference - self.difference_of_grey) / n,
            "colorfulness": self.colorful / max(self.colorful_truth, 1e-6),
        }


class Resampled:
    """Figures of some pictures, painted in any way, and of resamples of these pictures.

    Args:
        L, ab: ``(N, 1, h, w)`` and ``(N, 2, h, w)``, the truth.
        bin_of: its bins ``(N, h, w)``.
        minimum: as in `Score.gains`.
        count: of resamples: N of the N pictures, drawn with repetition.
    """

    def __init__(self, L: Tensor, ab: Tensor, bin_of: Tensor, minimum: int, count: int) -> None:
        n = len(ab)
        drawn = np.random.default_rng(1).integers(n, size=(count, n))
        self._times = np.ones((1 + count, n))  # how often each picture counts
        self._times[1:] = [np.bincount(row, minlength=n) for row in drawn]
        self._L, self._ab = L, ab
        of_picture = torch.arange(n, device=bin_of.device)[:, None, None] * BIN_COUNT
        self._bins = (bin_of + of_picture).flatten().cpu()
        grey = torch.zeros_like(ab)
        self._truth = _lab(L, ab)
        self._count = self._times @ self._by_bin(torch.ones_like(L))
        self._known = self._count >= max(minimum, 1)
        self._error = self._times @ self._by_bin(self._off(grey))
        self._difference = ciede2000(_lab(L, grey), self._truth).mean((1, 2))
        self._colorful = np.maximum(self._times @ colorfulness(self._truth), 1e-6)

    def figures(self, painted: Tensor) -> dict[str, NDArray[np.float64]]:
        """As `Score.figures`, each ``(1 + count,)``: of the pictures, then of each resample."""
        ours, known = _lab(self._L, painted), self._known
        error = self._times @ self._by_bin(self._off(painted))
        better = 100 * (self._error - error) / _FARTHEST
        each = np.divide(better, self._count, out=np.zeros_like(better), where=known)
        difference = ciede2000(ours, self._truth).mean((1, 2)) - self._difference
        return {
            "raw_gain": better.sum(1) / self._count.sum(1),
            "balanced_gain": each.sum(1) / np.maximum(known.sum(1), 1),
            "ciede2000_over_grey": self._times @ difference / len(difference),
            "colorfulness": self._times @ colorfulness(ours) / self._colorful,
        }

    def _off(self, painted: Tensor) -> Tensor:
        return (painted - self._ab).square().sum(1).sqrt().clamp(max=_FARTHEST)

    def _by_bin(self, values: Tensor) -> NDArray[np.float64]:
        """Sums by picture and the true colour's bin: ``(N, 313)``."""
        size = len(self._ab) * BIN_COUNT
        sums = torch.bincount(self._bins, values.flatten().double().cpu(), size)
        return np.asarray(sums.view(-1, BIN_COUNT).numpy())


def colorfulness(lab: Float) -> NDArray[np.float64]:
    """Hasler and Süsstrunk's M3 of each picture ``(N, h, w, 3)`` in Lab: ``(N,)``."""
    pixels = np.asarray(lab_to_srgb(lab), np.float64).reshape(len(lab), -1, 3)
    red, green, blue = np.moveaxis(pixels, -1, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    spread = np.sqrt(rg.var(1) + yb.var(1))
    return np.asarray(spread + 0.3 * np.hypot(rg.mean(1), yb.mean(1)))


def _lab(L: Tensor, ab: Tensor) -> Float:
    """``(N, h, w, 3)``."""
    lab = torch.cat([L, ab], 1).detach().permute(0, 2, 3, 1).float().cpu().contiguous()
    return np.asarray(lab.numpy())
