"""Calibration of a trained model: temperature and tilt decide how vivid it is by default.

Rebalancing makes rare, saturated colours likelier than they are. How much of that is wanted, and at
which temperature, is measured on pictures that the network has not seen: its logits differ from
those of a network trained without rebalancing by the logarithm of the weights ("logit adjustment",
Menon et al. 2021), so any part of it, the *tilt*, can be taken back or added afterwards.

The rule: the pair of temperature and tilt with the largest `Calibration.worth`, which is what is
gained over grey in CIEDE2000 and AuC, less a price for pictures that are not as colourful as the
truth within `COLORFUL`. The price is finite, so that a network that has learnt little stays calm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from ..data.lab import srgb_to_lab
from ..network.color_network import STRIDE, ColorNetwork
from .loss import ColorLoss, annealed_mean
from .score import Score

COLORFUL = 0.1
"""Largest difference of colourfulness from that of the true pictures, as a part of it."""

TEMPERATURES, TILTS = (0.2, 1.5), (-1.5, 1.5)
"""Bounds of the search. Below the first the annealed mean is nearly the likeliest colour, whose
patches these figures do not see, and nothing is left for a user who wants it more vivid."""

PRICE = 15.0
"""Units of CIEDE2000 that being outside of that costs, where it is by the truth's colourfulness."""

AUC = 0.1
"""How many units of CIEDE2000 one percent of AuC is worth, raw or balanced: the networks' AuC, both
together, lies about ten times as far above grey's as their CIEDE2000 lies below it."""

_THIN = 2  # every second cell each way is compared
_MINIMUM = 20  # compared cells that a bin needs to count in the balanced AuC
_LOG, _TILT = 0.1, 0.0125  # least steps in the logarithm of T and in tilt
_FAR, _NEAR = 32, 8  # first steps in tilt, in least ones


@dataclass(frozen=True)
class Calibration:
    """One operating point and its figures.

    Attributes:
        temperature: T of the annealed mean.
        tilt: part of the rebalancing that is taken back; negative: more of it is added.
        raw, balanced: AuC above grey's, in percent.
        ciede2000: CIEDE2000 below grey's; negative where it is worse.
        colorfulness: of the painted pictures, as a part of the true ones'.
    """

    temperature: float
    tilt: float
    raw: float
    balanced: float
    ciede2000: float
    colorfulness: float

    @property
    def gain(self) -> float:
        """CIEDE2000 below grey's, and `AUC` times both AuC above grey's."""
        return self.ciede2000 + AUC * (self.raw + self.balanced)

    @property
    def worth(self) -> float:
        """`gain` less the price for colourfulness outside of `COLORFUL`."""
        return self.gain - PRICE * max(0.0, abs(self.colorfulness - 1) - COLORFUL)


@torch.inference_mode()
def calibrate(network: ColorNetwork, loss: ColorLoss, batches: Iterable[Tensor]) -> Calibration:
    """Find the best temperature and tilt, and take the tilt into the network's last bias.

    For each temperature its best tilt is found, and by that the best temperature, both by steps
    that go on as long as it gets better and are then halved; so the best is found wherever it lies
    within `TEMPERATURES` and `TILTS`. Some 80 points are measured; each takes less time than the
    network takes for a few of the pictures.

    Args:
        network: trained; changed in place.
        loss: it was trained with; its weights are what is taken back.
        batches: uint8 ``(N, 3, H, W)``, pictures the network has not seen.

    Returns:
        The best operating point that was met.
    """
    network.eval()
    rows, L, ab = (
        torch.cat(parts) for parts in zip(*(_seen(network, b) for b in batches), strict=True)
    )
    tilted, bin_of = loss.weight.log(), loss.neighbour(ab)

    def measured(temperature: float, tilt: float) -> Calibration:
        score, painted = Score(), torch.empty_like(ab)
        for first in range(0, len(rows), 32):  # in float32 a few at a time
            some = slice(first, first + 32)
            logits = rows[some].float() - tilt * tilted
            painted[some] = annealed_mean(logits, loss.bins, temperature).permute(0, 3, 1, 2)
        score.add(painted, L, ab, bin_of)
        figures = score.figures(_MINIMUM)
        return Calibration(
            temperature,
            tilt,
            figures["raw_gain"],
            figures["balanced_gain"],
            -figures["ciede2000_over_grey"],
            figures["colorfulness"],
        )

    best = _searched(measured, loss.temperature)
    assert network.head.bias is not None
    network.head.bias -= best.tilt * tilted
    return best


def _searched(measured: Callable[[float, float], Calibration], temperature: float) -> Calibration:
    """The best point: a walk over temperatures, each with its best tilt, found by a walk too."""
    places = [round(bound / _TILT) for bound in TILTS]
    numbers = [round(math.log(bound) / _LOG) for bound in TEMPERATURES]
    tilt, step = 0, _FAR

    @cache
    def with_its_tilt(number: int) -> Calibration:
        nonlocal tilt, step

        @cache
        def at(place: int) -> Calibration:
            return measured(math.exp(number * _LOG), place * _TILT)

        tilt = _climbed(at, tilt, step, places)
        step = _NEAR  # the next temperature's is not far from this one's
        return at(tilt)

    return with_its_tilt(_climbed(with_its_tilt, round(math.log(temperature) / _LOG), 4, numbers))


def _climbed(found: Callable[[int], Calibration], at: int, step: int, bounds: Sequence[int]) -> int:
    """The place of the best, by steps up or down that are halved where none of them is better."""
    low, high = bounds
    at = min(max(at, low), high)
    while step:
        places = (at, max(at - step, low), min(at + step, high))
        best = max(places, key=lambda place: found(place).worth)  # where it is, if as good
        at, step = best, step if best != at else step // 2
    return at


def _seen(network: ColorNetwork, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits with the bins last (float16), L and ab of the compared cells."""
    lab = srgb_to_lab(rgb)
    L = lab[:, :1]
    with torch.autocast(rgb.device.type, torch.bfloat16, enabled=rgb.is_cuda):
        logits = network(L, torch.zeros_like(lab[:, 1:]), torch.zeros_like(L)).logits
    cells = functional.avg_pool2d(lab, STRIDE)[:, :, ::_THIN, ::_THIN]
    logits = logits[:, :, ::_THIN, ::_THIN].permute(0, 2, 3, 1)
    return logits.half(), cells[:, :1], cells[:, 1:]
