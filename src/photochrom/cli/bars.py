"""Progress bars on a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from ..archive.events import Event, Outcome, Planned, Progress
from . import is_terminal

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


def progress_bar(*columns: str) -> RichProgress:
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
        disable=not is_terminal(sys.stderr),
    )


class FileBar:
    """Files and the frames of the current film, on standard error; gone when it is closed."""

    def __init__(self) -> None:
        self._rich = progress_bar("{task.fields[text]}")
        self._rich.start()
        self._files: TaskID | None = None
        self._film: TaskID | None = None
        self._begun = self._begun_film = time.perf_counter()
        self._first = 0
        self._planned = Planned(0, 0, 0)
        self._counts = {"done": 0, "failed": 0, "pixels": 0}

    def close(self) -> None:
        """Remove the bar."""
        self._rich.stop()

    def update(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, Planned):
            self._planned = event
            if event.files > 1:
                # By bytes, which say more about the time that is left than files do.
                self._files = self._rich.add_task("", total=event.size, text="")
                self._begun = time.perf_counter()
        elif isinstance(event, Progress):
            self._frames(event)
        elif isinstance(event, Outcome) and event.state != "skipped" and self._files is not None:
            self._file(event)

    def _file(self, outcome: Outcome) -> None:
        self._counts["done"] += 1
        self._counts["pixels"] += outcome.pixels
        self._counts["failed"] += outcome.state == "failed"
        seconds = max(time.perf_counter() - self._begun, 1e-3)
        text = (
            f"{self._counts['done']}/{self._planned.files} "
            f"{self._counts['done'] / seconds:.1f} files/s, "
            f"{self._counts['pixels'] / 1e6 / seconds:.1f} MP/s"
        )
        if self._counts["failed"]:
            text += f" {self._counts['failed']} failed"
        assert self._files is not None
        self._rich.update(self._files, advance=outcome.task.size, text=text)
        if self._film is not None:
            self._rich.remove_task(self._film)
            self._film = None

    def _frames(self, progress: Progress) -> None:
        if self._film is None:
            self._film = self._rich.add_task("", total=progress.total, text="")
            # The rate is that of this call, which may go on with an earlier one's work.
            self._begun_film, self._first = time.perf_counter(), progress.done
        seconds = max(time.perf_counter() - self._begun_film, 1e-3)
        rate = (progress.done - self._first) / seconds
        total = None if progress.total is None else max(progress.done, progress.total)
        self._rich.update(
            self._film, completed=progress.done, total=total, text=f"{rate:.1f} frames/s"
        )
