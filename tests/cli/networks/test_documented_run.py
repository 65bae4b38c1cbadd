"""The documented command, from an empty folder to figures, killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.training_pictures import fill

pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("lightning", "timm", "onnxscript", "matplotlib", "safetensors"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

from photochrom.models import Model  # noqa: E402

ENCODER = "test_resnet"  # of timm: few layers
WRITE_ENCODER = f"""
import sys, torch
from safetensors.torch import save_file
from photochrom.training.network.color_network import ColorNetwork
torch.manual_seed(0)
state = ColorNetwork("{ENCODER}").state_dict()
save_file({{k: v for k, v in state.items() if k.startswith("enc.")}}, sys.argv[1])
"""


def photochrom(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "photochrom", *map(str, arguments)]


def killed_when(command: list[str], log: Path, reached: Callable[[], bool]) -> None:
    """Start it, in a session of its own, and kill all of that as soon as something is reached."""
    with log.open("w") as lines:
        process = subprocess.Popen(command, stderr=lines, start_new_session=True)
    end = time.monotonic() + 300
    while not reached():
        assert process.poll() is None, f"it ended before: {log.read_text()}"
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills by signals")
def test_from_an_empty_folder_to_figures_killed_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    fill(Path("streets"), 24)
    fill(Path("portraits"), 8)
    fill(Path("holidays"), 6)
    subprocess.run([sys.executable, "-c", WRITE_ENCODER, "encoder.safetensors"], check=True)
    command = photochrom(
        *("train", "streets", "portraits", "--validation", "holidays", "--minutes", "0.6"),
        *("--weights", "encoder.safetensors", "--encoder", ENCODER, "--size", 32, "--batch", 4),
        *("-o", "bundled"),
    )
    again = photochrom("train", "--resume", "-o", "bundled")
    last, log = Path("bundled/checkpoints/last.ckpt"), Path("log.txt")
    killed_when(command, log, last.is_file)  # in the training
    assert not Path("bundled/model.onnx").exists()
    killed_when(again, log, lambda: "writing the model" in log.read_text())  # in the last phase
    assert Path("bundled/weights.safetensors").is_file()
    assert not Path("bundled/model.onnx").exists()
    done = subprocess.run(again, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "calibrated on 6 pictures" in done.stderr
    card = Model(Path("bundled/model.onnx")).card
    assert card.metrics["validation_pictures"] == 6
    left = {path.name for path in Path("bundled").iterdir()}
    assert {"model.onnx", "weights.safetensors", "curves.png", "sheet.png", "run.toml"} <= left
    assert not {"pictures", "validation", ".lock"} & left
    evaluate = photochrom("evaluate", "holidays", "streets", "--limit", 4, "--size", 64)
    done = subprocess.run(
        [*evaluate, "-m", "bundled/model.onnx", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sets = json.loads(done.stdout)["sets"]
    assert [(each["name"], each["pictures"]) for each in sets] == [("holidays", 4), ("streets", 4)]
    assert [score["name"] for score in sets[0]["scores"]] == ["grey", "mean colour", "model"]
