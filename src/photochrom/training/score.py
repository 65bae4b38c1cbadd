"""Zhang's AuC over grey, raw and class-balanced, summed over batches of validation pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from ..gamut import BIN_COUNT

_FARTHEST = 150.0  # ab; the largest threshold of the AuC


class Score:
    """Sums of errors by the true colour's bin.

    The area under the curve of the share of pixels whose error is at most t, t = 0...150, is one
    minus their mean error over 150, so only that needs summing. The exact protocol, on final
    pictures, is that of `photochrom.evaluate`; this is its quick look during training.
    """

    def __init__(self) -> None:
        self.count = torch.zeros(BIN_COUNT, dtype=torch.float64)
        self.ours = torch.zeros(BIN_COUNT, dtype=torch.float64)
        self.grey = torch.zeros(BIN_COUNT, dtype=torch.float64)

    def add(self, painted: Tensor, ab: Tensor, bin_of: Tensor) -> None:
        """Count pictures: painted and true ab ``(N, 2, h, w)``, the truth's bins ``(N, h, w)``."""
        bin_of = bin_of.flatten().cpu()
        for total, error in ((self.ours, painted - ab), (self.grey, ab)):
            far = error.square().sum(1).sqrt().clamp(max=_FARTHEST).flatten().double().cpu()
            total += torch.bincount(bin_of, far, BIN_COUNT)
        self.count += torch.bincount(bin_of, minlength=BIN_COUNT)

    def gains(self, minimum: int = 200) -> tuple[float, float]:
        """AuC above that of leaving it grey, in percent: raw and balanced.

        The balanced one is over the bins with at least `minimum` pixels; 0 if there are none.
        """
        better = 100 * (self.grey - self.ours) / _FARTHEST
        known = self.count >= max(minimum, 1)
        raw = better.sum() / self.count.sum().clamp(min=1)
        balanced = (better[known] / self.count[known]).mean() if known.any() else torch.zeros(())
        return float(raw), float(balanced)
