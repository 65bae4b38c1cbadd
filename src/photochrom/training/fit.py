"""One training run, from a cache of pictures to averaged weights: Lightning does the work."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import MLFlowLogger, TensorBoardLogger, WandbLogger
from torch.utils.data import DataLoader, Dataset, Sampler

from ..errors import PhotochromError
from .base import RunModule
from .cache import Cache
from .callbacks import Averaging, Best, Clock, Progress, Watching
from .checkpoints import Checkpoints, Requests, Stopped, WholeFiles
from .data import CropBatches, centre_square, per_picture, split
from .history import History
from .plan import Plan

LAST = Path("checkpoints", "last.ckpt")
"""The checkpoint, in the folder of a run."""
STEADY = LAST.with_name("steady.ckpt")
"""The one from before the learning rate fell; a run goes on from it to become longer."""
BEST = LAST.with_name("best.safetensors")
"""The weights with the least validation loss, of a run that stops early."""
HISTORY = Path("logs", "metrics.csv")
"""The losses and scores, in the folder of a run."""

_ENDLESS = 10**9  # batches: a run of so many minutes ends before
_MOST = 2000  # pictures that are looked at in a validation


def indices(first: int, steps: int, rank: int, world: int) -> range:
    """Numbers of the batches that one process of several sees.

    Args:
        first: steps done before.
        steps: of the whole run in each process.
        rank: of the process, 0...world - 1.
        world: number of processes.
    """
    return range(first * world + rank, steps * world, world)


class _Batches(Sampler[int]):
    """The batches still to see; its length is that of the whole run, which Lightning counts by."""

    def __init__(self, trainer: Trainer, batches: int) -> None:
        self.trainer, self.batches = trainer, batches

    def __len__(self) -> int:
        return -(-self.batches // self.trainer.world_size)

    def __iter__(self) -> Iterator[int]:
        at = self.trainer
        return iter(indices(at.global_step, len(self), at.global_rank, at.world_size))


class _Size:
    """Side of the crops of a batch, also in the processes that make the batches."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.done: torch.Tensor = torch.zeros(()).share_memory_()  # type: ignore[no-untyped-call]

    def __call__(self, batch: int) -> int:
        batches = self.plan.steps
        return self.plan.size_at(float(self.done) if batches is None else batch / batches)


class Batches:
    """What a run reads: its loaders of training and validation crops.

    Args:
        cache: the pictures.
        plan: of the run.
        scale: least and largest side of a crop, as part of the picture's short side.
        workers: processes that crop; 0: none beside the training itself.
        validation: pictures to measure it on; None: a part of `cache`, see `Plan.validation`.
        shares: part of the crops of every source of `cache`; None: each picture once per epoch.

    Attributes:
        train: numbers of the pictures in `cache` to learn from.
        squares: what is measured on.
        sets: names of the validation's sources.
    """

    def __init__(
        self,
        cache: Cache,
        plan: Plan,
        *,
        scale: tuple[float, float] = (0.6, 1.0),
        workers: int = 1,
        validation: Cache | None = None,
        shares: Sequence[float] | None = None,
    ) -> None:
        self.cache, self.plan, self.workers = cache, plan, workers
        if validation is None:
            self.train, aside = split(cache, plan.validation, plan.seed)
        else:
            self.train, aside = np.arange(len(cache)), np.arange(len(validation))
        held = cache if validation is None else validation
        every = np.linspace(0, len(aside) - 1, min(_MOST, len(aside))).astype(np.int64)
        self.squares = Squares(held, aside[every].tolist(), plan.final_size)
        self.sets = held.sources
        self.size = _Size(plan)
        self.crops = CropBatches(
            cache,
            self.train,
            size=self.size,
            batch=plan.batch,
            steps=_ENDLESS,
            seed=plan.seed,
            scale=scale,
            weights=None if shares is None else per_picture(cache, self.train, shares),
        )

    def training(self, trainer: Trainer) -> DataLoader[Any]:
        """Batches from the trainer's step on."""
        return DataLoader(
            self.crops,
            batch_size=None,
            sampler=_Batches(trainer, self.plan.steps or _ENDLESS),
            num_workers=self.workers,
            worker_init_fn=_leave_signals_alone,
            pin_memory=torch.cuda.is_available(),
        )

    def validating(self) -> DataLoader[Any]:
        """The centre squares of the pictures set aside, or of some of them if they are many."""
        return DataLoader(self.squares, batch_size=self.plan.batch)


class Squares(Dataset[tuple[torch.Tensor, int]]):
    """The centre squares of pictures: uint8 ``(3, size, size)``, and the number of the source."""

    def __init__(self, cache: Cache, numbers: Sequence[int], size: int) -> None:
        self.cache, self.numbers, self.size = cache, numbers, size

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, at: int) -> tuple[torch.Tensor, int]:
        number = self.numbers[at]
        return centre_square(self.cache[number], self.size), self.cache.source_of(number)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where and how a run is run; what it learns is the same.

    Attributes:
        device: as Lightning calls it: cpu, cuda, mps, ...; None: a GPU of NVIDIA if there is one.
        precision: as Lightning calls it: 32-true, bf16-mixed, 16-mixed, ...
        loggers: keys of `LOGGERS`.
        patience: validations without a better one after which the run ends, and its best weights
            are taken; 0: it runs to its end.
        validate_every: steps between two validations; None: 500, or fewer in a short run.
    """

    device: str | None = None
    precision: Any = "32-true"
    loggers: Sequence[str] = ("csv", "tensorboard")
    patience: int = 0
    validate_every: int | None = None


def fit(
    module: RunModule,
    batches: Batches,
    folder: Path,
    *,
    settings: Settings | None = None,
    resume: bool = False,
    say: Callable[[str], None] = lambda _: None,
    tell: Callable[[Progress], None] = lambda _: None,
    callbacks: Sequence[Callback] = (),
) -> None:
    """Train; afterwards the module holds the averaged weights.

    Args:
        module: what to train.
        batches: on what.
        folder: for checkpoints and logs.
        settings: where and how it is run.
        resume: whether to go on from the folder's last checkpoint, if there is one.
        say: called with lines for the user.
        tell: called with the progress, at most twice a second.
        callbacks: of Lightning, more of them.

    Raises:
        KeyboardInterrupt: the run was asked to stop; its state is kept if that was possible.
        PhotochromError: the disk is full, or Lightning cannot use this computer's devices.
    """
    plan, last, settings = module.plan, folder / LAST, settings or Settings()
    averaging = Averaging(plan.average)
    best = [Best(averaging, folder / BEST, settings.patience)] if settings.patience else []
    requests, files = Requests(), WholeFiles()
    with _quiet(), requests.listening(say), _explained(folder, requests):
        trainer = Trainer(
            accelerator=settings.device or ("cuda" if torch.cuda.is_available() else "cpu"),
            num_nodes=_nodes(),
            max_epochs=-1,
            precision=settings.precision,
            val_check_interval=settings.validate_every
            or (500 if plan.steps is None else max(1, min(500, plan.steps // 10))),
            check_val_every_n_epoch=None,
            num_sanity_val_steps=0,
            log_every_n_steps=10,
            use_distributed_sampler=False,  # our sampler knows of the other processes
            logger=_loggers(folder, settings.loggers, say),
            plugins=[files],
            callbacks=[
                averaging,
                LearningRateMonitor("step"),
                Clock(batches.size.done),
                Watching(tell, plan.batch),
                *best,
                *callbacks,
                Checkpoints(last, folder / STEADY, requests, files, say),
            ],
            enable_model_summary=False,
            enable_progress_bar=False,
        )
        module.to(memory_format=torch.channels_last)
        trainer.fit(
            module,
            batches.training(trainer),
            batches.validating(),
            ckpt_path=last if resume and last.is_file() else None,
        )


LOGGERS: dict[str, str] = {
    "csv": "History",
    "tensorboard": "TensorBoardLogger",
    "wandb": "WandbLogger",
    "mlflow": "MLFlowLogger",
}
"""Where a run's figures go, by name; csv always, and all but it by Lightning's loggers."""


def _loggers(folder: Path, names: Sequence[str], say: Callable[[str], None]) -> list[Any]:
    loggers: list[Any] = [History(folder / HISTORY, say)]
    for name in names:
        if name == "tensorboard" and importlib.util.find_spec("tensorboard"):
            loggers.append(TensorBoardLogger(folder, name="logs", version="tensorboard"))
        elif name == "wandb":
            loggers.append(WandbLogger(name=folder.name, save_dir=folder))
        elif name == "mlflow":
            loggers.append(MLFlowLogger(run_name=folder.name))
    return loggers


def _nodes() -> int:
    """Number of computers that torchrun or SLURM has started this run on."""
    slurm = os.environ.get("SLURM_NNODES") if SLURMEnvironment.detect() else None
    return int(os.environ.get("GROUP_WORLD_SIZE") or slurm or 1)


def _leave_signals_alone(_: int) -> None:
    """Ctrl-C reaches all processes of a terminal, but only the first is to decide."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _explained(folder: Path, requests: Requests) -> Iterator[None]:
    """What ends a run before its time, as the user is to see it."""
    try:
        yield
    except Stopped:
        raise KeyboardInterrupt from None
    except SystemExit:  # Lightning's answer to Ctrl-C and SIGTERM
        raise KeyboardInterrupt from None
    except OSError as error:
        raise PhotochromError(
            "the training cannot go on",
            expected=f"room in {folder} and a computer in order",
            got=error.strerror or str(error),
            fix="see to that, then go on with --resume",
        ) from error
    except MisconfigurationException as error:
        raise PhotochromError(
            "the training cannot begin",
            expected="devices that Lightning can use together",
            got=str(error),
            fix="start it with torchrun, or make one device visible with CUDA_VISIBLE_DEVICES",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's tips and remarks on what is meant to be as it is."""
    names = ("lightning.pytorch", "lightning.fabric", "lightning")
    with warnings.catch_warnings(), silent(logging.ERROR, *names):
        for message in (
            ".*does not have many workers.*",
            ".*is not resumable.*",
            ".*does not have `?_?lr_scheduler.*",
            ".*use of fork.*",
            "Checkpoint directory .* exists.*",
            ".*GPU available but not used.*",
            ".*LeafSpec.*",
            ".*in eval mode at the start of training.*",
            ".*WeightAveraging.*",
            ".*number of training batches .* is smaller than the logging interval.*",
            ".*Experiment logs directory.*",
        ):
            warnings.filterwarnings("ignore", message)
        yield


@contextmanager
def silent(level: int, *names: str) -> Iterator[None]:
    """Without what these packages log below `level`."""
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(level)
    try:
        yield
    finally:
        for name, old in before.items():
            logging.getLogger(name).setLevel(old)
