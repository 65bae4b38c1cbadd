"""What the user sees of one picture or film: a line, a bar for a film, JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .._io import show
from .commands import FAILED, USAGE, say
from .plan import STREAM
from .work import Outcome

if TYPE_CHECKING:
    from rich.progress import Progress

    from ..colorizer import Colorizer


def tell(outcome: Outcome, colorizer: Colorizer, *, as_json: bool) -> int:
    """Tell people on standard error and programs on standard output; returns the exit code."""
    if as_json:
        typer.echo(json.dumps(outcome.to_dict(colorizer)))
    if outcome.status != "ok":
        say(f"photochrom: {outcome.error}")
        return USAGE if outcome.mistaken else FAILED
    size = f"{outcome.width}x{outcome.height}"
    if outcome.frames is not None:
        size = f"{outcome.frames} frames, {size}"
    elif outcome.pages != 1:
        size = f"{outcome.pages} pages, {size}"
    source, target = name(outcome.job.source), name(outcome.job.output)
    say(f"{source} -> {target} ({size}, {outcome.seconds:.2f} s)")
    for note in outcome.notes:
        say(f"photochrom: {note}")
    return 0


class FilmBar:
    """The bar of the film that is being coloured, while `shown` is open."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: Any = None
        self._start, self._first = 0.0, 0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While this is open a bar shows the progress, if somebody can see it."""
        self._progress, self._task = progress_bar("{task.fields[rate]}"), None
        try:
            with self._progress:
                yield
        finally:
            self._progress = None

    def frames(self, done: int, total: int | None) -> None:
        """Take note of the frames that are done; may be called from any thread."""
        if self._progress is None:
            return
        if self._task is None:
            self._task = self._progress.add_task("", total=total, rate="")
            # The rate is that of this call, which may go on with an earlier one's work.
            self._start, self._first = time.perf_counter(), done
        rate = (done - self._first) / max(time.perf_counter() - self._start, 1e-3)
        total = None if total is None else max(done, total)
        self._progress.update(self._task, completed=done, total=total, rate=f"{rate:.1f} frames/s")


def progress_bar(*columns: str) -> Progress:
    """A bar on standard error, if that is a terminal, with these texts; gone when it is closed."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        BarColumn(),
        *(TextColumn(column, markup=False) for column in columns),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        refresh_per_second=2,
        disable=not sys.stderr.isatty(),
    )


def name(path: Path | None) -> str:
    """A path as it is told."""
    return show(path or STREAM)
