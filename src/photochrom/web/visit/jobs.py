"""Background jobs of a visit: many pictures, or a film, with progress and an end."""

from __future__ import annotations

import logging
import threading
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..._io import replacing
from ...colorizer import Colorizer
from ...errors import CancelledError, CancelToken, PhotochromError, PictureError
from .canvas import Canvas, Finish
from .words import explain

_INTERRUPTED = "The program ended in the middle of it. Start it again: a film goes on where it was."

Progress = Callable[[int, int | None], None]


@dataclass
class Job:
    """One piece of work on a thread of its own."""

    about: str  # what it is for: "pictures", or the key of a film
    unit: str  # what is counted, in the plural
    result: Path  # the file the work writes
    # called with a function to report progress to and the token that cancels it; returns what went
    # wrong, in lines
    work: Callable[[Progress, CancelToken], list[str]]
    # `Workspace.looks` when it was started, to tell whether the result is stale
    looks: list[Any] = field(default_factory=list)
    status: Literal["running", "done", "failed", "cancelled"] = "running"  # how it stands
    # done, total: how far it is; the total may not be known
    done: int = 0
    total: int | None = None
    started: float = field(default_factory=time.monotonic)  # on the clock `time.monotonic`
    problems: list[str] = field(default_factory=list)  # what went wrong, in lines for people
    aside: bool = False  # others may run beside it
    _cancel: CancelToken = field(default_factory=CancelToken)

    def to_json(self) -> dict[str, Any]:
        """Values for `json`, see `from_json`."""
        return {
            "about": self.about,
            "unit": self.unit,
            "result": self.result.name,
            "looks": self.looks,
            "status": self.status,
            "problems": self.problems,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any], folder: Path) -> Job:
        """A job of a program that has ended: done if its result is there; it cannot be started."""
        job = cls(
            values["about"],
            values["unit"],
            folder / Path(values["result"]).name,
            lambda progress, cancel: [],
            values["looks"],
            status=values["status"],
            problems=list(values["problems"]),
        )
        if job.result.is_file():
            job.status = "done"
        elif job.status in ("running", "done"):
            job.status, job.problems = "failed", [_INTERRUPTED]
        return job

    def start(self) -> None:
        """Begin; returns at once."""
        threading.Thread(target=self._run, name="photochrom job", daemon=True).start()

    def cancel(self) -> None:
        """Ask the work to end; it does at its next step."""
        self._cancel.set()

    def report(self, done: int, total: int | None) -> None:
        """Note how far the work is; CancelledError if nobody wants it any more."""
        self._cancel.check()
        self.done, self.total = done, total

    def _run(self) -> None:
        try:
            self.problems = self.work(self.report, self._cancel)
            self.status = "done"
        except CancelledError:
            self.status = "cancelled"
        except Exception as error:  # a thread has nobody else to tell
            logging.getLogger(__name__).info("a task of the app failed", exc_info=error)
            self.problems = [explain(error)[0]]
            self.status = "failed"

    @property
    def seconds_left(self) -> float | None:
        """What the rest takes at the pace so far, if that can be said yet."""
        spent = time.monotonic() - self.started
        if not self.total or self.done < 2 or spent < 3:
            return None
        return spent / self.done * max(self.total - self.done, 0)


@dataclass(frozen=True)
class Task:
    """One picture of many."""

    name: str  # of the original
    # writes the result to a file whose path begins with the one given, and returns it; the token
    # cancels it
    colour: Callable[[Path, CancelToken], Path]


def write_zip(
    target: Path, tasks: Sequence[Task], progress: Progress, cancel: CancelToken
) -> list[str]:
    """Colour pictures into a ZIP file.

    Args:
        target: the ZIP file; whole or not at all.
        tasks: the pictures.
        progress: called with the number of pictures done and all.
        cancel: given to the tasks.

    Returns:
        A line for each picture that failed.

    Raises:
        PictureError: none could be coloured.
    """
    problems = []
    with replacing(target) as part:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:  # pictures are packed
            for number, task in enumerate(tasks):
                progress(number, len(tasks))
                try:
                    one = task.colour(target.with_name(f"{target.stem}-{number}"), cancel)
                except (PhotochromError, MemoryError) as error:
                    problems.append(explain(error, task.name)[0])
                    continue
                name = f"{Path(task.name).stem}-color{one.suffix}"
                archive.write(one, _free(name, set(archive.namelist())))
                one.unlink()
        if len(problems) == len(tasks):
            raise PictureError(
                "no picture could be coloured",
                expected="at least one that can be read",
                got="; ".join(problems),
            )
        progress(len(tasks), len(tasks))
    return problems


def save_colored(
    colorizer: Colorizer, source: Path, finish: Finish, target: Path, cancel: CancelToken
) -> Path:
    """Colour a picture into a file, in the original's format, whose suffix is put to `target`.

    Returns:
        The file that was written.

    Raises:
        PictureError: the file cannot be read or written.
        CancelledError: `cancel` was set.
    """
    canvas = Canvas(colorizer, source)
    cancel.check()
    path = target.with_name(target.name + canvas.suffix)
    canvas.save(path, finish, cancel)
    return path


def _free(name: str, taken: set[str]) -> str:
    """`name`, with a number if it is taken."""
    path, number = Path(name), 2
    while name in taken:
        name = f"{path.stem}-{number}{path.suffix}"
        number += 1
    return name
