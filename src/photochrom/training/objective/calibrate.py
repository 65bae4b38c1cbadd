"""Calibration of a trained model: temperature, tilt and a factor decide how vivid it is.

Rebalancing makes rare, saturated colours likelier than they are. How much of that is wanted, and at
which temperature, is measured on pictures that the network has not seen: its logits differ from
those of a network trained without rebalancing by the logarithm of the weights ("logit adjustment",
Menon et al. 2021), so any part of it, the *tilt*, can be taken back or added afterwards. A mean of
colours has less chroma than they have; a *factor* makes up for that, at a smaller price in
CIEDE2000 than a tilt.

The rule: the temperature, tilt and factor with the largest `Calibration.worth`, which is what is
gained over grey in CIEDE2000 and AuC, less a price for pictures that are not as colourful as the
truth within `COLORFUL`, as a mean over resamples of the pictures (the bootstrap, Efron 1979). The
price is finite, so that a network that has learnt little stays calm. On fewer than `FEW` pictures
only the factor is chosen, which was measured to be nearer to the best on others. A network that was
calibrated before it was fine-tuned stays as it was where a new calibration would be rough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..data.lab import srgb_to_lab
from ..network.color_network import STRIDE, ColorNetwork
from .loss import ColorLoss, annealed_mean
from .score import Resampled

COLORFUL = 0.1
"""Largest difference of colourfulness from that of the true pictures, as a part of it."""

TEMPERATURES, TILTS, FACTORS = (0.37, 1.5), (-1.5, 1.5), (1.0, 2.0)
"""Bounds of the search. The first is about the temperature at which the network learns that its own
colours as hints change nothing; below it they do (mean chroma -20 % after six rounds at 0.2, -12 %
at 0.38), the patches of the likeliest colours appear, which these figures do not see, and nothing
is left for a user who wants it more vivid. CIEDE2000 would be 0.14 lower at 0.2."""

FEW = 40
"""Pictures that it takes to choose more than the factor."""

ROUGH = 0.1
"""Half of the interval of colourfulness from which on a calibration is called rough."""

PRICE = 15.0
"""Units of CIEDE2000 that being outside of `COLORFUL` costs, where it is by the truth's
colourfulness."""

AUC = 0.1
"""How many units of CIEDE2000 one percent of AuC is worth, raw or balanced: the networks' AuC, both
together, lies about ten times as far above grey's as their CIEDE2000 lies below it."""

_THIN = 2  # every second cell each way is compared
_MINIMUM = 20  # compared cells that a bin needs to count in the balanced AuC
_RESAMPLES = 200
_TEMPERATURE, _TILT, _FACTOR = 0.1, 0.0125, 0.025  # least steps; of the logarithm, but for tilt


@dataclass(frozen=True)
class Calibration:
    """One operating point and its figures."""

    temperature: float  # T of the annealed mean
    tilt: float  # part of the rebalancing that is taken back; negative: more of it is added
    chroma: float  # factor of the mean's ab
    figures: Mapping[str, NDArray[np.float64]] = field(repr=False, compare=False)  # of `Resampled`
    pictures: int = 0  # on how many it was measured
    kept: bool = False  # whether it is as colourful as the model that was fine-tuned

    def figure(self, name: str) -> float:
        """``raw_gain``, ``balanced_gain``, ``ciede2000_over_grey`` or ``colorfulness``."""
        return float(self.figures[name][0])

    @property
    def worth(self) -> float:
        """What is gained over grey, less the price for colourfulness outside of `COLORFUL`."""
        auc = self.figures["raw_gain"] + self.figures["balanced_gain"]
        off = np.maximum(0.0, np.abs(self.figures["colorfulness"] - 1) - COLORFUL)
        return float((AUC * auc - self.figures["ciede2000_over_grey"] - PRICE * off).mean())

    @property
    def colorful(self) -> tuple[float, float]:
        """Interval of colourfulness over resamples, 95 %: what it may be on other pictures."""
        low, high = np.quantile(self.figures["colorfulness"], [0.025, 0.975])
        return float(low), float(high)

    @property
    def rough(self) -> bool:
        """Whether it was measured on too few pictures to be relied on."""
        low, high = self.colorful
        return self.pictures < FEW or high - low > 2 * ROUGH


@torch.inference_mode()
def calibrate(
    network: ColorNetwork,
    loss: ColorLoss,
    batches: Iterable[Tensor],
    temperature: float,
    before: ColorNetwork | None = None,
) -> Calibration:
    """Find the best operating point, and take its tilt into the network's last bias.

    For each temperature its best tilt is found, for each tilt its best factor, all by steps that go
    on as long as it gets better and are then halved; so the best is found wherever it lies within
    the bounds. Some 60 pairs of temperature and tilt are measured, with five factors each.

    Args:
        network: trained; changed in place.
        loss: it was trained with; its weights are what is taken back.
        batches: uint8 ``(N, 3, H, W)``, pictures the network has not seen.
        temperature: where the search begins, and what stays where there are few pictures.
        before: the network that was fine-tuned, with its `point`.

    Returns:
        The best operating point that was met. Where that is rough, the temperature of `before` with
        the factor that makes the pictures as colourful as `before` does.
    """
    network.eval()
    batches = list(batches)
    rows, L, ab = _all_seen(network, batches)
    judged = Resampled(L, ab, loss.neighbour(ab), _MINIMUM, _RESAMPLES)

    def painted(t: float, tilt: float) -> Callable[[float], Calibration]:
        mean = _mean(rows, loss, t, tilt)
        return lambda f: Calibration(t, tilt, f, judged.figures(f * mean), len(rows))

    search = _Search(painted)
    best = search.best(temperature) if len(rows) >= FEW else search.with_factor(temperature, 0.0)
    if before is not None and before.point is not None and best.rough:
        t, factor = before.point
        theirs = factor * _mean(_all_seen(before.eval(), batches)[0], loss, t)
        wanted = float(judged.figures(theirs)["colorfulness"][0])
        best = replace(_as_colorful(painted(t, 0.0), wanted), kept=True)
    assert network.head.bias is not None
    network.head.bias -= loss.adjustment(best.tilt)
    return best


def told(best: Calibration) -> str:
    """A line about a calibration, with a warning where it is rough."""
    low, high = best.colorful
    line = (
        f"calibrated on {best.pictures} pictures: temperature {best.temperature:.2f}, tilt "
        f"{best.tilt:+.3f}, chroma times {best.chroma:.2f}; AuC over grey "
        f"{best.figure('raw_gain'):+.2f} raw, {best.figure('balanced_gain'):+.2f} balanced; "
        f"CIEDE2000 {best.figure('ciede2000_over_grey'):+.2f} to grey; colourfulness "
        f"{best.figure('colorfulness'):.2f} of the truth's ({low:.2f} to {high:.2f}, 95 %)"
    )
    if best.kept:
        return f"{line}: as colourful as the model it began with, since these pictures are few"
    return f"{line}: rough, name more pictures with --validation" if best.rough else line


class _Search:
    """A walk over temperatures, each with its best tilt, each with its best factor.

    Args:
        painted: gives, for a temperature and a tilt, what gives the point of a factor.
    """

    def __init__(self, painted: Callable[[float, float], Callable[[float], Calibration]]) -> None:
        self._painted = painted
        # The best place is not far from that of the point before: only the first walk goes far.
        self._tilt, self._far_tilt = 0, 32
        self._factor, self._far_factor = 0, 8

    def best(self, temperature: float) -> Calibration:
        """The best point, from a temperature on."""

        @cache
        def at(place: int) -> Calibration:
            return self._with_tilt(math.exp(place * _TEMPERATURE))

        start = round(math.log(temperature) / _TEMPERATURE)
        return at(_climbed(at, start, 4, _places(TEMPERATURES, _TEMPERATURE)))

    def _with_tilt(self, temperature: float) -> Calibration:
        @cache
        def at(place: int) -> Calibration:
            return self.with_factor(temperature, place * _TILT)

        bounds = [round(bound / _TILT) for bound in TILTS]
        self._tilt = _climbed(at, self._tilt, self._far_tilt, bounds)
        self._far_tilt = 8
        return at(self._tilt)

    def with_factor(self, temperature: float, tilt: float) -> Calibration:
        """The best point of a temperature and a tilt."""
        found = self._painted(temperature, tilt)

        @cache
        def at(place: int) -> Calibration:
            return found(math.exp(place * _FACTOR))

        self._factor = _climbed(at, self._factor, self._far_factor, _places(FACTORS, _FACTOR))
        self._far_factor = 2
        return at(self._factor)


def _as_colorful(found: Callable[[float], Calibration], wanted: float) -> Calibration:
    """The point whose factor gives a colourfulness, by halving what lies between the bounds."""
    low, high = 0.5, FACTORS[1]  # a network may have become more colourful than is wanted
    for _ in range(8):
        middle = (low + high) / 2
        if found(middle).figure("colorfulness") < wanted:
            low = middle
        else:
            high = middle
    return found((low + high) / 2)


def _places(bounds: Sequence[float], step: float) -> list[int]:
    return [round(math.log(bound) / step) for bound in bounds]


def _climbed(found: Callable[[int], Calibration], at: int, step: int, bounds: Sequence[int]) -> int:
    """The place of the best, by steps up or down that are halved where none of them is better."""
    low, high = bounds
    at = min(max(at, low), high)
    while step:
        places = (at, max(at - step, low), min(at + step, high))
        best = max(places, key=lambda place: found(place).worth)  # where it is, if as good
        at, step = best, step if best != at else step // 2
    return at


def _mean(rows: Tensor, loss: ColorLoss, t: float, tilt: float = 0.0) -> Tensor:
    """Annealed means ``(N, 2, h, w)`` of logits whose bins are last, at a tilt."""
    less = loss.adjustment(tilt)
    parts = (annealed_mean(some.float() - less, loss.bins, t) for some in torch.split(rows, 32))
    return torch.cat(list(parts)).permute(0, 3, 1, 2)


def _all_seen(network: ColorNetwork, batches: Iterable[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """What `_seen` gives of all batches."""
    seen = [_seen(network, batch) for batch in batches]
    rows, L, ab = (torch.cat(parts) for parts in zip(*seen, strict=True))
    return rows, L, ab


def _seen(network: ColorNetwork, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits with the bins last (float16), L and ab of the compared cells."""
    lab = srgb_to_lab(rgb)
    L = lab[:, :1]
    with torch.autocast(rgb.device.type, torch.bfloat16, enabled=rgb.is_cuda):
        logits = network(L, torch.zeros_like(lab[:, 1:]), torch.zeros_like(L)).logits
    cells = functional.avg_pool2d(lab, STRIDE)[:, :, ::_THIN, ::_THIN]
    logits = logits[:, :, ::_THIN, ::_THIN].permute(0, 2, 3, 1)
    return logits.half(), cells[:, :1], cells[:, 1:]
