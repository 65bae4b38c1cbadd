"""Hyperparameters of a training run: length, sizes, rates and seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ...errors import ArgumentError

_RISE = 0.1  # of the run: the longest that the learning rate rises

_LIMITS: tuple[tuple[str, Callable[[float], bool], tuple[str, ...]], ...] = (
    ("more than 0", lambda v: 0 < v < math.inf, ("rate", "clip", "temperature")),
    (
        "0 or more",
        lambda v: 0 <= v < math.inf,
        ("encoder_rate", "decay", "rebalancing", "distance", "tilt"),
    ),
    ("0 to 1", lambda v: 0 <= v <= 1, ("final_part", "unhinted", "cooldown")),
    ("0 or more and less than 1", lambda v: 0 <= v < 1, ("average", "validation")),
    ("1 or more", lambda v: v >= 1, ("warm_up",)),
    ("2 or more", lambda v: v >= 2, ("batch",)),
    ("0 to 2147483647", lambda v: 0 <= v < 2**31, ("seed",)),
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The numbers of a run. A preset is a Plan; see ``presets.py``.

    Attributes:
        minutes: length of the run, or None if `steps` says it.
        steps: length of the run in batches, those of all processes together, or None.
        batch: crops per batch.
        size: side of the crops in pixels; a multiple of 32.
        final_size: side of the crops in the last part of the run.
        final_part: that part, 0...1 of the run.
        cooldown: part of the run, at its end, in which the learning rate falls to 0.
        rate: largest learning rate.
        encoder_rate: largest learning rate of the encoder, as a part of `rate`.
        warm_up: steps over which the rate rises to it, unless a tenth of the run is over before.
        decay: AdamW's weight decay.
        clip: largest norm of the gradient.
        average: decay of the moving average of the weights, which is what is exported.
        rebalancing: strength of the class weights, see ``loss.rebalancing``.
        distance: weight of the distance in ab, see ``loss.ColorLoss``.
        temperature: T of the annealed mean that the distance is taken of.
        tilt: part of the rebalancing that calibration is expected to take back, see
            ``objective.calibrate``: hints of the network's own colours are those of such a model.
        unhinted: part of the samples that get no hints.
        validation: part of the pictures that is set aside.
        seed: of every random draw.
    """

    minutes: float | None = None
    steps: int | None = None
    batch: int = 64
    size: int = 128
    final_size: int = 192
    final_part: float = 1 / 3
    cooldown: float = 0.1
    rate: float = 4e-4
    encoder_rate: float = 0.1
    warm_up: int = 200
    decay: float = 0.01
    clip: float = 1.0
    average: float = 0.999
    rebalancing: float = 1.0
    distance: float = 1.0
    temperature: float = 0.38
    tilt: float = 0.2
    unhinted: float = 0.75
    validation: float = 0.02
    seed: int = 1

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise _bad("the run's length", "either minutes or steps", "both or neither")
        for name, value in (("minutes", self.minutes), ("steps", self.steps)):
            if value is not None and not 0 < value < math.inf:
                raise _bad(name, "more than 0", str(value))
        for name in ("size", "final_size"):
            if (value := getattr(self, name)) % 32 or not 32 <= value <= 1024:
                raise _bad(name, "a multiple of 32 from 32 to 1024", str(value))
        for expected, fits, names in _LIMITS:
            for name in names:
                if not fits(value := getattr(self, name)):
                    raise _bad(name, expected, str(value))

    def factor(self, step: int, done: float) -> float:
        """The learning rate as a part of `rate`: it rises, stays, and falls to 0 in the end.

        While it stays, a run can be made longer as if it had been meant so from the beginning.

        Args:
            step: number of the step.
            done: how much of the run is over, 0...1.
        """
        rise = min(1.0, max((step + 1) / self.warm_up, done / _RISE))
        left = max(0.0, 1 - done)
        return rise * (min(1.0, left / self.cooldown) if self.cooldown else float(left > 0))

    def size_at(self, done: float) -> int:
        """Side of the crops when `done` (0...1) of the run is over."""
        return self.size if done < 1 - self.final_part else self.final_size


def _bad(what: str, expected: str, got: str) -> ArgumentError:
    return ArgumentError(what, expected=expected, got=got)
