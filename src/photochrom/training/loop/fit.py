"""One training run with Lightning, from a cache of pictures to averaged weights."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import LearningRateMonitor

from ...errors import PhotochromError, reason
from .batches import Batches
from .callbacks import Averaging, Best, Clock, Figures, Progress, Watching
from .checkpoints import Checkpoints, Requests, Stopped, WholeFiles
from .history import open_loggers
from .plan import Plan
from .run_module import RunModule

LAST = Path("checkpoints", "last.ckpt")
"""The checkpoint, in the folder of a run."""
STEADY = LAST.with_name("steady.ckpt")
"""The one from before the learning rate fell; a run goes on from it to become longer."""
BEST = LAST.with_name("best.safetensors")
"""The weights with the least validation loss, of a run that stops early."""
HISTORY = Path("logs", "metrics.csv")
"""The losses and scores, in the folder of a run."""

_OFTEN = 500  # steps
# Length of a run from which on compiling pays: minutes, steps. On a CPU it takes one to eight
# minutes, and a step then 0.92 of its time (docs/notes/training-log.md).
_PAYS = {"cpu": (120.0, 4000), "cuda": (30.0, 1000)}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where and how a run is run; what it learns is the same.

    Attributes:
        device: as Lightning calls it: cpu, cuda, mps, ...; None: a GPU of NVIDIA if there is one.
        precision: as Lightning calls it: 32-true, bf16-mixed, 16-mixed, ...
        loggers: of `history.LOGGERS`.
        patience: validations without a better one after which the run ends, and its best weights
            are taken; 0: it runs to its end.
        validate_every: steps between two validations; None: see `interval`.
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
            val_check_interval=settings.validate_every or interval(plan, batches.epoch),
            check_val_every_n_epoch=None,
            num_sanity_val_steps=0,
            log_every_n_steps=10,
            use_distributed_sampler=False,  # our sampler knows of the other processes
            logger=open_loggers(folder / HISTORY, settings.loggers, say),
            plugins=[files],
            callbacks=[
                averaging,
                LearningRateMonitor("step"),
                Clock(batches.size.done),
                Watching(tell, plan.batch),
                Figures(say, len(batches.train)),
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


def interval(plan: Plan, epoch: float) -> int | timedelta:
    """How often a run is validated: after each epoch, or `_OFTEN` steps if that is less.

    A run of so many minutes is validated by the clock: six times, or every 20 minutes.
    """
    if plan.minutes is not None:
        return timedelta(minutes=min(plan.minutes / 6, 20))
    return max(1, min(round(epoch), _OFTEN))


def _nodes() -> int:
    """Number of computers that torchrun or SLURM has started this run on."""
    slurm = os.environ.get("SLURM_NNODES") if SLURMEnvironment.detect() else None
    return int(os.environ.get("GROUP_WORLD_SIZE") or slurm or 1)


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
            got=reason(error),
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


def compiling_pays(plan: Plan, say: Callable[[str], None]) -> bool:
    """Whether a run is long enough for ``torch.compile``, and it works; `say` if it takes long."""
    minutes, steps = _PAYS["cuda" if torch.cuda.is_available() else "cpu"]
    long = plan.minutes >= minutes if plan.minutes is not None else (plan.steps or 0) >= steps
    if not long or not _has_compiler() or not _works():
        return False
    say("compiling the network at the first step, which takes minutes")
    return True


def _has_compiler() -> bool:
    if torch.cuda.is_available():
        return importlib.util.find_spec("triton") is not None
    named = os.environ.get("CXX")
    return any(shutil.which(name) for name in (named, "g++", "clang++", "cl") if name)


def _works() -> bool:
    """Whether a tiny function compiles; headers may be missing, for example."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.compile(_tiny)(torch.ones(64, device=device))
    except Exception:  # of many kinds; without it training works, only slower
        return False
    return True


def _tiny(x: torch.Tensor) -> torch.Tensor:
    return x.sin() + 1
