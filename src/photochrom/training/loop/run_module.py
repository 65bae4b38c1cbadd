"""Base class of trained modules: progress of the run, random draws, scores."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from ..objective.score import Score
from .plan import Plan


class RunModule(LightningModule):
    """A network and its run.

    Every random draw of a step comes from the plan's seed and the step's number, so that a run
    that was stopped goes on exactly as if it had not been.

    Args:
        network: as it is to begin with.
        plan: the run.

    Attributes:
        sets: names of the validation's sources; with several of them each is measured by itself.
        seconds: of training up to the last step, those before an interruption included; the
            same in all processes (see ``callbacks.Clock``).
    """

    network: nn.Module

    def __init__(self, network: nn.Module, plan: Plan) -> None:
        super().__init__()
        self.network, self.plan = network, plan
        self.seconds = 0.0
        self._scores: dict[str, Score] = {}
        self.sets: list[str] = []

    @abstractmethod
    def paint(self, L: Tensor) -> Tensor:
        """The network's ab ``(N, 2, h, w)`` for L ``(N, 1, H, W)``, 0...100; without hints."""

    @property
    def done(self) -> float:
        """How much of the run is over, 0...1."""
        if self.plan.minutes is not None:
            return min(1.0, self.seconds / (60 * self.plan.minutes))
        assert self.plan.steps is not None
        return min(1.0, self.global_step * self.trainer.world_size / self.plan.steps)

    def on_fit_start(self) -> None:
        self.train()  # Lightning leaves it to us; a network may keep parts of itself out of it

    def random(self) -> torch.Generator:
        """The source of every random draw of this step in this process, on the device."""
        return torch.Generator(self.device).manual_seed(self.random_seed())

    def random_seed(self) -> int:
        """Another number for each run's seed, step and process."""
        index = self.global_step * self.trainer.world_size + self.global_rank
        return (self.plan.seed << 32) + index

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["seconds"] = self.seconds

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.seconds = checkpoint["seconds"]

    def score(self, painted: Tensor, L: Tensor, ab: Tensor, bin_of: Tensor, sets: Tensor) -> None:
        """Count validation pictures, see `Score.add`; `sets` are numbers of their sets."""
        self._scores.setdefault("", Score()).add(painted, L, ab, bin_of)
        if len(self.sets) > 1:
            for number in sorted(set(sets.tolist())):
                some = sets == number
                score = self._scores.setdefault(f"{self.sets[number]}/", Score())
                score.add(painted[some], L[some], ab[some], bin_of[some])

    def on_validation_epoch_end(self) -> None:
        for name, score in self._scores.items():
            self.log_dict({f"val/{name}{k}": v for k, v in score.figures().items()})
        self._scores = {}
