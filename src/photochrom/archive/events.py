"""What a run of an archive reports: the plan, the progress of a film, the outcome of every file."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .._io import show
from ..errors import ArgumentError, CancelledError, PhotochromError

TaskKind = Literal["picture", "video"]

SkipReason = Literal["done before", "output exists", "changed since", "result", "in color"]
"""Why a file was not coloured: it was by an earlier run; a file that is not from this archive is
in the place of its result, or the result was changed since; it is itself a result of Photochrom;
it is in colour already."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class Task:
    """One file to colour.

    Attributes:
        id: of its row in the manifest.
        source, output: paths or URLs; ``"-"`` for standard input and output.
        compare: where the before-and-after picture goes; None: nowhere.
        size: bytes of the source.
        kind: picture or video.
        note: a line about it for the user, such as that its name was taken.
        named: it was named itself rather than found in a folder.
    """

    id: int
    source: str
    output: str
    compare: str | None = None
    size: int = 0
    kind: TaskKind = "picture"
    note: str | None = None
    named: bool = False


@dataclass(frozen=True)
class Outcome:
    """The end of a task.

    Attributes:
        task: the task.
        state: ``"done"`` if its output is complete.
        width, height: of the first page or of the frames, in pixels.
        pages, frames: of a picture, of a film.
        pixels: of all pages.
        seconds: from opening to the finished file.
        written: the output's size in bytes.
        version: the output's version, as `storage.Stat` has it.
        notes: what was not carried over and what else the user should know, a line each.
        doubt: 0...1, how unsure the model was in the mean; None where it gives no distribution.
        reason: why it was skipped.
        error: one line if it failed or was skipped.
        passing: the reason of a failure may be gone the next time: the network, rights, memory.
        fatal: the next file would fail for the same reason: the disk is full.
        mistaken: it failed because of an argument.
    """

    task: Task
    state: Literal["done", "failed", "skipped"]
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    frames: int | None = None
    pixels: int = 0
    seconds: float | None = None
    written: int | None = None
    version: str | None = None
    notes: tuple[str, ...] = ()
    doubt: float | None = None
    reason: SkipReason | None = None
    error: str | None = None
    passing: bool = False
    fatal: bool = False
    mistaken: bool = False

    @classmethod
    def failed(cls, task: Task, error: BaseException) -> Outcome:
        """The outcome of a task that ended with an exception."""
        causes = list(_causes(error))
        # Pillow has OSErrors without a number, for damaged pictures.
        numbers = [each.errno for each in causes if isinstance(each, OSError) and each.errno]
        lost = (ConnectionError, TimeoutError, FileNotFoundError, MemoryError, CancelledError)
        return cls(
            task,
            "failed",
            error=_in_one_line(error),
            passing=bool(numbers) or any(isinstance(each, lost) for each in causes),
            fatal=any(number in _FULL for number in numbers),
            mistaken=isinstance(error, ArgumentError),
        )


@dataclass(frozen=True)
class Planned:
    """The files were looked at; colouring begins.

    Attributes:
        files: that are to be coloured in this run.
        size: bytes of them.
        videos: how many of them are films.
        model: the model's name.
        providers: ONNX Runtime's execution providers, first choice first.
    """

    files: int
    size: int
    videos: int = 0
    model: str | None = None
    providers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """The frames of a film that are done; reported from any thread.

    Attributes:
        task: the film.
        done: frames.
        total: frames in all, if known.
    """

    task: Task
    done: int
    total: int | None


@dataclass(frozen=True)
class Note:
    """Something that should be known of a film before it is coloured; reported from any thread.

    Attributes:
        task: the film.
        text: one line.
    """

    task: Task
    text: str


def passed_over(counts: Counter[str]) -> str:
    """``12 .txt, 3 .xmp``."""
    return ", ".join(f"{number} {ending}" for ending, number in counts.most_common())


Event = Planned | Note | Progress | Outcome


@dataclass
class Summary:
    """The end of a run.

    Attributes:
        pictures, videos: that were coloured.
        pixels: of those pictures.
        failed: files and folders that could not be coloured or read.
        skipped: files by the reason why they were not coloured.
        passed_over: files in folders that are neither picture nor film, by the ending of their
            name in lower case.
        remaining: files that are still to be coloured: a limit or a cancellation ended the run.
        seconds: that the run took.
        report: the HTML report.
        stopped: why the run ended early, such as a full disk; None if it did not.
        cancelled: it was ended by its `CancelToken`.
        model: the model's name; None if nothing was left to do.
    """

    pictures: int = 0
    videos: int = 0
    pixels: int = 0
    failed: int = 0
    skipped: Counter[SkipReason] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    remaining: int = 0
    seconds: float = 0.0
    report: Path | None = None
    stopped: str | None = None
    cancelled: bool = False
    model: str | None = None

    @property
    def coloured(self) -> int:
        """Pictures and films that were coloured."""
        return self.pictures + self.videos

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        if outcome.state == "failed":
            self.failed += 1
        elif outcome.state == "skipped":
            assert outcome.reason is not None
            self.skipped[outcome.reason] += 1
        elif outcome.task.kind == "video":
            self.videos += 1
        else:
            self.pictures += 1
            self.pixels += outcome.pixels


def _in_one_line(error: BaseException) -> str:
    """An exception, in one line for the user."""
    if isinstance(error, PhotochromError | CancelledError):
        return str(error)
    if isinstance(error, MemoryError):
        return "the picture does not fit into memory; close other programs or make it smaller"
    if isinstance(error, OSError) and error.strerror:
        where = f"{show(error.filename)}: " if error.filename else ""
        return f"{where}{error.strerror}"
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return f"internal error: {words[:300]}; please report it together with the picture"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those it came from, also where the message hides them."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
