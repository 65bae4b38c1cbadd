"""The losses and scores of a run as a CSV file that survives interruptions."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

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
        """Nothing: they are in ``run.json``."""

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
