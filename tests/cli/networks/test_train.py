"""``photochrom train``."""

from __future__ import annotations

import hashlib
import importlib
import pickle
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.cli_model import check_mistake, invoke, is_coloured, write_picture

pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("lightning", "timm", "torchvision", "onnxscript", "matplotlib", "safetensors"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

import numpy as np  # noqa: E402
from torchvision.datasets import CIFAR10  # noqa: E402

from photochrom.training import run as running  # noqa: E402
from photochrom.training.loop.callbacks import Progress  # noqa: E402
from tests.helpers.training_pictures import colours, fill  # noqa: E402


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOCHROM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def write_cifar(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of CIFAR-10, of the same form but with few pictures; torchvision takes them."""
    base = folder / CIFAR10.base_folder
    base.mkdir(parents=True)

    def write(name: str, values: dict[str, Any]) -> list[str]:
        data = pickle.dumps(values)
        (base / name).write_bytes(data)
        return [name, hashlib.md5(data, usedforsecurity=False).hexdigest()]

    def batch(number: int) -> dict[str, Any]:
        pictures = [colours(32, 32, 8 * number + k).transpose(2, 0, 1).ravel() for k in range(8)]
        return {"data": np.stack(pictures), "labels": [0] * 8}

    names = [f"data_batch_{number}" for number in range(1, 6)]
    lists = [write(name, batch(number)) for number, name in enumerate(names)]
    monkeypatch.setattr(CIFAR10, "train_list", lists)
    monkeypatch.setattr(CIFAR10, "test_list", [write("test_batch", batch(5))])
    meta = write("batches.meta", {"label_names": ["thing"]})
    monkeypatch.setattr(
        CIFAR10, "meta", {"filename": meta[0], "key": "label_names", "md5": meta[1]}
    )


@pytest.mark.slow
def test_from_cifar_to_a_coloured_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar(tmp_path / "home" / "datasets", monkeypatch)
    done = invoke("train", "--preset", "plain", "--data", "cifar10", "--epochs", 4, "-o", "mine")
    assert done.exit_code == 0, done.stderr
    assert "40 pictures can be used" in done.stderr
    assert done.stdout.splitlines()[-1] == (
        "mine/model.onnx is ready: photochrom colorize --model mine/model.onnx picture.jpg"
    )
    picture = write_picture(tmp_path / "old.png", 200, 120)
    done = invoke("colorize", "--model", "mine/model.onnx", picture, "--vividness", 4)
    assert done.exit_code == 0, done.stderr
    assert is_coloured(tmp_path / "old-color.png")
    done = invoke("train", "--resume", "-o", "mine")
    assert done.exit_code == 0
    assert "the run is finished" in done.stderr


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    fill(tmp_path / "set", 3)
    check_mistake(invoke("train"), "nothing to train on")
    check_mistake(invoke("train", "nowhere", "--preset", "plain"), "nowhere")
    check_mistake(invoke("train", "set", "--preset", "none"), "photochrom or plain")
    check_mistake(invoke("train", "set", "--minutes", 1, "--epochs", 1), "both")
    check_mistake(invoke("train", "set", "--size", 50), "multiple of 32")
    check_mistake(invoke("train", "set", "--batch", 1), "batch")
    check_mistake(invoke("train", "set", "--epochs", 0), "--epochs")
    check_mistake(invoke("train", "--resume", "-o", "set"), "no run to resume")
    check_mistake(invoke("train", "set", "-o", "set"), "new or empty")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set"]


def test_ctrl_c_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "train", stopped)
    done = invoke("train", "set", "-o", "mine")
    assert done.exit_code == 130
    assert done.stderr == "photochrom: stopped; to go on: photochrom train --resume -o mine\n"


def test_without_a_terminal_there_is_a_line_a_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command: Any = importlib.import_module("photochrom.cli.networks.train")
    monkeypatch.setattr(command, "_SELDOM", 0.0)
    with command._watching() as watch:
        watch.pictures(64, 640)
        watch.step(Progress(12, 0.25, 31.4, 2.71828, 3671.0))
        watch.step(Progress(1, 0.0, float("nan"), float("nan"), None))
        monkeypatch.setattr(command, "_SELDOM", 60.0)
        watch.step(Progress(13, 0.26, 31.4, 2.7, 3600.0))
    assert capsys.readouterr().err.splitlines() == [
        "10%: 64/640 pictures",
        "25%: step 12, 31 crops/s, loss 2.7183, 1:01:11 left",
        "0%: step 1",
    ]
