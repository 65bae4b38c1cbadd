"""Callbacks of Lightning: clock, averaged weights, best weights, figures, progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor

from ..network.weights import write_network
from .run_module import RunModule

_EVERY = 0.5  # seconds between two looks at the progress
_WINDOW = 20.0  # seconds over which rate and loss are smoothed


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        step: steps done.
        done: part of the run that is over, 0...1.
        rate: crops per second, of all processes.
        loss: smoothed.
        left: seconds to go; None: not known yet.
    """

    step: int
    done: float
    rate: float
    loss: float
    left: float | None


class Clock(Callback):
    """Counts the seconds of training, ends the run, and shares how far it is with the loader."""

    def __init__(self, done: Tensor) -> None:
        self.done = done
        self._zero = 0.0

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        assert isinstance(module, RunModule)
        self._zero = time.monotonic() - module.seconds
        self.done.fill_(module.done)

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        assert isinstance(module, RunModule)
        # All processes go by one clock: they must stop together, at one learning rate.
        module.seconds = trainer.strategy.broadcast(time.monotonic() - self._zero)
        self.done.fill_(module.done)
        if module.done >= 1:
            trainer.should_stop = True


class Averaging(WeightAveraging):
    """Moving average of the weights, over at most a tenth of the run so far.

    Without that limit the average of a short run would be mostly its beginning.

    Args:
        decay: 0...1.
    """

    def __init__(self, decay: float) -> None:
        def average(kept: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
            if not new.is_floating_point():
                return new
            steps = float(count)
            return torch.lerp(kept, new, 1 - min(decay, (1 + steps) / (10 + steps)))

        super().__init__(avg_fn=average)

    @property
    def averaged(self) -> RunModule:
        """The module with averaged weights, while a run is going on."""
        assert self._average_model is not None
        module = self._average_model.module
        assert isinstance(module, RunModule)
        return module


class Best(Callback):
    """Keeps the averaged weights with the least validation loss, and ends a run that is past them.

    Args:
        averaging: whose weights are kept.
        path: the safetensors file.
        patience: validations in a row without a lower loss after which the run ends.
    """

    def __init__(self, averaging: Averaging, path: Path, patience: int) -> None:
        self.averaging, self.path, self.patience = averaging, path, patience
        self.least, self.waited = math.inf, 0

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        loss = float(trainer.callback_metrics["val/loss"])
        if loss < self.least:
            self.least, self.waited = loss, 0
            if trainer.is_global_zero:
                write_network(self.averaging.averaged.network, self.path)
            return
        self.waited += 1
        if self.waited >= self.patience:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        return {"least": self.least, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.least, self.waited = state["least"], state["waited"]


class Figures(Callback):
    """Tells the losses and scores of each validation; logs the mean training loss before it.

    Args:
        say: called with a line, in the first process only.
        epoch: crops that make an epoch.
    """

    def __init__(self, say: Callable[[str], None], epoch: int) -> None:
        self.say, self.epoch = say, epoch
        self._losses: list[Tensor] = []  # of the steps since the last one

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any
    ) -> None:
        self._losses.append(outputs.get("colors", outputs["loss"]).detach())

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        assert isinstance(module, RunModule)
        loss, self._losses = torch.stack(self._losses).mean(), []
        for logger in trainer.loggers:
            logger.log_metrics({"train/mean_loss": float(loss)}, trainer.global_step - 1)
        if trainer.is_global_zero:
            crops = trainer.global_step * trainer.world_size * module.plan.batch
            self.say(figures_line(crops / self.epoch, float(loss), trainer.callback_metrics))


def figures_line(epoch: float, loss: float, metrics: Mapping[str, Any]) -> str:
    """One line of a run's figures.

    Args:
        epoch: times that each picture was seen.
        loss: the mean training loss since the last line.
        metrics: figures of the validation by their names in the log (``val/...``).
    """
    count = f"{epoch:.2f}" if epoch < 1 else f"{epoch:.1f}" if epoch < 10 else f"{epoch:.0f}"
    found = {k.removeprefix("val/"): float(v) for k, v in metrics.items() if k.startswith("val/")}
    return (
        f"epoch {count.removesuffix('.0')}: loss {loss:.4g}, validation {found['loss']:.4g}; "
        f"AuC over grey {found['raw_gain']:+.2f} raw, {found['balanced_gain']:+.2f} balanced; "
        f"CIEDE2000 {found['ciede2000']:.2f} ({found['ciede2000_over_grey']:+.2f} to grey); "
        f"colourfulness {found['colorfulness']:.2f} of the truth's"
    )


class Watching(Callback):
    """Tells the progress twice a second at most.

    Args:
        tell: called with it, in the first process only.
        batch: crops per batch.
    """

    def __init__(self, tell: Callable[[Progress], None], batch: int) -> None:
        self.tell, self.batch = tell, batch
        self._at, self._step = 0.0, 0
        self._step_time = self._loss = math.nan

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any
    ) -> None:
        assert isinstance(module, RunModule)
        now, step = time.monotonic(), trainer.global_step
        if not trainer.is_global_zero or now - self._at < _EVERY:
            return
        loss = float(outputs["loss"])
        if self._at:  # the first step, which compiles, tells nothing of the rate
            steps, passed = step - self._step, now - self._at
            part = 1 - math.exp(-passed / _WINDOW)
            self._step_time = _mixed(self._step_time, passed / steps, part)
            self._loss = _mixed(self._loss, loss, part)
        self._at, self._step = now, step
        rate = self.batch * trainer.world_size / self._step_time
        left = None if math.isnan(rate) else self._left(trainer, module)
        self.tell(Progress(step, module.done, rate, self._loss, left))

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        self._at, self._step = time.monotonic(), trainer.global_step  # it is no slow step

    def _left(self, trainer: Trainer, module: RunModule) -> float:
        if module.plan.minutes is not None:
            return max(0.0, 60 * module.plan.minutes - module.seconds)
        assert module.plan.steps is not None
        steps = module.plan.steps / trainer.world_size - trainer.global_step
        return max(0.0, steps * self._step_time)


def _mixed(old: float, new: float, part: float) -> float:
    return new if math.isnan(old) else old + part * (new - old)
