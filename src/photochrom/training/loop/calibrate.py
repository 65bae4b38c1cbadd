"""After training: how vivid the model is by default.

Rebalancing makes rare, saturated colours likelier than they are. That is wanted, but how much of it
and at which temperature is better found on pictures the network has not seen than guessed before
training: the logits' distance to those of a network trained without rebalancing is the logarithm of
the weights ("logit adjustment", Menon et al. 2021), so any part of it can be taken back afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional

from ..data.lab import srgb_to_lab
from ..network.color_network import STRIDE, ColorNetwork
from .loss import ColorLoss, annealed_mean
from .score import Score, colorfulness

TEMPERATURES = (0.3, 0.38, 0.5, 0.7, 0.85, 1.0)
TILTS = (-0.6, -0.45, -0.3, -0.15, 0.0, 0.15, 0.3, 0.45)
COLOURFUL = 0.1
"""How far the colourfulness may be from that of the real pictures, as a part of it."""


@dataclass(frozen=True)
class Calibration:
    """What was found.

    Attributes:
        temperature: T of the annealed mean.
        tilt: part of the rebalancing that is taken back.
        raw, balanced: AuC over grey, in percent.
        colorfulness: of the painted pictures, as a part of the true ones'.
    """

    temperature: float
    tilt: float
    raw: float
    balanced: float
    colorfulness: float

    @property
    def rank(self) -> tuple[float, float]:
        """Colourful as the truth comes first, then the two gains."""
        excess = max(0.0, abs(self.colorfulness - 1) - COLOURFUL)
        return -excess, self.raw + self.balanced


@torch.inference_mode()
def calibrate(network: ColorNetwork, loss: ColorLoss, batches: Iterable[Tensor]) -> Calibration:
    """Find the best temperature and tilt, and take the tilt into the network's last bias.

    Args:
        network: trained; changed in place.
        loss: it was trained with; its weights are what is taken back.
        batches: uint8 ``(N, 3, H, W)``, pictures the network has not seen.

    Returns:
        The best of all pairs of `TEMPERATURES` and `TILTS`.
    """
    network.eval()
    rows, L, ab = (
        torch.cat(parts) for parts in zip(*(_seen(network, b) for b in batches), strict=True)
    )
    tilted = loss.weight.log()
    truth = colorfulness(L, ab)
    found = []
    for tilt, temperature in product(TILTS, TEMPERATURES):
        score, painted = Score(), torch.empty_like(ab)
        for first in range(0, len(rows), 32):  # in float32 a few at a time
            some = slice(first, first + 32)
            logits = rows[some].float() - tilt * tilted
            painted[some] = annealed_mean(logits, loss.bins, temperature).permute(0, 3, 1, 2)
        score.add(painted, L, ab, loss.neighbour(ab))
        vivid = float(colorfulness(L, painted) / truth)
        found.append(Calibration(temperature, tilt, *score.gains(), vivid))
    best = max(found, key=lambda one: one.rank)
    assert network.head.bias is not None
    network.head.bias -= best.tilt * tilted
    return best


def _seen(network: ColorNetwork, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits with the bins last (float16), L and ab of every cell."""
    lab = srgb_to_lab(rgb)
    L = lab[:, :1]
    with torch.autocast(rgb.device.type, torch.bfloat16, enabled=rgb.is_cuda):
        logits = network(L, torch.zeros_like(lab[:, 1:]), torch.zeros_like(L)).logits
    cells = functional.avg_pool2d(lab, STRIDE)
    return logits.permute(0, 2, 3, 1).half(), cells[:, :1], cells[:, 1:]
