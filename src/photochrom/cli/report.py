"""What the user sees of a run: progress, one line per file or per run, JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..picture.formats import show
from .commands import FAILED, USAGE, say
from .plan import STREAM, Job, Plan
from .work import Outcome

if TYPE_CHECKING:
    from rich.progress import Progress

    from ..colorizer import Colorizer


class Report:
    """Collects outcomes and tells them: people on standard error, programs on standard output.

    Args:
        plan: what is going to be done; what is not is told at once.
        as_json: whether each outcome is printed as a line of JSON.

    Attributes:
        colorizer: set it as soon as there is one.
    """

    def __init__(self, plan: Plan, *, as_json: bool) -> None:
        self.colorizer: Colorizer | None = None
        self._plan, self._as_json = plan, as_json
        self._outcomes: list[Outcome] = []
        self._counts = Counter[str]()
        self._start = time.perf_counter()
        self._progress: Progress | None = None
        self._task: Any = None
        self._film = _Film()
        for job in plan.finished:
            self.add(Outcome(job, "skipped", error="the output exists"))
        for path in plan.left_out:
            self.add(Outcome(Job(path, None), "skipped", error="the result of another picture"))
        for path, why in plan.unreadable:
            self.add(Outcome(Job(path, None), "failed", error=why))

    @contextmanager
    def running(self) -> Iterator[None]:
        """While this is open a bar shows the progress, if somebody can see it."""
        total, both = len(self._plan.jobs), self._as_json and sys.stdout.isatty()
        if (total < 2 and not any(job.film for job in self._plan.jobs)) or both:
            yield
            return
        self._progress = progress_bar("{task.completed}/{task.total}", "{task.fields[rate]}")
        self._task = self._progress.add_task("", total=total, rate="")
        try:
            with self._progress:
                yield
        finally:
            self._progress = None

    def frames(self, done: int, total: int | None) -> None:
        """Take note of the frames of a film that are done; may be called from any thread."""
        if self._progress is not None:
            self._film.show(self._progress, done, total)

    def add(self, outcome: Outcome) -> None:
        """Take note of ``outcome`` and tell it."""
        if self._progress is not None:
            self._film.end(self._progress)
        self._outcomes.append(outcome)
        self._counts[outcome.status] += 1
        if self._as_json:
            typer.echo(json.dumps(outcome.to_dict(self.colorizer)))
        if self._progress is not None:
            rate = self.count("ok") / (time.perf_counter() - self._start)
            self._progress.update(self._task, advance=1, rate=f"{rate:.1f} files/s")

    def count(self, status: str) -> int:
        """How many outcomes have this status."""
        return self._counts[status]

    def finish(self) -> int:
        """Tell the end; returns the exit code."""
        if self._plan.many:
            self._tell_many()
            return FAILED if self.count("failed") else 0
        (outcome,) = self._outcomes
        self._tell_one(outcome)
        if outcome.status == "ok":
            return 0
        return USAGE if outcome.mistaken else FAILED

    def _tell_one(self, outcome: Outcome) -> None:
        if outcome.status != "ok":
            say(f"photochrom: {outcome.error}")
            return
        size = f"{outcome.width}x{outcome.height}"
        if outcome.frames is not None:
            size = f"{outcome.frames} frames, {size}"
        elif outcome.pages != 1:
            size = f"{outcome.pages} pages, {size}"
        target = _name(outcome.job.output)
        say(f"{_name(outcome.job.source)} -> {target} ({size}, {outcome.seconds:.2f} s)")
        for note in outcome.notes:
            say(f"photochrom: {note}")

    def _tell_many(self) -> None:
        seconds, done = time.perf_counter() - self._start, self.count("ok")
        rate = f" ({done / seconds:.1f} files/s)" if done else ""
        things = _counted(self._outcomes)
        parts = [f"{things} coloured in {seconds:.1f} s{rate}"]
        if count := len(self._plan.finished):
            parts.append(f"{count} skipped, whose output exists (--overwrite replaces it)")
        if count := len(self._plan.left_out):
            parts.append(f"{count} left out as results of other pictures")
        if count := self.count("failed"):
            parts.append(f"{count} failed:")
        say("; ".join(parts))
        for outcome in self._outcomes:
            if outcome.status == "failed":
                name, error = _name(outcome.job.source), str(outcome.error)
                say(f"  {error}" if name in error else f"  {name}: {error}")
            for note in outcome.notes:
                say(f"  {_name(outcome.job.source)}: {note}")


class _Film:
    """The bar of the film that is being coloured."""

    def __init__(self) -> None:
        self._task: Any = None
        self._start, self._first = 0.0, 0

    def show(self, progress: Progress, done: int, total: int | None) -> None:
        if self._task is None:
            self._task = progress.add_task("", total=total, rate="")
            # The rate is that of this call, which may go on with an earlier one's work.
            self._start, self._first = time.perf_counter(), done
        rate = (done - self._first) / max(time.perf_counter() - self._start, 1e-3)
        total = None if total is None else max(done, total)
        progress.update(self._task, completed=done, total=total, rate=f"{rate:.1f} frames/s")

    def end(self, progress: Progress) -> None:
        if self._task is not None:
            progress.remove_task(self._task)
        self._task = None


def _counted(outcomes: list[Outcome]) -> str:
    """ "3 pictures and 1 film", of what went well."""
    films = [each.job.film for each in outcomes if each.status == "ok"]
    counts = {"picture": films.count(False), "film": films.count(True)}
    shown = [f"{n} {what}{'s' * (n != 1)}" for what, n in counts.items() if n or what == "picture"]
    return " and ".join(shown[1:] if films and all(films) else shown)


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
        disable=not sys.stderr.isatty(),
    )


def _name(path: Path | None) -> str:
    return show(path or STREAM)
