"""A whole run: what it leaves, what it starts from, what it is measured on, and when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("lightning", "timm", "onnxscript", "matplotlib", "safetensors"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

from safetensors.torch import load_file, save_file  # noqa: E402

from photochrom.models import Model  # noqa: E402
from photochrom.training.data.cache import Cache  # noqa: E402
from photochrom.training.data.crops import centre_square, split  # noqa: E402
from photochrom.training.data.lab import srgb_to_lab  # noqa: E402
from photochrom.training.loop.callbacks import Best  # noqa: E402
from photochrom.training.loop.history import read_history  # noqa: E402
from photochrom.training.network.color_network import ColorNetwork  # noqa: E402
from photochrom.training.network.plain import PlainNetwork  # noqa: E402
from photochrom.training.network.weights import write_network  # noqa: E402
from photochrom.training.run import train  # noqa: E402
from photochrom.training.run_options import Options, read_config  # noqa: E402
from tests.helpers.training_pictures import fill  # noqa: E402
from tests.helpers.training_runs import ENCODER, PLAIN, begun  # noqa: E402
from tests.training.conftest import Notes  # noqa: E402

pytestmark = pytest.mark.usefixtures("untrained_encoder")


@pytest.mark.slow
def test_what_a_run_leaves(finished_run: Path) -> None:
    folder = finished_run / "My Run"
    told = (finished_run / "log.txt").read_text("utf-8")
    assert told.count("\n2 left out, ") == 1
    assert "32 pictures can be used" in told
    assert "learning regions from 2 pictures" in told
    assert sorted(p.name for p in folder.iterdir()) == [
        "checkpoints",
        "curves.png",
        "logs",
        "model.onnx",
        "run.toml",
        "sheet.png",
        "weights.safetensors",
    ]
    card = Model(folder / "model.onnx").card
    assert (card.name, card.family, card.hints) == ("my-run", "photochrom", True)
    assert "streets" in card.data
    assert str(read_config(folder / "run.toml")["encoder"]) in card.title
    assert card.metrics["validation_pictures"] == 6
    weights = load_file(folder / "weights.safetensors")
    assert "regions.outer.weight" in weights
    assert not any("running_" in name for name in weights)  # norms are parts of convolutions
    assert [p.name for p in (folder / "checkpoints").iterdir()] == ["steady.ckpt"]
    assert "validation_loss" in card.metrics
    modes = {(folder / n).stat().st_mode for n in ("weights.safetensors", "run.toml")}
    assert len(modes) == 1  # those of any file of the user


@pytest.mark.slow
@pytest.mark.usefixtures("unfinished")
def test_a_run_from_a_whole_network_fine_tunes_it(data: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = ColorNetwork(ENCODER)
    write_network(network, tmp_path / "whole.safetensors")
    options = {"data": (str(data),), "encoder": ENCODER, "size": 32, "epochs": 1}
    notes = Notes()
    weights = (str(tmp_path / "whole.safetensors"),)
    train(options | {"weights": weights}, tmp_path / "tuned", watch=notes)
    assert "weights of whole.safetensors: all of its weights are taken" in notes.lines
    assert "fine-tuning: --lr 0.0001, --batch 16" in notes.lines
    stored = Options(**read_config(tmp_path / "tuned" / "run.toml"))
    assert (stored.lr, stored.batch) == (1e-4, 16)  # with which it would be resumed
    notes = Notes()
    encoder = {k: v for k, v in network.state_dict().items() if k.startswith("enc.")}
    save_file(encoder, tmp_path / "encoder.safetensors")
    options |= {"weights": (str(tmp_path / "encoder.safetensors"),), "batch": 2}
    train(options, tmp_path / "trained", watch=notes)
    assert any("logits (2)" in line for line in notes.lines)
    assert not any("fine-tuning" in line for line in notes.lines)


@pytest.mark.usefixtures("unfinished")
def test_whole_sources_are_held_out_and_measured_apart(data: Path, tmp_path: Path) -> None:
    for name, count in (("dev one", 3), ("dev two", 2)):
        fill(tmp_path / name, count)
    validation = tuple(str(tmp_path / name) for name in ("dev one", "dev two"))
    notes = Notes()
    options = begun(data, PLAIN | {"validation": validation, "epochs": 1})
    train(options, tmp_path / "run", watch=notes)
    (line,) = (line for line in notes.lines if line.startswith("training on"))
    assert line.startswith("training on 10 pictures, measured on 5 others")
    history = read_history(tmp_path / "run" / "logs" / "metrics.csv")
    figures = {"raw_gain", "balanced_gain", "ciede2000", "ciede2000_over_grey", "colorfulness"}
    for part in ("", "dev one/", "dev two/"):
        assert {f"val/{part}{name}" for name in figures} <= history.keys()


@pytest.mark.slow
@pytest.mark.usefixtures("unfinished")
def test_a_run_that_gets_no_better_ends_with_its_best(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses: list[float] = []

    def noted(best: Best, trainer: Any, module: Any) -> None:
        losses.append(float(trainer.callback_metrics["val/loss"]))
        real(best, trainer, module)

    real = Best.on_validation_end
    monkeypatch.setattr(Best, "on_validation_end", noted)
    notes = Notes()
    train(
        begun(data, PLAIN | {"patience": 2, "epochs": 20, "lr": 1e-3}),
        tmp_path / "run",
        watch=notes,
    )
    least = losses.index(min(losses))
    assert len(losses) == least + 3 < 20  # two validations without a lower loss
    told = [line for line in notes.lines if line.startswith("epoch ")]
    assert [f"validation {loss:.4g};" in line for loss, line in zip(losses, told, strict=True)]
    # What is kept are the averaged weights, which were measured.
    network = PlainNetwork()
    network.load_state_dict(load_file(tmp_path / "run" / "weights.safetensors"))
    cache = Cache(tmp_path / "run" / "pictures")
    lab = srgb_to_lab(centre_square(cache[int(split(cache, 0.1, 1)[1][0])], 32)[None])
    with torch.inference_mode():
        again = torch.nn.functional.mse_loss(network.eval()(lab[:, :1]), lab[:, 1:] / 128)
    assert float(again) == pytest.approx(min(losses), rel=1e-5)
