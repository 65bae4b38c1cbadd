"""The documented run of training, killed on the way and resumed: one for all tests that need one.

Exporting its network takes most of its time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.cli_model import invoke
from tests.helpers.training_pictures import fill, fill_regions

if TYPE_CHECKING:
    from photochrom.models import Card
    from photochrom.training.network.color_network import ColorNetwork

ENCODER = "test_efficientnet"  # of timm: few layers, with groups of channels and gates


def finish(folder: Path) -> None:
    """Train ``My Run`` on ``streets`` and ``portraits``, measured on ``holidays``.

    It is killed after its training, before its model is there, and resumed. Beside it are
    ``log.txt``, what it told, and ``exported.safetensors``, the network whose export is the run's
    model; to its weights the last choices after training are added.
    """
    folder.mkdir()
    fill(folder / "streets", 24)
    fill(folder / "portraits", 8)
    (folder / "portraits/broken.jpg").write_bytes(b"\xff\xd8\xff and nothing")
    (folder / "portraits/empty.png").write_bytes(b"")
    fill(folder / "holidays", 6)
    fill_regions(folder / "regions", 2)
    _write_start(folder / "start.safetensors")
    command = (
        *("train", "streets", "portraits", "--validation", "holidays", "--minutes", "0.03"),
        *("--regions", "regions"),
        *("--weights", "start.safetensors", "--encoder", ENCODER, "--size", "32", "--batch", "4"),
        *("-o", "My Run"),
    )
    log = _killed_at_a_line(folder, command, "writing the model")
    assert (folder / "My Run/weights.safetensors").is_file()
    assert not (folder / "My Run/model.onnx").exists()
    (folder / "log.txt").write_text(log + _resumed(folder), encoding="utf-8")


def _killed_at_a_line(folder: Path, command: tuple[str, ...], line: str) -> str:
    """Start it, in a session of its own, and kill all of that as soon as it writes a line."""
    log, end = folder / "killed.txt", time.monotonic() + 300
    with log.open("w") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "photochrom", *command],
            stderr=lines,
            cwd=folder,
            start_new_session=True,
        )
    while line not in log.read_text("utf-8"):
        assert process.poll() is None, f"it ended before: {log.read_text('utf-8')}"
        assert time.monotonic() < end, log.read_text("utf-8")
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    return log.read_text("utf-8")


def _resumed(folder: Path) -> str:
    """Go on with the run, by its command in this process."""
    from photochrom.training.network.weights import write_network
    from photochrom.training.presets import Photochrom

    export = Photochrom.export

    def noted(self: Photochrom, network: ColorNetwork, card: Card, output: Path) -> None:
        write_network(network, folder / "exported.safetensors")
        export(self, network, card, output)

    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setattr(Photochrom, "export", noted)
        done = invoke("train", "--resume", "-o", "My Run")
    assert done.exit_code == 0, done.stderr
    return str(done.stderr)


def _write_start(path: Path) -> None:
    """A network in which no layer does nothing."""
    import torch

    from photochrom.training.network.color_network import ColorNetwork
    from photochrom.training.network.weights import write_network

    torch.manual_seed(2)
    network = ColorNetwork(ENCODER).eval()
    for name, tensor in network.state_dict().items():
        if name not in ("mean", "std"):
            tensor.add_(torch.randn(tensor.shape) / 48)
    write_network(network, path)
