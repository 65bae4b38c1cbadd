"""Colouring one file, every page of it, and telling how it went."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Literal

from ..colorizer import Colorizer, Prepared
from ..errors import ArgumentError, PhotochromError
from ..hints import Hint
from ..picture import MAX_PIXELS, Picture, open_pages, save_pages
from ..picture.formats import show
from .film import Films
from .plan import STREAM, Job

if TYPE_CHECKING:
    from ..video.colorize import Film


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
        return {
            "input": STREAM if job.source is None else str(job.source),
            "output": None if job.output is None else str(job.output),
            "compare": None if job.compare is None else str(job.compare),
            "status": self.status,
            "width": self.width,
            "height": self.height,
            "pages": self.pages,
            "frames": self.frames,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "notes": list(self.notes),
            "model": None if colorizer is None else colorizer.model.card.name,
            "providers": None if colorizer is None else colorizer.model.providers,
            "error": self.error,
        }


@dataclass(frozen=True)
class Work:
    """How pictures are coloured.

    Attributes:
        colorizer: the loaded model.
        hints: colours fixed at places, in every picture.
        max_pixels: limit on a picture's size.
        quality: 1...100 for formats with loss; None: the format's default.
        films: what is asked of films.
        stop: set to give up between two steps.
        progress: called with the frames of a film that are done, and with all of them if known.
    """

    colorizer: Colorizer
    hints: Sequence[Hint] = ()
    max_pixels: int = MAX_PIXELS
    quality: int | None = None
    films: Films = field(default_factory=Films)
    stop: Event = field(default_factory=Event)
    progress: Callable[[int, int | None], None] = lambda done, total: None

    def __call__(self, job: Job) -> Outcome:
        """Do ``job``; whatever goes wrong with it is in the outcome."""
        start = time.perf_counter()
        try:
            done = self._colour_film(job) if job.film else self._colour(job)
        except Exception as error:  # one file must not end a batch
            mistaken = isinstance(error, ArgumentError)
            done = Outcome(job, "failed", error=_told(error), mistaken=mistaken)
        return replace(done, seconds=time.perf_counter() - start)

    def _colour(self, job: Job) -> Outcome:
        pages = _Pages(self, job)
        try:
            if job.output is None:
                buffer = io.BytesIO()
                self._save(pages, buffer)
                sys.stdout.buffer.write(buffer.getbuffer())
                sys.stdout.buffer.flush()
            else:
                pages.begin()
                job.output.parent.mkdir(parents=True, exist_ok=True)
                self._save(pages, job.output)
        except BaseException:
            if pages.compared:  # a before-and-after picture stands for a finished one
                pages.compared.unlink(missing_ok=True)
            raise
        return Outcome(job, "ok", pages.width, pages.height, pages.count)

    def _colour_film(self, job: Job) -> Outcome:
        def step(done: int, total: int | None) -> None:
            if self.stop.is_set():
                raise StoppedError
            self.progress(done, total)

        assert job.source is not None
        assert job.output is not None
        job.output.parent.mkdir(parents=True, exist_ok=True)
        made = self.films.colour(job.source, job.output, self.colorizer, step)
        height, width = made.shape
        return Outcome(job, "ok", width, height, frames=made.frames, notes=_notes(made))

    def _save(self, pages: _Pages, target: Path | io.BytesIO) -> None:
        save_pages(iter(pages), target, quality=self.quality)


class StoppedError(Exception):
    """Raised between two steps after Ctrl-C."""


class _Pages:
    """The coloured pages of a job, made as they are asked for."""

    def __init__(self, work: Work, job: Job) -> None:
        self._work, self._job = work, job
        self.width = self.height = self.count = 0
        self.compared: Path | None = None
        self._sources = open_pages(job.source or sys.stdin.buffer, max_pixels=work.max_pixels)
        self._first: Picture | None = None

    def begin(self) -> None:
        """Open the first page, so that a file that is no picture leaves no trace."""
        self._first = next(self._sources)

    def __iter__(self) -> Iterator[Picture]:
        while page := self._next():
            prepared = self._step(self._work.colorizer.prepare, page)
            picture = self._step(self._work.colorizer.render, prepared, hints=self._work.hints)
            if not self.count:
                self.width, self.height = picture.width, picture.height
                self._compare(prepared, picture)
            self.count += 1
            del page, prepared
            yield picture
            del picture  # before the next one is read

    def _next(self) -> Picture | None:
        first, self._first = self._first, None
        return first or next(self._sources, None)

    def _step(self, step: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self._work.stop.is_set():
            raise StoppedError
        return step(*args, **options)

    def _compare(self, prepared: Prepared, picture: Picture) -> None:
        path = self._job.compare
        if path is not None:
            from .compare import before_after

            path.parent.mkdir(parents=True, exist_ok=True)
            side_by_side = before_after(prepared.grey, picture.pixels).with_note(picture.note)
            side_by_side.save(path, quality=self._work.quality)
            self.compared = path


def _notes(film: Film) -> tuple[str, ...]:
    notes = [str(each) for each in film.left_out]
    if film.damage:
        notes.append(f"{film.path} holds what could be read of the source: {film.damage}")
    return tuple(notes)


def _told(error: Exception) -> str:
    if isinstance(error, PhotochromError):
        return str(error)
    if isinstance(error, MemoryError):
        return "the picture does not fit into memory; close other programs or make it smaller"
    if isinstance(error, OSError) and error.strerror:
        where = f"{show(error.filename)}: " if error.filename else ""
        return f"{where}{error.strerror}"
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return f"internal error: {words[:300]}; please report it together with the picture"
