"""The parts of a run: which batches, which weights, which checkpoints, how fast."""

from __future__ import annotations

import importlib.util
import math
import os
import signal
import sys
import threading
from datetime import timedelta
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("lightning", "timm", "safetensors"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

import numpy as np  # noqa: E402
from torch import nn  # noqa: E402

from photochrom.errors import ArgumentError, MissingExtraError  # noqa: E402
from photochrom.gamut import BIN_COUNT  # noqa: E402
from photochrom.training.loop import fit as fit_module  # noqa: E402
from photochrom.training.loop import history as histories  # noqa: E402
from photochrom.training.loop.batches import _Batches, indices  # noqa: E402
from photochrom.training.loop.callbacks import Averaging, figures_line  # noqa: E402
from photochrom.training.loop.checkpoints import Checkpoints, Requests, WholeFiles  # noqa: E402
from photochrom.training.loop.color_module import ColorModule, choose_trained  # noqa: E402
from photochrom.training.loop.fit import _nodes, interval  # noqa: E402
from photochrom.training.loop.history import History, check_loggers, open_loggers, read_history  # noqa: E402
from photochrom.training.loop.plan import Plan  # noqa: E402
from photochrom.training.network.color_network import ColorNetwork  # noqa: E402
from photochrom.training.objective.loss import ColorLoss  # noqa: E402


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("first", [0, 4])
def test_processes_share_the_batches(first: int, world: int) -> None:
    each = [list(indices(first, 10, rank, world)) for rank in range(world)]
    assert all(len(one) == 10 - first for one in each)
    assert sorted(chain(*each)) == list(range(first * world, 10 * world))
    # The batches of a step lie together: a resumed run begins where all had come.
    assert [one[0] for one in each] == list(range(first * world, (first + 1) * world))


def test_a_process_does_its_part_of_the_run() -> None:
    trainer: Any = SimpleNamespace(world_size=4, global_rank=1, global_step=2)
    sampler = _Batches(trainer, 10)  # 10 batches: three steps of four
    assert len(sampler) == 3
    assert list(sampler) == [9]


def test_progress_counts_the_batches_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    module = color_module(Plan(steps=40))
    module._fabric = None
    trainer = SimpleNamespace(world_size=4, global_step=5, global_rank=3)
    monkeypatch.setattr(ColorModule, "trainer", trainer)
    monkeypatch.setattr(ColorModule, "global_step", 5)
    monkeypatch.setattr(ColorModule, "global_rank", 3)
    assert module.done == 0.5
    assert module.random_seed() == (1 << 32) + 23


def color_module(plan: Plan) -> ColorModule:
    loss = ColorLoss(np.ones(BIN_COUNT, np.float32), 0.5)
    return ColorModule(ColorNetwork("mobilenetv3_small_050"), loss, plan)


def test_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GROUP_WORLD_SIZE", "SLURM_NTASKS", "SLURM_NNODES", "SLURM_JOB_NAME"):
        monkeypatch.delenv(name, raising=False)
    assert _nodes() == 1
    monkeypatch.setenv("SLURM_NTASKS", "8")
    monkeypatch.setenv("SLURM_NNODES", "2")
    assert _nodes() == 2
    monkeypatch.setenv("GROUP_WORLD_SIZE", "3")  # torchrun within a job
    assert _nodes() == 3


def test_rate() -> None:
    plan = Plan(steps=10_000, warm_up=100)
    assert plan.factor(0, 0) == pytest.approx(0.01)
    assert plan.factor(99, 0) == pytest.approx(1)
    assert plan.factor(5, 0.5) == pytest.approx(1)  # a short run is warm at a tenth
    assert plan.factor(10_000, 1) == pytest.approx(0)


def test_plan_refuses_seeds_it_cannot_use() -> None:
    with pytest.raises(ArgumentError, match="seed"):
        Plan(steps=1, seed=-1)


def test_the_average_of_a_short_run_is_not_its_beginning() -> None:
    average: Any = Averaging(0.999)._kwargs["avg_fn"]
    kept = torch.zeros(1)
    for count in range(1, 100):
        kept = average(kept, torch.ones(1), torch.tensor(count))
    assert kept > 0.99
    late = average(torch.zeros(1), torch.ones(1), torch.tensor(10**6))
    assert float(late) == pytest.approx(0.001, rel=1e-3)
    assert average(torch.tensor(3), torch.tensor(4), torch.tensor(5)) == 4


def test_a_checkpoint_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, files = tmp_path / "deep" / "last.ckpt", WholeFiles()
    files.save_checkpoint({"step": 1}, path)
    assert files.problem is None

    def full(_: Any, temporary: Any) -> None:
        Path(temporary).write_bytes(b"half")
        raise RuntimeError("PytorchStreamWriter failed writing file\nat some place")

    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", full)
        usage = SimpleNamespace(free=2**40)
        patched.setattr("photochrom.training.loop.checkpoints.shutil.disk_usage", lambda _: usage)
        files.save_checkpoint({"step": 2}, path)
        assert files.problem == "PytorchStreamWriter failed writing file"
        usage.free = 0
        files.save_checkpoint({"step": 2}, path)
    assert files.problem == "the disk is full"
    assert torch.load(path) == {"step": 1}
    assert [p.name for p in path.parent.iterdir()] == ["last.ckpt"]
    files.save_checkpoint({"step": 3}, path)
    assert files.problem is None
    assert torch.load(path) == {"step": 3}


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals to itself")
def test_the_second_ctrl_c_does_not_wait() -> None:
    before, requests, lines = signal.getsignal(signal.SIGINT), Requests(), []
    with requests.listening(lines.append):
        os.kill(os.getpid(), signal.SIGTERM)
        assert requests.stop
        assert len(lines) == 1
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_signals_are_left_alone_outside_of_the_main_thread() -> None:
    handlers = []

    def listen() -> None:
        with Requests().listening(lambda _: None):
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]


def test_history(tmp_path: Path) -> None:
    path, lines = tmp_path / "logs" / "metrics.csv", []
    History(path, lines.append).log_metrics({"val/loss": 2.5, "epoch": 0}, 10)
    again = History(path, lines.append)
    again.log_metrics({"val/loss": 2.0, "train/loss": 1 / 3}, 10)
    again.log_metrics({"val/loss": 1.0}, 5)
    with path.open("a", encoding="utf-8") as file:
        file.write("12,val/l")
    assert read_history(path) == {"val/loss": {5: 1.0, 10: 2.0}, "train/loss": {10: 0.333333}}
    assert read_history(tmp_path / "none.csv") == {}
    assert not lines


def test_a_log_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file", encoding="utf-8")
    lines: list[str] = []
    history = History(tmp_path / "logs" / "metrics.csv", lines.append)
    for step in (1, 2):
        history.log_metrics({"val/loss": 1.0}, step)
    assert len(lines) == 1


def test_loggers_are_those_that_are_installed(tmp_path: Path) -> None:
    path = tmp_path / "run" / "logs" / "metrics.csv"
    assert [type(each).__name__ for each in open_loggers(path, ["csv"], print)] == ["History"]
    with pytest.raises(ArgumentError, match=r"got tensorbord; did you mean tensorboard\?"):
        check_loggers(["tensorbord"])
    if not importlib.util.find_spec("wandb"):
        with pytest.raises(MissingExtraError, match="pip install wandb"):
            check_loggers(["csv", "wandb"])


@pytest.mark.filterwarnings("ignore")  # theirs
@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_figures_go_to_other_loggers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Lightning makes them, or, where their packages are missing, with what they are made."""
    path = tmp_path / "run" / "logs" / "metrics.csv"
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if importlib.util.find_spec(name):
        first, logger = open_loggers(path, ["csv", name], print)
        assert isinstance(first, History)
        logger.log_metrics({"val/loss": 1.5}, 3)
        logger.finalize("success")
        kept = "wandb" if name == "wandb" else "mlflow.db"
        assert (path.parent / kept).exists()
        return
    made: list[dict[str, Any]] = []

    def fake(*arguments: Any, **options: Any) -> History:
        made.append({"first": arguments[:1], **options})
        return History(path, print)

    monkeypatch.setattr(histories, {"wandb": "WandbLogger", "mlflow": "MLFlowLogger"}[name], fake)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    assert len(open_loggers(path, ["csv", name], print)) == 2
    wanted: dict[str, dict[str, Any]] = {
        "wandb": {"first": (), "name": "run", "save_dir": path.parent, "project": "photochrom"},
        "mlflow": {
            "first": ("photochrom",),
            "tracking_uri": f"sqlite:///{path.parent.resolve() / 'mlflow.db'}",
        },
    }
    assert made == [wanted[name]]


def test_a_run_is_validated_after_each_epoch_or_by_the_clock() -> None:
    assert interval(Plan(steps=300), epoch=10.4) == 10
    assert interval(Plan(steps=300), epoch=0.2) == 1
    assert interval(Plan(steps=30_000), epoch=9000) == 500
    assert interval(Plan(minutes=30), epoch=10) == timedelta(minutes=5)
    assert interval(Plan(minutes=6000), epoch=10) == timedelta(minutes=20)


def test_the_figures_of_a_validation_are_one_line() -> None:
    figures = {"loss": 2.5, "raw_gain": 1, "balanced_gain": -2, "ciede2000": 9.871}
    figures |= {"ciede2000_over_grey": -0.5, "colorfulness": 0.8, "dev one/loss": 3}
    metrics = {f"val/{k}": v for k, v in figures.items()} | {"train/loss": 1.0}
    assert figures_line(3.02, 2.25, metrics) == (
        "epoch 3: loss 2.25, validation 2.5; AuC over grey +1.00 raw, -2.00 balanced; "
        "CIEDE2000 9.87 (-0.50 to grey); colourfulness 0.80 of the truth's"
    )
    assert figures_line(0.128, 2, metrics).startswith("epoch 0.13: ")
    assert figures_line(100.4, 2, metrics).startswith("epoch 100: ")


def test_the_first_checkpoint_comes_within_half_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("photochrom.training.loop.checkpoints.time.monotonic", lambda: now[0])
    saved: list[float] = []
    checkpoints = Checkpoints(
        tmp_path / "last", tmp_path / "steady", Requests(), WholeFiles(), print, every=180.0
    )
    strategy = SimpleNamespace(reduce_boolean_decision=lambda x, all: x, broadcast=lambda x: x)
    trainer: Any = SimpleNamespace(
        strategy=strategy, save_checkpoint=lambda _: saved.append(now[0]), is_global_zero=True
    )
    module = color_module(Plan(minutes=60))
    checkpoints.on_train_start(trainer, module)
    for second in range(0, 600, 10):
        now[0] = float(second)
        checkpoints.on_train_batch_end(trainer, module)
    assert saved == [20.0, 200.0, 380.0, 560.0]


def test_the_optimizer_has_the_encoder_in_order() -> None:
    module = color_module(Plan(steps=10))
    module.__dict__["_trainer"] = None
    encoder = [p for p in module.network.enc.parameters() if p.ndim > 1]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ColorModule, "done", 0.0)
        groups = module.configure_optimizers()["optimizer"].param_groups
    (inner,) = (g["params"] for g in groups if any(p is encoder[0] for p in g["params"]))
    assert [id(p) for p in inner] == [id(p) for p in encoder]


@pytest.mark.parametrize(
    ("encoder", "frozen", "trained"),
    [
        ("mobilenetv3_small_050", "blocks.3.", "blocks.4."),
        ("resnet10t", "layer2.", "layer3."),
        ("convnext_atto", "stages_1.", "stages_2."),
    ],
)
def test_the_deep_half_of_an_encoder_is_trained_on_a_cpu(
    encoder: str, frozen: str, trained: str
) -> None:
    network = ColorNetwork(encoder)
    choose_trained(network, first_stage=4, spatial=False)
    state = {name: p.requires_grad for name, p in network.enc.named_parameters()}
    assert not any(value for name, value in state.items() if name.startswith(frozen))
    assert any(value for name, value in state.items() if name.startswith(trained))
    for name, layer in network.enc.named_modules():
        if isinstance(layer, nn.Conv2d) and 1 < layer.groups == layer.in_channels:
            assert not layer.weight.requires_grad, name
    choose_trained(network)
    assert all(p.requires_grad for p in network.enc.parameters())


def test_short_runs_are_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(fit_module, "_has_compiler", lambda: True)
    monkeypatch.setattr(fit_module, "_works", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not fit_module.compiling_pays(Plan(minutes=60), lines.append)
    assert not fit_module.compiling_pays(Plan(steps=1000), lines.append)
    assert not lines
    assert fit_module.compiling_pays(Plan(minutes=120), lines.append)
    assert len(lines) == 1
    monkeypatch.setattr(fit_module, "_works", lambda: False)
    assert not fit_module.compiling_pays(Plan(minutes=120), lines.append)


def test_compiling_pays_earlier_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_module, "_has_compiler", lambda: True)
    monkeypatch.setattr(fit_module, "_works", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert fit_module.compiling_pays(Plan(minutes=60), print)
    assert not fit_module.compiling_pays(Plan(minutes=5), print)


def test_progress_has_no_rate_at_first() -> None:
    from photochrom.training.loop.callbacks import Watching

    told: list[Any] = []
    watching = Watching(told.append, 8)
    module = color_module(Plan(minutes=1))
    module.seconds = 15.0
    trainer: Any = SimpleNamespace(global_step=1, world_size=2, is_global_zero=True)
    watching.on_train_batch_end(trainer, module, {"loss": torch.tensor(2.0)})
    watching.on_train_batch_end(trainer, module, {"loss": torch.tensor(2.0)})  # too early
    assert [p.left for p in told] == [None]
    watching._at -= 1.0
    trainer.global_step = 3
    watching.on_train_batch_end(trainer, module, {"loss": torch.tensor(2.0)})
    assert told[1].rate == pytest.approx(8 * 2 * 2, rel=0.05)
    assert (told[1].done, told[1].left, told[1].loss) == (0.25, 45.0, 2.0)
    assert math.isnan(told[0].rate)
