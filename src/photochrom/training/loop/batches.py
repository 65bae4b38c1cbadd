"""Batches of a run: crops, each determined by its step, and squares for validation."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader, Dataset, Sampler

from ..data.cache import Cache
from ..data.crops import CropBatches, centre_square, per_picture, split
from .plan import Plan

_ENDLESS = 10**9  # batches: a run of so many minutes ends before


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
        measured: most pictures that a validation looks at.

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
        measured: int = 2000,
    ) -> None:
        self.cache, self.plan, self.workers = cache, plan, workers
        if validation is None:
            self.train, aside = split(cache, plan.validation, plan.seed)
        else:
            self.train, aside = np.arange(len(cache)), np.arange(len(validation))
        held = cache if validation is None else validation
        every = np.linspace(0, len(aside) - 1, min(measured, len(aside))).astype(np.int64)
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

    @property
    def epoch(self) -> float:
        """Batches with as many crops as there are pictures to learn from."""
        return len(self.train) / self.plan.batch

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


def _leave_signals_alone(_: int) -> None:
    """Ctrl-C reaches all processes of a terminal, but only the first is to decide."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
