"""Events of a run as lines for people, bars on a terminal, and JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .._io import show
from ..archive.events import (
    Event,
    Note,
    Outcome,
    Planned,
    Progress,
    SkipReason,
    Summary,
    passed_over,
)
from . import FAILED, STOPPED, USAGE, complain, is_terminal, say

if TYPE_CHECKING:
    from .bars import FileBar

_NAMED = 100  # failures and notes that are told where there is a report that has all of them
_STATUS = {"done": "ok", "failed": "failed", "skipped": "skipped"}
_SKIPPED: dict[SkipReason, str] = {
    "done before": "skipped, done before",
    "output exists": "skipped, whose output exists (--overwrite replaces it)",
    "changed since": "skipped, whose output was changed since (--overwrite replaces it)",
    "result": "left out as results of other pictures",
    "in color": "skipped, in colour already (--in-color recolor colours them)",
}


class EventLines:
    """Tells the events of a run.

    Args:
        single: one file was named, of which everything is in one line.
        as_json: print each outcome as a line of JSON.
        quiet: tell nothing but failures.
        verbose: tell each file as it is finished.
    """

    def __init__(
        self, *, single: bool, as_json: bool = False, quiet: bool = False, verbose: bool = False
    ) -> None:
        self._single, self._as_json = single, as_json
        self._quiet, self._verbose = quiet, verbose
        self._planned: Planned | None = None
        self._bar: FileBar | None = None
        self._failures: list[str] = []
        self._notes: list[str] = []
        self._told: set[str] = set()  # notes
        self._mistaken = False

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While this is open, a bar shows the progress if somebody can see it."""
        hidden = self._quiet or self._verbose or (self._as_json and is_terminal(sys.stdout))
        if hidden or not is_terminal(sys.stderr):
            yield
            return
        from .bars import FileBar

        self._bar = FileBar()
        try:
            yield
        finally:
            self._bar.close()
            self._bar = None

    def __call__(self, event: Event) -> None:
        """Tell an event; may be called from any thread."""
        if isinstance(event, Planned):
            self._planned = event
        elif isinstance(event, Note):
            self._note(event)
        elif isinstance(event, Outcome):
            self._outcome(event)
        if self._bar is not None and (not self._single or _is_film(event)):
            self._bar.update(event)

    def _note(self, note: Note) -> None:
        """Tell at once what is known of a film before it is coloured."""
        if self._single or self._verbose:
            name = "photochrom" if self._single else show(note.task.source)
            self._tell(f"{name}: {note.text}")
            self._told.add(note.text)

    def _outcome(self, outcome: Outcome) -> None:
        if self._as_json:
            typer.echo(json.dumps(record(outcome, self._planned)))
        name = show(outcome.task.source)
        if outcome.state == "failed":
            error = outcome.error or ""
            line = error if name in error else f"{name}: {error}"
            if len(self._failures) < 100_000:
                self._failures.append(line)
            if self._verbose and not self._single:
                say(f"failed: {line}")
        elif outcome.state == "done":
            if self._single or self._verbose:
                self._tell(_line(outcome))
            if not self._single and len(self._notes) < 100_000:
                self._notes += [f"{name}: {note}" for note in outcome.notes]
        if self._single:
            self._end_of_one(outcome)

    def _end_of_one(self, outcome: Outcome) -> None:
        if outcome.state == "failed":
            complain(outcome.error or "")
        elif outcome.reason is not None:
            self._tell(f"{show(outcome.task.source)} {_SKIPPED[outcome.reason]}")
        for note in outcome.notes:
            if note not in self._told:
                self._tell(f"photochrom: {note}")
        self._mistaken = outcome.mistaken

    def _tell(self, line: str) -> None:
        if not self._quiet:
            say(line)

    def finish(self, summary: Summary, *, watching: bool = False) -> int:
        """Tell the end; returns the exit code."""
        if self._single:
            if summary.cancelled:
                complain("stopped; the same command goes on from there")
                return STOPPED
            return 0 if not summary.failed else USAGE if self._mistaken else FAILED
        if summary.cancelled and not watching:
            complain(f"{self._how_far(summary)}; the same command goes on from there")
            return STOPPED
        told = bool(self._failures or self._notes)
        last = _linked(summary.report)
        if not self._quiet or summary.failed:
            parts = [*_counts(summary), *([last] if last and not told else [])]
            parts += [f"{summary.failed} failed:"] * bool(summary.failed)
            say("; ".join(parts))
        self._list(self._failures, summary.failed, summary.report)
        if not self._quiet:
            self._list(self._notes, len(self._notes), summary.report)
            if last and told:
                say(last)
        if summary.stopped is not None:
            complain(f"stopped: {summary.stopped}; then the same command goes on from there")
            return FAILED
        return FAILED if summary.failed else 0

    def _list(self, lines: list[str], count: int, report: Path | None) -> None:
        shown = lines[: _NAMED if report else None]
        for line in shown:
            say(f"  {line}")
        if count > len(shown):
            say(f"  and {count - len(shown)} more, which the report names")

    def _how_far(self, summary: Summary) -> str:
        planned = self._planned
        if planned is None:
            return "stopped before anything was coloured"
        what = "files" if planned.videos else "pictures"
        return f"stopped after {summary.coloured} of {planned.files} {what}"


def record(outcome: Outcome, planned: Planned | None) -> dict[str, Any]:
    """The line of --json about one file; what is not known is null."""
    task = outcome.task
    return {
        "input": task.source,
        "output": task.output or None,
        "compare": task.compare,
        "status": _STATUS[outcome.state],
        "width": outcome.width,
        "height": outcome.height,
        "pages": outcome.pages,
        "frames": outcome.frames,
        "seconds": None if outcome.seconds is None else round(outcome.seconds, 3),
        "notes": list(outcome.notes),
        "model": planned and planned.model,
        "providers": list(planned.providers) if planned else None,
        "error": outcome.error,
    }


def _line(outcome: Outcome) -> str:
    size = f"{outcome.width}x{outcome.height}"
    if outcome.frames is not None:
        size = f"{outcome.frames} frames, {size}"
    elif outcome.pages != 1:
        size = f"{outcome.pages} pages, {size}"
    source, target = show(outcome.task.source), show(outcome.task.output)
    return f"{source} -> {target} ({size}, {outcome.seconds or 0:.2f} s)"


def _counts(summary: Summary) -> list[str]:
    """ "3 pictures and 1 film coloured in 2.0 s (2 files/s)", and what was not coloured."""
    counts = {"picture": summary.pictures, "film": summary.videos}
    wanted = [what for what, n in counts.items() if n] or ["picture"]
    things = " and ".join(f"{counts[what]} {what}{'s' * (counts[what] != 1)}" for what in wanted)
    done, seconds = summary.coloured, max(summary.seconds, 1e-3)
    rate = f" ({done / seconds:.1f} files/s)" if done else ""
    parts = [f"{things} coloured in {summary.seconds:.1f} s{rate}"]
    parts += [f"{summary.skipped[why]} {words}" for why, words in _SKIPPED.items()
              if summary.skipped[why]]  # fmt: skip
    if summary.passed_over:
        parts.append(f"passed over: {passed_over(summary.passed_over)}")
    return parts


def _linked(report: Path | None) -> str | None:
    """Where the report is; on a terminal, a link to it."""
    if report is None:
        return None
    name = show(report)
    if is_terminal(sys.stderr):
        name = f"\033]8;;{report.absolute().as_uri()}\033\\{name}\033]8;;\033\\"
    return f"report in {name}"


def _is_film(event: Event) -> bool:
    return isinstance(event, Progress) or (isinstance(event, Planned) and event.videos > 0)
