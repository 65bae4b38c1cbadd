"""The documented command, from an empty folder to figures, killed on the way.

It is killed after its training; `test_run.py` kills a run in its training.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.cli_model import invoke
from tests.helpers.training_pictures import fill

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("lightning", "timm", "onnxscript", "matplotlib", "safetensors"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

from safetensors.torch import save_file  # noqa: E402

from photochrom.models import Model  # noqa: E402
from photochrom.training.network.color_network import ColorNetwork  # noqa: E402

ENCODER = "test_resnet"  # of timm: few layers


def write_encoder(path: str) -> None:
    torch.manual_seed(0)
    state = ColorNetwork(ENCODER).state_dict()
    save_file({name: each for name, each in state.items() if name.startswith("enc.")}, path)


def photochrom(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "photochrom", *map(str, arguments)]


def killed_at_a_line(command: list[str], line: str) -> None:
    """Start it, in a session of its own, and kill all of that as soon as it writes a line."""
    log, end = Path("log.txt"), time.monotonic() + 300
    with log.open("w") as lines:
        process = subprocess.Popen(command, stderr=lines, start_new_session=True)
    while line not in log.read_text():
        assert process.poll() is None, f"it ended before: {log.read_text()}"
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills by signals")
def test_from_an_empty_folder_to_figures_killed_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    fill(Path("streets"), 24)
    fill(Path("portraits"), 8)
    fill(Path("holidays"), 6)
    write_encoder("encoder.safetensors")
    command = photochrom(
        *("train", "streets", "portraits", "--validation", "holidays", "--minutes", "0.1"),
        *("--weights", "encoder.safetensors", "--encoder", ENCODER, "--size", 32, "--batch", 4),
        *("-o", "bundled"),
    )
    again = photochrom("train", "--resume", "-o", "bundled")
    killed_at_a_line(command, "writing the model")
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
    evaluate = ("evaluate", "holidays", "streets", "--limit", 4, "--size", 64)
    measured = invoke(*evaluate, "-m", "bundled/model.onnx", "--json")
    assert measured.exit_code == 0, measured.stderr
    sets = json.loads(measured.stdout)["sets"]
    assert [(each["name"], each["pictures"]) for each in sets] == [("holidays", 4), ("streets", 4)]
    assert [score["name"] for score in sets[0]["scores"]] == ["grey", "mean colour", "model"]
