"""Checkpoints: written whole or not at all, every few minutes and when the run is stopped."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from ..._io import replacing
from .run_module import RunModule

EVERY = 180.0
"""Seconds between two checkpoints."""

_FIRST = 20.0  # seconds until the first one

_FULL = 2**30  # bytes free; more than a checkpoint takes


class Stopped(Exception):  # noqa: N818  (no error)
    """The run was asked to stop, and has kept what it had if it could."""


class WholeFiles(TorchCheckpointIO):
    """Writes a checkpoint beside the earlier one and then puts it in its place.

    Attributes:
        problem: why the last one could not be written; None if it was.
    """

    def __init__(self) -> None:
        super().__init__()
        self.problem: str | None = None

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        # Nothing is raised, because the other processes of the run wait for this one after it.
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            with replacing(Path(path)) as temporary:
                torch.save(checkpoint, temporary)
                with temporary.open("rb+") as file:
                    os.fsync(file.fileno())
        except (OSError, RuntimeError) as error:  # a full disk is a RuntimeError of PyTorch's
            reason = error.strerror if isinstance(error, OSError) else None
            if reason is None and shutil.disk_usage(Path(path).parent).free < _FULL:
                reason = "the disk is full"
            self.problem = reason or str(error).splitlines()[0]
        else:
            self.problem = None


class Requests:
    """Whether the run was asked to stop, by Ctrl-C or SIGTERM; a second Ctrl-C does not wait."""

    def __init__(self) -> None:
        self.stop = False

    @contextmanager
    def listening(self, say: Callable[[str], None]) -> Iterator[None]:
        """While this is open signals are noted, if this is the main thread; others get none."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, _: Any) -> None:
            if self.stop and number == signal.SIGINT:
                raise KeyboardInterrupt
            if not self.stop:
                say("stopping after this step; Ctrl-C again stops at once")
            self.stop = True

        before = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Checkpoints(Checkpoint):
    """Keeps the last state of the run in one file, and in another that before its cooldown.

    Lightning calls callbacks of this kind after all others, so that the average is up to date.

    Args:
        path: the file.
        steady: the file for the last state with the whole learning rate, from which the run can
            be made longer.
        requests: to stop; then a checkpoint is written at once.
        files: that writes it.
        say: tells that one could not be written.
        every: seconds between two of them.
    """

    def __init__(
        self,
        path: Path,
        steady: Path,
        requests: Requests,
        files: WholeFiles,
        say: Callable[[str], None],
        every: float = EVERY,
    ) -> None:
        self.path, self.steady, self.requests = path, steady, requests
        self.files, self.say, self.every = files, say, every
        self._next = 0.0

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self._next = time.monotonic() + min(self.every, _FIRST)

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        assert isinstance(module, RunModule)
        if module.done >= 1 - module.plan.cooldown and not self.steady.is_file():
            trainer.save_checkpoint(self.steady)
        if module.done >= 1:
            return  # the weights are kept next
        stop = trainer.strategy.reduce_boolean_decision(self.requests.stop, all=False)
        if not trainer.strategy.broadcast(stop or time.monotonic() >= self._next):
            return
        trainer.save_checkpoint(self.path)
        self._next = time.monotonic() + self.every
        if self.files.problem and trainer.is_global_zero:
            kept = "the earlier one is kept" if self.path.is_file() else "there is no earlier one"
            self.say(f"a checkpoint could not be written ({self.files.problem}); {kept}")
        if stop:
            raise Stopped
