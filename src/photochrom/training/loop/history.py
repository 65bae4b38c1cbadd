"""Losses and scores of a run: a CSV file that survives interruptions, and loggers."""

from __future__ import annotations

import csv
import importlib.util
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import MLFlowLogger, TensorBoardLogger, WandbLogger
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from ...errors import ArgumentError, MissingExtraError

LOGGERS = ("csv", "tensorboard", "wandb", "mlflow")
"""What the figures can go to, by name: the CSV file always, the others by Lightning's loggers."""

_HEAD = ("step", "name", "value")


class History(Logger):
    """Appends a row for every number that is logged.

    Args:
        path: the file.
        say: tells, once, that it cannot be written to; the run goes on.
    """

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        super().__init__()
        self.path, self.say = path, say
        self._fails = False

    @property
    def name(self) -> str:
        return "history"

    @property
    def version(self) -> str:
        return ""

    @rank_zero_only
    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Nothing: they are in ``run.toml``."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        rows = [(step, name, f"{value:.6g}") for name, value in metrics.items() if name != "epoch"]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                if not file.tell():
                    writer.writerow(_HEAD)
                writer.writerows(rows)
        except OSError as error:
            if not self._fails:
                self.say(f"the log cannot be written ({error.strerror}); the run goes on")
            self._fails = True


def read_history(path: Path) -> dict[str, dict[int, float]]:
    """Values by name and step; of a step that was done twice, the later one.

    Rows that a crash or a full disk has cut off are passed over.
    """
    found: dict[str, dict[int, float]] = {}
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                try:
                    step, name, value = row
                    found.setdefault(name, {})[int(step)] = float(value)
                except ValueError:
                    continue
    return {name: dict(sorted(values.items())) for name, values in found.items()}


def check_loggers(names: Sequence[str]) -> None:
    """Refuse loggers not of `LOGGERS` (ArgumentError) or not installed (MissingExtraError)."""
    for name in names:
        if name not in LOGGERS:
            raise ArgumentError.not_one_of("--logger", name, LOGGERS)
        if name != "csv" and not importlib.util.find_spec(name):
            raise MissingExtraError(
                f"--logger {name} needs the package {name}", fix=f"install it: pip install {name}"
            )


def open_loggers(path: Path, names: Sequence[str], say: Callable[[str], None]) -> list[Logger]:
    """The loggers of a run, which keep their files beside the CSV file.

    Args:
        path: the CSV file.
        names: of `LOGGERS`.
        say: for what goes wrong on the way.

    Raises:
        PhotochromError: as `check_loggers`.
    """
    check_loggers(names)
    logs, run = path.parent, path.parent.parent
    found: list[Logger] = [History(path, say)]
    if "tensorboard" in names:
        found.append(TensorBoardLogger(run, name=logs.name, version="tensorboard"))
    if "wandb" in names:
        found.append(WandbLogger(name=run.name, save_dir=logs, project="photochrom"))
    if "mlflow" in names:
        # Not the folder that Lightning would take: MLflow 3 refuses to keep its records in files.
        logs.mkdir(parents=True, exist_ok=True)
        here = f"sqlite:///{(logs / 'mlflow.db').resolve()}"
        uri = os.environ.get("MLFLOW_TRACKING_URI", here)
        found.append(MLFlowLogger("photochrom", run.name, tracking_uri=uri))
    return found
