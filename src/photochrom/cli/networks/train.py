"""``photochrom train``."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...errors import MissingExtraError
from .. import STOPPED, option, say

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from ...training.loop.callbacks import Progress

_NEEDED = ("torch", "lightning", "timm", "safetensors", "onnx", "onnxscript", "matplotlib")
_SELDOM = 60.0  # seconds between two lines where nobody sees a bar


def train(
    data: Annotated[list[str] | None, typer.Argument(metavar="DATA", show_default=False,
        help="Folders of colour photographs, zip or tar files of them, or names of data "
        "sets.")] = None,
    more_data: Annotated[list[str] | None, option("--data", of="DATA",
        help="The same as DATA.")] = None,
    output: Annotated[Path, option("--output", "-o", of="FOLDER", usual=True,
        help="For the model, its checkpoints and logs.")] = Path("trained"),
    preset: Annotated[str | None, option(of="NAME", usual="photochrom",
        help="The recipe: photochrom, or the small network plain.")] = None,
    encoder: Annotated[str | None, option(of="NAME", usual="tf_efficientnet_b4",
        help="The encoder's name in timm, which fetches its weights.")] = None,
    weights: Annotated[list[str] | None, option(of="FILE|FOLDER|bundled",
        help="Weights to start from: safetensors, a model (.onnx), or bundled for the one in the "
        "package. Can be given several times.")] = None,
    minutes: Annotated[float | None, option(of="NUMBER", usual="60 for the preset photochrom",
        help="Length of the training.")] = None,
    epochs: Annotated[float | None, option(of="NUMBER", usual="30 for the preset plain",
        help="Its length in times that every picture is seen.")] = None,
    size: Annotated[int | None, option(of="PIXELS",
        usual="128; for the preset plain 64, or 32 for CIFAR",
        help="Side of the crops that it learns from.")] = None,
    batch: Annotated[int | None, option(of="NUMBER", usual="64", help="Crops in a step.")] = None,
    seed: Annotated[int | None, option(of="NUMBER", usual="1",
        help="Of everything drawn at random.")] = None,
    lr: Annotated[float | None, option("--lr", of="NUMBER", usual="4e-4",
        help="Largest learning rate.")] = None,
    validation: Annotated[list[str] | None, option(of="DATA",
        usual="2 % of DATA; 10 % for the preset plain",
        help="Whole sources to measure on, not to train on. Can be given several times.")] = None,
    regions: Annotated[list[str] | None, option(of="FOLDER",
        help="Pictures with region maps, from which a last phase learns what belongs together. Can "
        "be given several times.")] = None,
    most: Annotated[float | None, option(of="PART",
        usual="0.04; for the preset plain each picture counts alike",
        help="Largest part of the crops that one source may have.")] = None,
    patience: Annotated[int | None, option(of="NUMBER", usual="never",
        help="Validations without a better one after which the run ends and its best weights are "
        "taken.")] = None,
    device: Annotated[str | None, option(of="NAME", usual="a GPU of NVIDIA, else the processor",
        help="The device as Lightning calls it: cpu, cuda or mps.")] = None,
    precision: Annotated[str | None, option(of="NAME", usual="bf16-mixed where the device has it",
        help="As Lightning calls it: 32-true, bf16-mixed or 16-mixed.")] = None,
    workers: Annotated[int | None, option(of="NUMBER", usual="by the device",
        help="Processes that read pictures.")] = None,
    logger: Annotated[list[str] | None, option(of="NAME", usual="tensorboard",
        help="Where figures go beside the CSV: tensorboard, wandb, mlflow. Can be given several "
        "times.")] = None,
    config: Annotated[Path | None, option(of="FILE",
        help="TOML with any of these options, as run.toml of another run has them.")] = None,
    resume: Annotated[bool, option("--resume",
        help="Go on with the run in the folder; with another length, make it longer.")] = False,
) -> None:  # fmt: skip
    """Train a model on colour photographs of your own.

    For example: photochrom train photographs -o my-model
    """
    for package in _NEEDED:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError.of(package, "train", "photochrom train")
    from ...training.run import train as run
    from ...training.run_options import read_config

    given: dict[str, Any] = {
        "data": tuple((data or []) + (more_data or [])) or None,
        "preset": preset,
        "encoder": encoder,
        "weights": tuple(weights or ()) or None,
        "minutes": minutes,
        "epochs": epochs,
        "size": size,
        "batch": batch,
        "seed": seed,
        "lr": lr,
        "validation": tuple(validation or ()) or None,
        "regions": tuple(regions or ()) or None,
        "most": most,
        "patience": patience,
        "device": device,
        "precision": precision,
        "workers": workers,
        "loggers": tuple(logger or ()) or None,
    }
    options = read_config(config) if config else {}
    options |= {name: value for name, value in given.items() if value is not None}
    with _watching() as watch:
        try:
            model = run(options, output, resume=resume, watch=watch)
        except KeyboardInterrupt:
            watch.close()
            say(f"photochrom: stopped; to go on: photochrom train --resume -o {output}")
            raise typer.Exit(STOPPED) from None
    if model is not None:
        typer.echo(f"{model} is ready: photochrom colorize --model {model} picture.jpg")


class _Watch:
    """Tells on standard error what a run does: by a bar where somebody can see one."""

    def __init__(self, bar: Bar) -> None:
        self._bar, self._task = bar, bar.add_task("", total=None, text="", left="")
        self._shown = not bar.disable
        self._drawn = 0.0
        self._told = time.monotonic()

    def say(self, line: str) -> None:
        if self._shown:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            say(line)

    def pictures(self, done: int, total: int) -> None:
        self._show(done / total, f"{done}/{total} pictures", "")

    def step(self, progress: Progress) -> None:
        left = "" if progress.left is None else f"{_time(progress.left)} left"
        text = f"step {progress.step}"
        if progress.left is not None:
            text += f", {progress.rate:.0f} crops/s, loss {progress.loss:.4f}"
        self._show(progress.done, text, left)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()

    def _show(self, part: float, text: str, left: str) -> None:
        now = time.monotonic()
        if self._shown:
            # Drawn here and not by a thread of rich, which costs a tenth of a core.
            self._bar.update(self._task, completed=part, total=1, text=text, left=left)
            if now - self._drawn >= 0.5:
                self._drawn = now
                self._bar.refresh()
        elif now - self._told >= _SELDOM:
            self._told = now
            say(f"{part:.0%}: {text}{', ' if left else ''}{left}")


@contextmanager
def _watching() -> Iterator[_Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    bar = Progress(
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[text]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        auto_refresh=False,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        yield _Watch(bar)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
