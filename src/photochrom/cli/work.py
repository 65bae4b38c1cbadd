"""Colouring one file, every page of it, and telling how it went."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ..archive.task import told
from ..cancel import CancelToken
from ..colorizer import Colorizer
from ..errors import ArgumentError
from ..options import ColorOptions, OutputOptions
from ..pipeline import colorize_file
from .film import Films
from .plan import STREAM, Job

if TYPE_CHECKING:
    from ..video.colorize_video import Film
    from ..video.segments.segment_workers import SegmentWorkers


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: the job.
        status: "skipped" if its output was there already.
        width, height: pixels of the first page.
        pages: how many were coloured.
        frames: how many a film has.
        seconds: from opening to the finished file.
        notes: what else the user should know, one line each.
        error: one line if it failed, or why it was skipped.
        mistaken: whether it failed because of an argument.
    """

    job: Job
    status: Literal["ok", "skipped", "failed"]
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    frames: int | None = None
    seconds: float | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None
    mistaken: bool = False

    def to_dict(self, colorizer: Colorizer | None) -> dict[str, Any]:
        """For --json; ``colorizer`` is that of the run, None if nothing was left to do."""
        job = self.job
        return record(
            STREAM if job.source is None else str(job.source),
            None if job.output is None else str(job.output),
            None if job.compare is None else str(job.compare),
            self.status,
            colorizer,
            width=self.width,
            height=self.height,
            pages=self.pages,
            frames=self.frames,
            seconds=self.seconds,
            notes=list(self.notes),
            error=self.error,
        )


def record(
    input: str,
    output: str | None,
    compare: str | None,
    status: str,
    colorizer: Colorizer | None,
    **values: Any,
) -> dict[str, Any]:
    """The line of --json about one file; what `values` lacks is null."""
    names = ("width", "height", "pages", "frames", "seconds", "notes", "model", "providers",
             "error")  # fmt: skip
    line: dict[str, Any] = {"input": input, "output": output, "compare": compare, "status": status}
    line |= dict.fromkeys(names) | {"notes": []} | values
    if line["seconds"] is not None:
        line["seconds"] = round(line["seconds"], 3)
    if colorizer is not None:
        line |= {"model": colorizer.model.card.name, "providers": colorizer.model.providers}
    return line


@dataclass(frozen=True)
class Work:
    """How one picture or film is coloured, with all cores.

    Attributes:
        colorizer: the loaded model.
        options: vividness, hints and so on.
        output: format, quality and limits.
        films: what is asked of films.
        cancel: checked between two steps.
        progress: called with the frames of a film that are done, and with all of them if known.
        workers: who paints and encodes films; None: this process.
    """

    colorizer: Colorizer
    options: ColorOptions = field(default_factory=ColorOptions)
    output: OutputOptions = field(default_factory=OutputOptions)
    films: Films = field(default_factory=Films)
    cancel: CancelToken = field(default_factory=CancelToken)
    progress: Callable[[int, int | None], None] = lambda done, total: None
    workers: SegmentWorkers | None = None

    def __call__(self, job: Job) -> Outcome:
        """Do ``job``; whatever goes wrong with it is in the outcome."""
        start = time.perf_counter()
        try:
            done = self._colour_film(job) if job.film else self._colour(job)
        except Exception as error:  # one film must not end those after it
            mistaken = isinstance(error, ArgumentError)
            done = Outcome(job, "failed", error=told(error), mistaken=mistaken)
        return replace(done, seconds=time.perf_counter() - start)

    def _colour(self, job: Job) -> Outcome:
        source = job.source or sys.stdin.buffer
        target = job.output or io.BytesIO()
        made = colorize_file(
            self.colorizer,
            source,
            target,
            self.options,
            self.output,
            compare=job.compare,
            cancel=self.cancel,
        )
        if isinstance(target, io.BytesIO):
            sys.stdout.buffer.write(target.getbuffer())
            sys.stdout.buffer.flush()
        return Outcome(job, "ok", made.width, made.height, made.pages, notes=made.notes)

    def _colour_film(self, job: Job) -> Outcome:
        def step(done: int, total: int | None) -> None:
            self.cancel.check()
            self.progress(done, total)

        assert job.source is not None
        assert job.output is not None
        job.output.parent.mkdir(parents=True, exist_ok=True)
        made = self.films.colour(
            job.source, job.output, self.colorizer, self.options, step, self.workers
        )
        height, width = made.shape
        return Outcome(job, "ok", width, height, frames=made.frames, notes=_notes(made))


def _notes(film: Film) -> tuple[str, ...]:
    notes = [str(each) for each in (*film.left_out, *film.converted)]
    if film.damage:
        notes.append(f"{film.path} holds what could be read of the source: {film.damage}")
    return tuple(notes)
