"""A run of training that was stopped, killed, without room on the disk, or finished, goes on."""

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

from lightning.pytorch import Callback  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from photochrom.errors import ArgumentError, PhotochromError  # noqa: E402
from photochrom.training import presets  # noqa: E402
from photochrom.training import run as running  # noqa: E402
from photochrom.training.loop import fit as fitting  # noqa: E402
from photochrom.training.loop.checkpoints import Stopped  # noqa: E402
from photochrom.training.loop.fit import LAST, STEADY  # noqa: E402
from photochrom.training.loop.history import read_history  # noqa: E402
from photochrom.training.run import train  # noqa: E402
from photochrom.training.run_options import read_config  # noqa: E402
from tests.helpers.training_runs import PLAIN, SMALL, begun  # noqa: E402
from tests.training.conftest import Notes  # noqa: E402

pytestmark = pytest.mark.usefixtures("untrained_encoder")


class StopAfter(Callback):
    """Ends a run at a step as if somebody had pressed Ctrl-C."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == self.step - 1:
            (checkpoints,) = (c for c in trainer.callbacks if hasattr(c, "requests"))
            checkpoints.requests.stop = True


@contextmanager
def stopped_after(step: int) -> Iterator[pytest.MonkeyPatch]:
    """A run in here stops after that step, and says so."""

    def fit(*given: Any, callbacks: Sequence[Any], **options: Any) -> None:
        fitting.fit(*given, callbacks=[*callbacks, StopAfter(step)], **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(running, "fit", fit)
        with pytest.raises(KeyboardInterrupt):
            yield patched


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


def test_stopped_is_no_mistake() -> None:
    assert not issubclass(Stopped, PhotochromError)
