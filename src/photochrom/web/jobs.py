"""Work that takes long: many pictures, or a film, in the background, with progress and an end."""

from __future__ import annotations

import importlib.util
import threading
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .._io import replacing
from ..cancel import CancelToken
from ..colorizer import Colorizer
from ..errors import CancelledError, MissingExtraError, PhotochromError, PictureError
from ..options import ColorOptions

Progress = Callable[[int, int | None], None]


@dataclass
class Job:
    """One piece of work on a thread of its own.

    Attributes:
        about: what it is for: "pictures", or the key of a film.
        unit: what is counted, in the plural.
        result: the file the work writes.
        work: called with a function to report progress to; returns what went wrong, in lines.
        status: how it stands.
        done, total: how far it is; the total may not be known.
        problems: what went wrong, in lines for people.
    """

    about: str
    unit: str
    result: Path
    work: Callable[[Progress], list[str]]
    status: Literal["running", "done", "failed", "cancelled"] = "running"
    done: int = 0
    total: int | None = None
    problems: list[str] = field(default_factory=list)
    _cancel: CancelToken = field(default_factory=CancelToken)

    def start(self) -> None:
        """Begin; returns at once."""
        threading.Thread(target=self._run, name="photochrom job", daemon=True).start()

    def cancel(self) -> None:
        """Ask the work to end; it does at its next step."""
        self._cancel.set()

    def report(self, done: int, total: int | None) -> None:
        """Note how far the work is.

        Raises:
            CancelledError: nobody wants it any more.
        """
        self._cancel.check()
        self.done, self.total = done, total

    def _run(self) -> None:
        try:
            self.problems = self.work(self.report)
            self.status = "done"
        except CancelledError:
            self.status = "cancelled"
        except Exception as error:  # a thread has nobody else to tell
            known = isinstance(error, PhotochromError)
            self.problems = [str(error) if known else f"{type(error).__name__}: {error}"]
            self.status = "failed"


@dataclass(frozen=True)
class Task:
    """One picture of many.

    Attributes:
        name: of the original.
        colour: writes the result to a file whose path begins with the one given, and returns it.
    """

    name: str
    colour: Callable[[Path], Path]


def write_zip(target: Path, tasks: Sequence[Task], progress: Progress) -> list[str]:
    """Colour pictures into a ZIP file.

    Args:
        target: the ZIP file; whole or not at all.
        tasks: the pictures.
        progress: called with the number of pictures done and all.

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
                    one = task.colour(target.with_name(f"{target.stem}-{number}"))
                except PhotochromError as error:
                    problems.append(f"{task.name}: {error}")
                    continue
                name = f"{Path(task.name).stem}-color{one.suffix}"
                archive.write(one, _free(name, set(archive.namelist())))
                one.unlink()
        if len(problems) == len(tasks):
            raise PictureError(
                "no picture could be coloured",
                expected="at least one that can be read",
                got="; ".join(problems),
                fix="give other pictures",
            )
        progress(len(tasks), len(tasks))
    return problems


def film_missing() -> str | None:
    """Why films cannot be coloured here, in a line; None if they can."""
    for package in ("av", "cv2"):
        if importlib.util.find_spec(package) is None:
            return str(MissingExtraError.of(package, "video", "Colouring films"))
    return None


def colour_film(
    source: Path, target: Path, colorizer: Colorizer, options: ColorOptions, progress: Progress
) -> list[str]:
    """Colour a film; nothing to report when it went well."""
    from ..video.colorize_video import colorize_video

    colorize_video(source, target, colorizer=colorizer, options=options, progress=progress)
    return []


def _free(name: str, taken: set[str]) -> str:
    """`name`, with a number if it is taken."""
    path, number = Path(name), 2
    while name in taken:
        name = f"{path.stem}-{number}{path.suffix}"
        number += 1
    return name
