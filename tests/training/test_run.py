"""A whole run: killed and resumed, on damaged files, on a full disk, by several processes."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("lightning", "timm", "onnxscript", "matplotlib", "safetensors"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

import timm  # noqa: E402
from lightning.pytorch import Callback  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from photochrom.errors import ArgumentError, DownloadError, PhotochromError  # noqa: E402
from photochrom.models import Model  # noqa: E402
from photochrom.training import presets  # noqa: E402
from photochrom.training import run as running  # noqa: E402
from photochrom.training.data.cache import Cache  # noqa: E402
from photochrom.training.data.crops import aside, centre_square, split  # noqa: E402
from photochrom.training.data.lab import srgb_to_lab  # noqa: E402
from photochrom.training.loop import fit as fitting  # noqa: E402
from photochrom.training.loop.callbacks import Best  # noqa: E402
from photochrom.training.loop.checkpoints import Stopped  # noqa: E402
from photochrom.training.loop.fit import LAST, STEADY  # noqa: E402
from photochrom.training.loop.history import read_history  # noqa: E402
from photochrom.training.network.color_network import ColorNetwork  # noqa: E402
from photochrom.training.network.plain import PlainNetwork  # noqa: E402
from photochrom.training.network.weights import write_network  # noqa: E402
from photochrom.training.presets import PRESETS  # noqa: E402
from photochrom.training.run import train  # noqa: E402
from photochrom.training.run_folder import alone  # noqa: E402
from photochrom.training.run_options import Options, read_config  # noqa: E402
from photochrom.training.run_plan import plan_of  # noqa: E402
from tests.helpers.training_pictures import fill, fill_regions  # noqa: E402
from tests.training.conftest import Notes  # noqa: E402

ENCODER = "test_resnet"  # of timm: few layers, of which the export is slow
SHORT = {"size": 32, "batch": 2, "epochs": 2, "loggers": ("csv",)}
SMALL = {"preset": "photochrom", "encoder": ENCODER} | SHORT
PLAIN = {"preset": "plain"} | SHORT


class StopAfter(Callback):
    """Ends a run at a step as if somebody had pressed Ctrl-C."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == self.step - 1:
            (checkpoints,) = (c for c in trainer.callbacks if hasattr(c, "requests"))
            checkpoints.requests.stop = True


@pytest.fixture(autouse=True)
def untrained_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is downloaded, and no process is forked."""
    create = timm.create_model

    def offline(name: str, *, pretrained: bool = False, **options: Any) -> Any:
        return create(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    monkeypatch.setattr(running, "_workers", lambda _: 0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "pictures"
    fill(folder, 10)
    return folder


def begun(data: Path, options: dict[str, Any]) -> dict[str, Any]:
    return {"data": (str(data),), **options}


@contextmanager
def stopped_after(step: int) -> Iterator[pytest.MonkeyPatch]:
    """A run in here stops after that step, and says so."""

    def fit(*given: Any, callbacks: Sequence[Any], **options: Any) -> None:
        fitting.fit(*given, callbacks=[*callbacks, StopAfter(step)], **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(running, "fit", fit)
        with pytest.raises(KeyboardInterrupt):
            yield patched


@pytest.fixture
def unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures and export, which take seconds, are left out."""

    def finish(*arguments: Any) -> None:
        arguments[-1].say("writing the model")
        (arguments[-2] / "model.onnx").touch()

    monkeypatch.setattr(running, "_finish", finish)


@pytest.mark.slow
@pytest.mark.usefixtures("unfinished")
@pytest.mark.parametrize(("options", "step"), [(SMALL, 3), (PLAIN, 5)], ids=["photochrom", "plain"])
def test_a_stopped_run_ends_as_if_it_had_not_been(
    data: Path,
    options: dict[str, Any],
    step: int,
    tmp_path: Path,
) -> None:
    train(begun(data, options), tmp_path / "whole")
    with stopped_after(step):
        train(begun(data, options), tmp_path / "halves")
    assert torch.load(tmp_path / "halves" / LAST)["global_step"] == step
    notes = Notes()
    train({}, tmp_path / "halves", resume=True, watch=notes)
    assert not notes.counts  # the pictures were there already
    whole, halves = (
        load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "halves")
    )
    assert whole.keys() == halves.keys()
    for name, values in whole.items():
        assert torch.equal(values, halves[name]), name
    one, two = (
        read_history(tmp_path / name / "logs" / "metrics.csv") for name in ("whole", "halves")
    )
    # Of the step it stopped at the validation is left out; it takes no part in the training.
    assert {k: v for k, v in one["val/loss"].items() if k != step - 1} == two["val/loss"]
    assert notes.lines[-1] == "writing the model"
    assert train({}, tmp_path / "halves", resume=True, watch=notes)
    assert notes.lines[-1] == "the run is finished"


KILLED = """
import os, sys
from lightning.pytorch import Callback
from photochrom.training import run as running
from photochrom.training.loop import checkpoints

class Kill(Callback):
    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == 6:
            os.kill(os.getpid(), 9)

if __name__ == "__main__":
    checkpoints.Checkpoints.__init__.__defaults__ = (0.0,)  # one at every step
    options = dict(
        data=(sys.argv[1],), preset="plain", size=32, batch=2, epochs=2, loggers=("csv",)
    )
    running.train(options, running.Path(sys.argv[2]), callbacks=[Kill()])
"""


@pytest.mark.slow
@pytest.mark.usefixtures("unfinished")
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_run_ends_as_if_it_had_not_been(data: Path, tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED, encoding="utf-8")
    command = [sys.executable, str(script), str(data), str(tmp_path / "run")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -9
    assert torch.load(tmp_path / "run" / LAST)["global_step"] == 6
    train({}, tmp_path / "run", resume=True)
    train(begun(data, PLAIN), tmp_path / "whole")
    killed, whole = (load_file(tmp_path / n / "weights.safetensors") for n in ("run", "whole"))
    for name, values in whole.items():
        assert torch.equal(values, killed[name]), name


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


def test_regions_are_for_a_network_with_a_region_head(data: Path, tmp_path: Path) -> None:
    fill_regions(tmp_path / "regions", 2)
    options = begun(data, PLAIN) | {"regions": (str(tmp_path / "regions"),)}
    with pytest.raises(ArgumentError, match="--regions cannot be used"):
        train(options, tmp_path / "run")
    fill_regions(tmp_path / "single", 1)
    options = begun(data, SMALL) | {"regions": (str(tmp_path / "single"),)}
    with pytest.raises(ArgumentError, match=r"two pictures or more.*got 1"):
        train(options, tmp_path / "run")
    options = begun(data, SMALL) | {"regions": (str(tmp_path / "nowhere"),)}
    with pytest.raises(ArgumentError, match="no regions to learn from"):
        train(options, tmp_path / "run")
    assert not (tmp_path / "run").exists()


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


@pytest.mark.parametrize(("pictures", "count"), [(10, 2), (100, 15), (300, 40), (5000, 100)])
def test_enough_pictures_are_set_aside_to_calibrate_on(pictures: int, count: int) -> None:
    plan = plan_of(Options(data=("x",), batch=2), PRESETS["photochrom"], pictures=pictures)
    assert aside(pictures, plan.validation) == count


@pytest.mark.usefixtures("unfinished")
def test_a_full_disk_keeps_the_earlier_checkpoint(data: Path, tmp_path: Path) -> None:
    with stopped_after(3):
        train(begun(data, PLAIN), tmp_path / "run")
    last = tmp_path / "run" / LAST
    before = last.read_bytes()

    def full(_: Any, path: Any) -> None:
        Path(path).write_bytes(b"the beginning")
        raise OSError(errno.ENOSPC, "No space left on device")

    notes = Notes()
    with stopped_after(5) as patched:
        patched.setattr("photochrom.training.loop.checkpoints.torch.save", full)
        train({}, tmp_path / "run", resume=True, watch=notes)
    assert "a checkpoint could not be written (No space left on device)" in notes.lines[-1]
    assert last.read_bytes() == before
    assert [p.name for p in last.parent.iterdir() if p.name.endswith(".part")] == []
    assert train({}, tmp_path / "run", resume=True)


def test_a_full_disk_at_the_end_is_explained(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(presets, "export_plain", lambda *given: given[-1].touch())  # seconds
    with monkeypatch.context() as patched:
        patched.setattr(running.run_pictures, "curves", full)
        with pytest.raises(PhotochromError, match=r"No space left on device; .* --resume"):
            train(begun(data, PLAIN), tmp_path / "run")
    notes = Notes()
    assert train({}, tmp_path / "run", resume=True, watch=notes)
    assert notes.lines == ["writing the model"]  # nothing was trained again
    assert (tmp_path / "run" / "model.onnx").is_file()


@pytest.mark.usefixtures("unfinished")
def test_the_options_of_a_run_stay(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no run to resume"):
        train({}, tmp_path / "run", resume=True)
    train(begun(data, PLAIN), tmp_path / "run")
    with pytest.raises(ArgumentError, match="new or empty"):
        train(begun(data, PLAIN), tmp_path / "run")
    with pytest.raises(ArgumentError, match="another batch: expected 2, got 3"):
        train({"batch": 3}, tmp_path / "run", resume=True)
    assert train(begun(data, PLAIN), tmp_path / "run", resume=True)  # the same ones are welcome
    stored = read_config(tmp_path / "run" / "run.toml")
    assert stored["data"] == (str(data),)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "other"}, "--preset"),
        ({"preset": "plain", "size": 48}, "32, 64 or 128"),
        ({"preset": "plain", "encoder": "resnet50"}, "neither of them"),
        ({"minutes": 1.0, "epochs": 1.0}, "both"),
        ({"data": ("nowhere",)}, "not a source"),
        ({"encoder": "nothing_like_it"}, "nothing_like_it"),
        ({"seed": -1}, "seed"),
        ({"data": ()}, "nothing to train on"),
    ],
)
def test_mistakes(data: Path, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=message):
        train(begun(data, {"epochs": 1, "encoder": ENCODER} | options), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_encoder_that_cannot_be_fetched(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = timm.create_model

    def unconnected(name: str, *, pretrained: bool = False, **options: Any) -> Any:
        if pretrained:
            raise OSError("no route\nto the host")
        return create(name, **options)

    monkeypatch.setattr(timm, "create_model", unconnected)
    with pytest.raises(DownloadError, match=r"got no route; .* --weights") as caught:
        train(begun(data, SMALL), tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_run_in_use_is_left_alone(data: Path, tmp_path: Path) -> None:
    with (
        alone(tmp_path / "run", True),
        pytest.raises(ArgumentError, match="a run is going on"),
    ):
        train(begun(data, PLAIN), tmp_path / "run")


@pytest.mark.slow
@pytest.mark.usefixtures("unfinished")
def test_a_finished_run_made_longer_is_the_longer_run(data: Path, tmp_path: Path) -> None:
    """Its learning rate falls at the new end only, as if it had been meant so before."""
    longer = PLAIN | {"epochs": 4}
    train(begun(data, PLAIN), tmp_path / "run")
    assert (tmp_path / "run" / STEADY).is_file()
    train({"epochs": 4}, tmp_path / "run", resume=True)
    train(begun(data, longer), tmp_path / "whole")
    one, two = (load_file(tmp_path / n / "weights.safetensors") for n in ("run", "whole"))
    for name, values in two.items():
        assert torch.equal(values, one[name]), name
    assert read_config(tmp_path / "run" / "run.toml")["epochs"] == 4
    (tmp_path / "run" / STEADY).unlink()
    with pytest.raises(ArgumentError, match="cannot be made longer"):
        train({"epochs": 5}, tmp_path / "run", resume=True)


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


def test_a_config_is_written_and_read(tmp_path: Path) -> None:
    options = Options(
        data=("a 'b' \"c\" – ü",), shares={"a b": 0.5, "c": 2.0}, lr=1e-4, minutes=3.0, loggers=()
    )
    options.store(tmp_path)
    assert Options(**read_config(tmp_path / "run.toml")) == options
    (tmp_path / "bad.toml").write_text("learning = 3")
    with pytest.raises(ArgumentError, match="got learning"):
        read_config(tmp_path / "bad.toml")
    with pytest.raises(ArgumentError, match="no such file"):
        read_config(tmp_path / "none.toml")


@pytest.mark.usefixtures("unfinished")
def test_shares_name_sources(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"names of sources: pictures, got nobody"):
        train(begun(data, PLAIN | {"shares": {"nobody": 1.0}}), tmp_path / "run")


def test_stopped_is_no_mistake() -> None:
    assert not issubclass(Stopped, PhotochromError)
