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
from ..commands import STOPPED, say

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from ...training.loop.callbacks import Progress

_NEEDED = ("torch", "lightning", "timm", "safetensors", "onnx", "onnxscript", "matplotlib")
_SELDOM = 60.0  # seconds between two lines where nobody sees a bar


def train(
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DATA",
            help="Folders of colour photographs, zip or tar files of them, or names of data sets.",
            show_default=False,
        ),
    ] = None,
    more_data: Annotated[
        list[str] | None,
        typer.Option("--data", metavar="DATA", help="The same as DATA.", show_default=False),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="For the model, its checkpoints and logs."
        ),
    ] = Path("trained"),
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The recipe: photochrom, or the small network plain.",
            show_default="photochrom",
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The encoder's name in timm, which fetches its weights.",
            show_default="tf_efficientnet_b4",
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|FOLDER|bundled",
            help="Weights to start from: safetensors, a model (.onnx), or bundled for the one in "
            "the package. Can be given several times.",
            show_default=False,
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Length of the training.",
            show_default="60 for the preset photochrom",
        ),
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Its length in times that every picture is seen.",
            show_default="30 for the preset plain",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Side of the crops that it learns from.",
            show_default="128; for the preset plain 64, or 32 for CIFAR",
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Crops in a step.", show_default="64"),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Of everything drawn at random.", show_default="1"),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option("--lr", metavar="NUMBER", help="Largest learning rate.", show_default="4e-4"),
    ] = None,
    validation: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATA",
            help="Whole sources to measure on, not to train on. Can be given several times.",
            show_default="2 % of DATA; 10 % for the preset plain",
        ),
    ] = None,
    most: Annotated[
        float | None,
        typer.Option(
            metavar="PART",
            help="Largest part of the crops that one source may have.",
            show_default="0.04; for the preset plain each picture counts alike",
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            help="Validations without a better one after which the run ends and its best weights "
            "are taken.",
            show_default="never",
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The device as Lightning calls it: cpu, cuda or mps.",
            show_default="a GPU of NVIDIA, else the processor",
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="As Lightning calls it: 32-true, bf16-mixed or 16-mixed.",
            show_default="bf16-mixed where the device has it",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER", help="Processes that read pictures.", show_default="by the device"
        ),
    ] = None,
    logger: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Where figures go beside the CSV: tensorboard, wandb, mlflow. Can be given "
            "several times.",
            show_default="tensorboard",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TOML with any of these options, as run.toml of another run has them.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the run in the folder; with another length, make it longer.",
        ),
    ] = False,
) -> None:
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
