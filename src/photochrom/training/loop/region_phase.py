"""Training of a network's region head, after its colours: all else of it stays as it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..._io import replacing
from ..data.ageing import age
from ..data.lab import srgb_to_lab
from ..data.region_maps import RegionPictures
from ..network.color_network import ColorNetwork
from ..objective.regions import Pairs, RegionLoss, ranking
from .callbacks import Progress
from .checkpoints import EVERY

STEPS, PASSES = 1500, 20
"""Longest that the phase is, in batches and in times that each picture is seen."""

BATCH = 4
"""Crops per batch."""

_RATE, _DECAY, _WARM_UP, _CLIP = 1e-3, 0.02, 50, 1.0
_ASIDE, _MOST_ASIDE = 0.1, 200  # of the pictures, that are measured on; at most so many
_TRAINING, _MEASURING, _SPLIT = 11, 12, 13  # streams of random numbers


class RegionPhase:
    """Trains the region head of a network on pictures with region maps.

    Half of the crops are aged. AdamW, with a rate that rises over 50 steps and falls along half a
    cosine. A tenth of the pictures, 200 at most, are set aside to be measured on.

    Args:
        network: in evaluation mode; gets a head, or goes on with the one that it has. None of its
            weights need a gradient afterwards.
        pictures: two or more.
        checkpoint: file of the phase's state; where it exists the phase goes on from it.
        size: side of the crops, a multiple of 32.
        minutes: ends the phase before these.
        seed: of everything random.
        bfloat16: whether the network, which does not learn, computes with bfloat16.
    """

    def __init__(
        self,
        network: ColorNetwork,
        pictures: RegionPictures,
        checkpoint: Path,
        *,
        size: int,
        minutes: float | None = None,
        seed: int = 1,
        bfloat16: bool = False,
    ) -> None:
        self.network, self.pictures, self.checkpoint = network, pictures, checkpoint
        self.size, self.seed, self.bfloat16 = size, seed, bfloat16
        self.length = min(STEPS, -(-PASSES * len(pictures) // BATCH))
        self.limit = math.inf if minutes is None else 60 * minutes
        self.device = next(network.parameters()).device
        network.requires_grad_(False)
        self.head, self.loss = network.add_region_head().to(self.device), RegionLoss()
        groups: list[dict[str, Any]] = [
            {"params": list(self.head.parameters())},
            {"params": list(self.loss.parameters()), "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=_RATE, weight_decay=_DECAY)
        self.steps, self.seconds = 0, 0.0
        order = np.random.default_rng((seed, _SPLIT)).permutation(len(pictures))
        held = max(1, min(round(_ASIDE * len(pictures)), _MOST_ASIDE))
        self.held, self.learnt = order[:held], order[held:]
        if checkpoint.is_file():
            self._restore()

    @property
    def done(self) -> float:
        """How much of the phase is over, 0...1."""
        return min(1.0, max(self.steps / self.length, self.seconds / self.limit))

    def run(self, tell: Callable[[Progress], None] = lambda _: None) -> None:
        """Train to the end of the phase, with a checkpoint every three minutes and at the end.

        Args:
            tell: called with the progress after each step.

        Raises:
            ArgumentError: a picture or its map cannot be used.
        """
        self.head.requires_grad_(True)
        first, start = self.steps, time.monotonic() - self.seconds
        begun = kept = time.monotonic()
        while self.done < 1:
            loss = self._step()
            now = time.monotonic()
            self.steps, self.seconds = self.steps + 1, now - start
            each = (now - begun) / (self.steps - first)
            left = min((self.length - self.steps) * each, self.limit - self.seconds)
            tell(Progress(self.steps, self.done, BATCH / each, loss, max(0.0, left)))
            if now - kept >= EVERY or self.done == 1:
                self._keep()
                kept = now
        self.head.requires_grad_(False)

    @torch.no_grad()
    def ranking(self) -> float | None:
        """`objective.regions.ranking` on crops of the pictures set aside, or None if none tells."""
        found = []
        for at in range(0, len(self.held), BATCH):
            vectors, pairs = self._seen(self.held[at : at + BATCH], (_MEASURING, at))
            each = [ranking(v, p) for v, p in zip(vectors, pairs, strict=True)]
            found += [value for value in each if value is not None]
        return sum(found) / len(found) if found else None

    def _step(self) -> float:
        random = np.random.default_rng((self.seed, _TRAINING, self.steps))
        vectors, pairs = self._seen(random.choice(self.learnt, BATCH), (_TRAINING, self.steps))
        falling = 0.5 * (1 + math.cos(math.pi * self.done))
        for group in self.optimizer.param_groups:
            group["lr"] = _RATE * min(1.0, (self.steps + 1) / _WARM_UP) * falling
        self.optimizer.zero_grad()
        loss: Tensor = self.loss(vectors, pairs)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.head.parameters(), _CLIP)
        self.optimizer.step()
        return float(loss.detach())

    def _seen(
        self, numbers: NDArray[np.int64], stream: tuple[int, int]
    ) -> tuple[Tensor, list[Pairs]]:
        """Vectors ``(N, C, h, w)`` of random crops of pictures, and pairs; both on the CPU."""
        source = np.random.default_rng((self.seed, *stream, 1))
        rgb, labels = self.pictures.crops(numbers.tolist(), self.size, source)
        random = torch.Generator().manual_seed(int(source.integers(2**62)))
        training = stream[0] == _TRAINING
        L = (age(rgb, random) if training else srgb_to_lab(rgb)[:, :1]).to(self.device)
        none = L.new_zeros(len(L), 2, *L.shape[2:])
        with torch.autocast(L.device.type, torch.bfloat16, enabled=self.bfloat16):
            regions = self.network(L, none, torch.zeros_like(L)).regions
        return regions.float().cpu(), [Pairs(each, random) for each in labels]

    def _keep(self) -> None:
        state = {
            "steps": self.steps,
            "seconds": self.seconds,
            "head": self.head.state_dict(),
            "loss": self.loss.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.checkpoint) as temporary:
            torch.save(state, temporary)

    def _restore(self) -> None:
        state: dict[str, Any] = torch.load(self.checkpoint, map_location=self.device)
        self.steps, self.seconds = state["steps"], state["seconds"]
        self.head.load_state_dict(state["head"])
        self.loss.load_state_dict(state["loss"])
        self.optimizer.load_state_dict(state["optimizer"])
