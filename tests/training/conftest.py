"""A finished run of the preset photochrom: exporting its network takes most of a test's time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Once

if TYPE_CHECKING:
    from photochrom.training.loop.callbacks import Progress
    from photochrom.training.network.color_network import ColorNetwork

ENCODER = "mobilenetv3_small_050"
ABSENT = ("1.1", "2.1", "2.2", "3.1", "4.1", "4.2")
"""Blocks of the encoder that the network does without: each operation takes time to export."""


@dataclass
class Notes:
    """Remembers what a run told."""

    lines: list[str] = field(default_factory=list)
    steps: list[Progress] = field(default_factory=list)
    counts: list[tuple[int, int]] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.lines.append(line)

    def pictures(self, done: int, total: int) -> None:
        self.counts.append((done, total))

    def step(self, progress: Progress) -> None:
        self.steps.append(progress)


@pytest.fixture(scope="session")
def finished_run(once: Once) -> Path:
    """A folder with the run ``My Run`` and its pictures, ``mixed``.

    Beside it are ``lines.json``, what it told, and ``exported.safetensors``, the network whose
    export is the run's model; to its weights the last choices after training are added.
    """
    return once("finished run", _finish)


def _finish(folder: Path) -> None:
    from photochrom.models import Card
    from photochrom.training.network.weights import write_network
    from photochrom.training.presets import Photochrom
    from photochrom.training.run import train
    from tests.helpers.training_pictures import fill, fill_regions

    class Recipe(Photochrom):
        def export(self, network: ColorNetwork, card: Card, output: Path) -> None:
            write_network(network, folder / "exported.safetensors")
            super().export(network, card, output)

    mixed, notes = folder / "mixed", Notes()
    fill(mixed, 8)
    fill_regions(folder / "regions", 2)
    (mixed / "broken.jpg").write_bytes(b"\xff\xd8\xff and nothing")
    (mixed / "empty.png").write_bytes(b"")
    write_network(_network(), folder / "start.safetensors")
    options = {
        "data": (str(mixed),),
        "regions": (str(folder / "regions"),),
        "weights": (str(folder / "start.safetensors"),),
        "encoder": ENCODER,
        "size": 32,
        "batch": 2,
        "epochs": 2,
        "workers": 0,
    }
    train(options, folder / "My Run", watch=notes, recipe=Recipe())
    (folder / "lines.json").write_text(json.dumps(notes.lines), encoding="utf-8")


def _network() -> ColorNetwork:
    """With norms that have seen something, and no layer that does nothing."""
    import torch

    from photochrom.training.network.color_network import ColorNetwork

    torch.manual_seed(2)
    network = ColorNetwork(ENCODER, without=[f"blocks.{name}" for name in ABSENT]).eval()
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.is_floating_point() and name not in ("mean", "std"):
            tensor.add_(torch.randn(tensor.shape) / 16)
    return network
