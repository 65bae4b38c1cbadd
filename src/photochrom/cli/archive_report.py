"""What the user sees of an archive: a live line, JSON for programs, and the sum at the end."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .._io import show
from ..archive.manifest import Manifest, Row
from ..archive.task import Outcome
from .commands import FAILED, say
from .report import progress_bar
from .work import Outcome as FilmOutcome
from .work import record

if TYPE_CHECKING:
    from rich.progress import Progress

    from ..colorizer import Colorizer

_NAMED = 100  # failures that are named where there is a report that names all of them


class ArchiveReport:
    """Counts outcomes and tells them; keeps failures only, for there may be a million others.

    Args:
        as_json: whether each outcome is printed as a line of JSON.

    Attributes:
        colorizer: set it as soon as there is one.
        pixels: that were coloured.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.colorizer: Colorizer | None = None
        self.pixels = 0
        self._as_json = as_json
        self._counts = Counter[str]()
        self._failures: deque[str] = deque(maxlen=100_000)
        self._notes: list[str] = []
        self._start = time.perf_counter()
        self._progress: Progress | None = None
        self._task: Any = None

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.perf_counter() - self._start

    def count(self, what: str) -> int:
        """How many pictures are ``coloured``, ``done before``, ``skipped`` or ``failed``."""
        return self._counts[what]

    def before(self, manifest: Manifest) -> None:
        """Tell what is not to be done, since it was before, or cannot be."""
        for row in manifest.each("done"):
            self._counts["done before"] += 1
            self._print(_line(row), "skipped", error="the output exists")
        for row in manifest.each("skipped"):
            self._counts["skipped"] += 1
            self._print(_line(row), "skipped", error=row.error)
        for row in manifest.each("failed"):
            self._fail(row.source, f"{row.error} (before; --retry-failed tries it again)")
            self._print(_line(row), "failed", error=row.error)

    def left_out(self, path: str) -> None:
        """Tell of a named file that is the result of another."""
        self._counts["left out"] += 1
        self._print((path, None, None), "skipped", error="the result of another picture")

    def unreadable(self, path: str, why: str) -> None:
        """Tell of a folder that could not be looked into."""
        self._fail(path, why)
        self._print((path, None, None), "failed", error=why)

    @contextmanager
    def running(self, total: int, size: int) -> Iterator[None]:
        """While this is open a line shows the progress of so many files and bytes."""
        if total < 2 or (self._as_json and sys.stdout.isatty()):
            yield
            return
        texts = ("files", "rate", "failed")
        self._progress = progress_bar(*(f"{{task.fields[{text}]}}" for text in texts))
        # By bytes, which say more about the time that is left than files do.
        self._task = self._progress.add_task("", total=size, files=f"0/{total}", rate="", failed="")
        self._total = total
        self._begun = time.perf_counter()
        self._first = self._finished
        try:
            with self._progress:
                yield
        finally:
            self._progress = None

    @property
    def _finished(self) -> int:
        return self.count("coloured") + self.count("failed")

    def add(self, outcome: Outcome) -> None:
        """Take note of what became of a picture, and tell it."""
        task = outcome.task
        if outcome.state == "done":
            self._counts["coloured"] += 1
            self.pixels += outcome.pixels
        else:
            self._fail(task.source, outcome.error or "")
        self._print(
            (task.source, task.output, task.compare),
            "ok" if outcome.state == "done" else "failed",
            width=outcome.width,
            height=outcome.height,
            pages=outcome.pages,
            seconds=outcome.seconds,
            error=outcome.error,
        )
        if self._progress is not None:
            seconds = max(time.perf_counter() - self._begun, 1e-3)
            files = self._finished - self._first
            rate = f"{files / seconds:.1f} files/s, {self.pixels / 1e6 / seconds:.1f} MP/s"
            failed = f"{self.count('failed')} failed" if self.count("failed") else ""
            self._progress.update(
                self._task,
                advance=task.size,
                files=f"{files}/{self._total}",
                rate=rate,
                failed=failed,
            )

    def add_film(self, outcome: FilmOutcome) -> None:
        """The same of a film."""
        name = show(outcome.job.source)
        what = {"ok": "films", "skipped": "skipped", "failed": "failed"}[outcome.status]
        if what == "failed":
            self._fail(name, outcome.error or "")
        else:
            self._counts[what] += 1
        self._notes += [f"{name}: {note}" for note in outcome.notes]
        if self._as_json:
            typer.echo(json.dumps(outcome.to_dict(self.colorizer)))

    def finish(self, page: Path | None) -> int:
        """Tell the end, and where the report is; returns the exit code."""
        done = self.count("coloured") + self.count("films")
        rate = f" ({done / self.seconds:.1f} files/s)" if done else ""
        parts = [f"{self._things()} coloured in {self.seconds:.1f} s{rate}"]
        if count := self.count("done before"):
            parts.append(f"{count} skipped, done before")
        if count := self.count("skipped"):
            parts.append(f"{count} skipped, whose output exists (--overwrite replaces it)")
        if count := self.count("left out"):
            parts.append(f"{count} left out as results of other pictures")
        if page is not None:
            parts.append(f"report in {show(page)}")
        failed = self.count("failed")
        if failed:
            parts.append(f"{failed} failed:")
        say("; ".join(parts))
        shown = list(self._failures)[: _NAMED if page else None]
        for line in shown:
            say(f"  {line}")
        if page is not None and failed > len(shown):
            say(f"  and {failed - len(shown)} more, which the report names")
        for note in self._notes:
            say(f"  {note}")
        return FAILED if failed else 0

    def _fail(self, source: str, why: str) -> None:
        self._counts["failed"] += 1
        name = show(source)
        self._failures.append(why if name in why else f"{name}: {why}")

    def _print(self, names: tuple[str, str | None, str | None], status: str, **values: Any) -> None:
        if self._as_json:
            typer.echo(json.dumps(record(*names, status, self.colorizer, **values)))

    def _things(self) -> str:
        """ "3 pictures and 1 film"."""
        counts = {"picture": self.count("coloured"), "film": self.count("films")}
        wanted = [what for what, n in counts.items() if n] or ["picture"]
        shown = (f"{counts[what]} {what}{'s' * (counts[what] != 1)}" for what in wanted)
        return " and ".join(shown)


def _line(row: Row) -> tuple[str, str, str | None]:
    return row.source, row.output, row.compare
