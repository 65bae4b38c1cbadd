"""Scores of validation pictures, for each set by itself.

The exact protocol, on final pictures, is that of `photochrom.evaluate`; this is its quick look
during training: on cells, or on pictures of a few cells, without guided upsampling.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...color import lab_to_srgb
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
        ours, truth, grey = (
            torch.cat([L, each], 1).detach().permute(0, 2, 3, 1).float().cpu().contiguous().numpy()
            for each in (painted, ab, torch.zeros_like(ab))
        )
        self.difference += float(ciede2000(ours, truth).mean((1, 2)).sum())
        self.difference_of_grey += float(ciede2000(grey, truth).mean((1, 2)).sum())
        self.colorful += float(colorfulness(L, painted)) * len(ab)
        self.colorful_truth += float(colorfulness(L, ab)) * len(ab)

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


def colorfulness(L: Tensor, ab: Tensor) -> Tensor:
    """Mean over pictures of Hasler and Süsstrunk's M3, of L ``(N, 1, h, w)`` and ab."""
    lab = torch.cat([L, ab], 1).detach().permute(0, 2, 3, 1).float().cpu().contiguous().numpy()
    pixels = np.asarray(lab_to_srgb(lab))
    red, green, blue = torch.from_numpy(pixels).double().flatten(1, 2).unbind(-1)
    rg, yb = red - green, (red + green) / 2 - blue
    spread = (rg.var(1, correction=0) + yb.var(1, correction=0)).sqrt()
    return (spread + 0.3 * (rg.mean(1) ** 2 + yb.mean(1) ** 2).sqrt()).mean()
