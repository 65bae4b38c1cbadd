"""Colouring one file of an archive: from its path or URL to the finished result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .._io import show
from ..colorizer import Colorizer
from ..errors import ArgumentError, CancelToken, InColorError
from ..gamut import entropy
from ..media import FORMATS, HEAD, identify, read_head
from ..options import ColorOptions, OutputOptions, VideoOptions, digest_of
from ..pipeline import Step, colorize_file
from . import storage
from .events import Outcome, SkipReason, Task, TaskKind

if TYPE_CHECKING:
    from ..video.colorize_video import Film
    from ..video.segments.segment_workers import SegmentWorkers

BYTES_PER_PIXEL = 24
"""Memory that a picture takes at its peak: measured on 16-bit TIFFs, which take the most."""

_GUESS = 8  # pixels per byte of a file whose header is not read
_ALWAYS = ("vividness", "size", "hints", "quality")  # in the settings, as the first archives have
_NEVER = ("max_pixels", "strict")  # what they refuse is not written at all

ReportFrames = Callable[[Task, int, "int | None"], None]


class Loaded(NamedTuple):
    """A loaded model: its name and its execution providers, first choice first."""

    name: str
    providers: tuple[str, ...]


class Work:
    """Colours files; can be sent to other processes, each of which loads the model once.

    In an archive one thread works on a picture, and the network sees one picture at a time:
    pictures side by side use the cores better than threads within one, a batch gains nothing on a
    processor, and what is written does not depend on what else is being done.

    Args:
        model: the ONNX file.
        options: vividness, hints and so on.
        output: format, quality and limits of pictures.
        video: codec and so on of films.
        in_color: as of `ArchiveOptions`.
        threads: for one picture; None: as many as there are cores.
        memory: bytes that a picture may take; larger ones are done one at a time.
        turn: the lock file that those wait for; None: they do not wait.

    Attributes:
        cancel: ends what is being done.
        on_frames: called with a film, its frames that are done, and those in all if known.
        on_note: called with a film and a line about it, before it is coloured.
        segment_workers: who paints and encodes films; None: this process.
    """

    def __init__(
        self,
        model: Path,
        *,
        options: ColorOptions | None = None,
        output: OutputOptions | None = None,
        video: VideoOptions | None = None,
        in_color: str | None = None,
        threads: int | None = 1,
        memory: int = 2 << 30,
        turn: str | None = None,
    ) -> None:
        self.model = model
        self.options, self.output = options or ColorOptions(), output or OutputOptions()
        self.video, self.threads = video or VideoOptions(), threads
        self.in_color = in_color
        self.memory, self.turn = memory, turn
        self.cancel = CancelToken()
        self.on_frames: ReportFrames = lambda task, done, total: None
        self.on_note: Callable[[Task, str], None] = lambda task, text: None
        self.segment_workers: SegmentWorkers | None = None
        self._loading = threading.Lock()
        self._loaded: dict[TaskKind, Colorizer] = {}

    def __getstate__(self) -> dict[str, Any]:
        kept = ("model", "options", "output", "video", "in_color", "threads", "memory", "turn")
        return {name: getattr(self, name) for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state.pop("model"), **state)  # type: ignore[misc]

    def load(self, kind: TaskKind = "picture") -> Colorizer:
        """The loaded model, one for all threads of the process; raises as `Colorizer`."""
        with self._loading:
            if kind not in self._loaded:
                self._loaded[kind] = found = _colorizer(self.model, kind, self.threads)
                found.model.fit(64, 64, self.options.size)  # refused now, if at all
            return self._loaded[kind]

    def describe(self, kind: TaskKind = "picture") -> Loaded:
        """Load the model, and say what it is; raises as `load`."""
        model = self.load(kind).model
        return Loaded(model.card.name, tuple(model.providers))

    def settings(self) -> dict[str, Any]:
        """Everything but the model that decides the bytes of a picture, as JSON values.

        What has its default is left out but for the oldest settings, so that an archive is not
        coloured again because a new setting exists.
        """
        values: dict[str, Any] = {}
        for options in (replace(self.options, reference=()), self.output):
            plain = asdict(options)
            for hint in plain.get("hints", ()):
                if hint["time"] is None:
                    del hint["time"]
            for field in fields(options):
                default = () if field.name == "hints" else field.default
                changed = getattr(options, field.name) != default
                if field.name in _ALWAYS or (changed and field.name not in _NEVER):
                    values[field.name] = plain[field.name]
        named = [digest_of(one)[:16] for one in self.options.references]
        placed = [[digest_of(s.picture)[:16], s.moment.plain] for s in self.options.stills]
        return values | ({"reference": [*named, *placed]} if named or placed else {})

    def __call__(self, task: Task) -> Outcome:
        """Do ``task``; whatever goes wrong with it is in the outcome."""
        start = time.perf_counter()
        try:
            done = self._video(task) if task.kind == "video" else self._picture(task)
        except InColorError as error:
            reason: SkipReason = "result" if error.result else "in color"
            done = Outcome(task, "skipped", reason=reason, error=str(error))
        except Exception as error:  # one file must not end an archive
            done = Outcome.failed(task, error)
        notes = ((task.note,) if task.note else ()) + done.notes
        return replace(done, seconds=time.perf_counter() - start, notes=notes)

    def _picture(self, task: Task) -> Outcome:
        doubts: list[float] = []

        def note_doubt(step: Step) -> None:
            if step.prepared is not None and step.prepared.logits is not None:
                # Every other cell says as much, in a quarter of the time.
                doubts.append(float(entropy(step.prepared.logits[None, :, ::2, ::2]).mean()))

        source = storage.read(task.source)
        in_color = self.in_color or ("recolor" if task.named else "skip")
        with self._turn(source, task.size), ExitStack() as files:
            target = files.enter_context(storage.writing(task.output))
            compare = task.compare and files.enter_context(storage.writing(task.compare))
            made = colorize_file(
                self.load(),
                source,
                target,
                self.options,
                replace(self.output, in_color=in_color),
                compare=compare,
                cancel=self.cancel,
                on_step=note_doubt,
            )
        return self._done(
            task,
            Outcome(
                task,
                "done",
                made.width,
                made.height,
                pages=made.pages,
                frames=made.frames,
                pixels=made.pixels,
                notes=made.notes,
                doubt=sum(doubts) / len(doubts) if doubts else None,
            ),
        )

    def _video(self, task: Task) -> Outcome:
        from ..video.colorize_video import colorize_video

        source, output = storage.local(task.source), storage.local(task.output)
        if source is None or output is None:
            raise ArgumentError(
                f"the film {show(task.source)} cannot be coloured",
                expected="files on this machine, for films are read and written in parts",
                got=show(task.source if source is None else task.output),
                fix="copy it first",
            )
        output.parent.mkdir(parents=True, exist_ok=True)
        colorizer = self.load("video")

        def progress(done: int, total: int | None) -> None:
            self.on_frames(task, done, total)

        def note(text: str) -> None:
            self.on_note(task, text)

        if source.is_dir():
            from ..video.colorize_sequence import colorize_sequence

            made = colorize_sequence(
                source,
                output,
                self.options,
                self.output,
                in_color=self.video.in_color,
                colorizer=colorizer,
                progress=progress,
                on_note=note,
                cancel=self.cancel,
            )
        else:
            made = colorize_video(
                source,
                output,
                self.options,
                self.video,
                colorizer=colorizer,
                progress=progress,
                on_note=note,
                workers=self.segment_workers,
                cancel=self.cancel,
            )
        height, width = made.shape
        notes = _film_notes(made)
        if self.video.shots is not None and made.resumed:
            notes += (f"{made.resumed} of {made.frames} frames, of shots that did not change, "
                      "were kept as they were made before",)  # fmt: skip
        return self._done(
            task, Outcome(task, "done", width, height, frames=made.frames, notes=notes)
        )

    def _done(self, task: Task, outcome: Outcome) -> Outcome:
        """The outcome with what the manifest remembers of the finished file."""
        storage.keep_attributes(task.source, task.output)
        written = storage.stat(task.output)
        if written is None:
            return outcome
        return replace(outcome, written=written.size, version=written.version)

    def _turn(self, source: Any, size: int) -> Any:
        """For a large picture, a lock that one of them has at a time."""
        if self.turn is None or size * _GUESS * BYTES_PER_PIXEL <= self.memory:
            return nullcontext()
        if _pixels(source, size) * BYTES_PER_PIXEL <= self.memory:
            return nullcontext()
        # The system frees a file's lock when its holder dies. Each thread has a lock of its own.
        from filelock import FileLock

        return FileLock(self.turn)


def _colorizer(model: Path, kind: TaskKind, threads: int | None) -> Colorizer:
    if kind == "picture":
        return Colorizer(model, threads=threads)
    from ..video.color.coloring import film_colorizer

    return film_colorizer(model)


def _film_notes(film: Film) -> tuple[str, ...]:
    notes = [str(each) for each in (*film.left_out, *film.converted)]
    notes += film.notes
    if film.kept:
        notes.append(
            f"{film.kept} of {film.frames} frames were in colour and stay as they were; "
            "--in-color recolor gives them new colours"
        )
    if film.damage:
        notes.append(f"{film.path} holds what could be read of the source: {film.damage}")
    return tuple(notes)


def _pixels(source: Any, size: int) -> int:
    """Of a picture that is not decoded yet; a guess if its header says nothing."""
    from ..picture.codec import library, load

    if isinstance(source, Path):
        format, path, data = identify(read_head(source)).format, str(source), None
    else:
        data, path = source.getvalue(), None
        format = identify(data[:HEAD]).format
    if format not in FORMATS or FORMATS[format].vips is None:
        return size * _GUESS
    try:
        image = load(format, path, data)
    except library().Error:
        return 0  # reading it will tell
    return int(image.width * image.height)
