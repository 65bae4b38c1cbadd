"""The arguments of one run of an archive, and what runs of one and of many files share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from .._system import cores, memory_budget
from ..cancel import CancelToken
from ..errors import ArgumentError
from ..options import ColorOptions, OutputOptions, Source, VideoOptions
from .archive_options import ArchiveOptions
from .events import Event, Note, Outcome, Planned, Progress, Summary, Task
from .naming import Naming
from .work import Loaded, Work

OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The default of `run`'s ``on_event``."""


@dataclass
class Settings:
    """The arguments of one run, see `engine.run`, and its summary."""

    sources: list[str]
    output: str | None
    model: Path
    options: ColorOptions = field(default_factory=ColorOptions)
    output_options: OutputOptions = field(default_factory=OutputOptions)
    video: VideoOptions = field(default_factory=VideoOptions)
    archive: ArchiveOptions = field(default_factory=ArchiveOptions)
    on_event: OnEvent = ignore
    cancel: CancelToken = field(default_factory=CancelToken)
    summary: Summary = field(default_factory=Summary)
    started: float = field(default_factory=time.perf_counter)

    @property
    def naming(self) -> Naming:
        """How results are called."""
        return Naming(self.archive.suffix, self.video.compare, self.output_options.format)

    def work(self, *, threads: int | None, turn: str | None = None) -> Work:
        """How one file is coloured."""
        # Workers on other machines have another working directory.
        reference = [
            *(_absolute(one) for one in self.options.references),
            *(replace(still, picture=_absolute(still.picture)) for still in self.options.stills),
        ]
        work = Work(
            self.model,
            options=replace(self.options, reference=reference),
            output=self.output_options,
            video=self.video,
            in_color=self.archive.in_color,
            threads=threads,
            # Half of the memory is for all that are done side by side, half for a large one.
            memory=memory_budget() // (2 * (self.archive.jobs or cores())),
            turn=turn,
        )
        work.cancel = self.cancel

        def report(task: Task, done: int, total: int | None) -> None:
            self.on_event(Progress(task, done, total))

        work.on_frames = report
        work.on_note = lambda task, text: self.on_event(Note(task, text))
        return work

    def tell(self, outcome: Outcome) -> None:
        """Count an outcome and report it."""
        self.summary.add(outcome)
        self.on_event(outcome)

    def begin(self, loaded: Loaded, planned: Planned) -> None:
        """Report what is planned."""
        self.summary.model = loaded.name
        self.on_event(replace(planned, model=loaded.name, providers=loaded.providers))

    def finished(self) -> Summary:
        """The summary, with the time."""
        self.summary.seconds = time.perf_counter() - self.started
        return self.summary

    def check_kinds(self, videos: int, pictures: int) -> None:
        """Refuse options that nothing takes.

        Raises:
            ArgumentError: options of films without a film, of pictures without a picture, or hints
                for a film.
        """
        hints, stills = self.options.hints, self.options.stills
        placed = [hint for hint in hints if hint.time is not None]
        if pictures or videos != 1:
            ArgumentError.refuse(
                {
                    "--hint TIME:X,Y,COLOUR": placed,
                    "--reference FILE@TIME": stills,
                    "--shots": self.video.shots,
                },
                "one film",
                "pictures" if not videos else "several files",
                "leave it out, or colour the film apart",
            )
        if videos and len(placed) < len(hints):
            raise ArgumentError(
                "--hint (hints=) cannot be used",
                expected="pictures, or the time of its frame, as in 1:30:410,620,teal",
                got="a film",
                fix="put the time before it, or leave it out",
            )
        if pictures and not videos:
            given = _changed(self.video, {"compare": "--preview", "in_color": "", "shots": ""})
            ArgumentError.refuse(given, "a film", "pictures", "leave it out, or name a film")
        if videos and not pictures:
            given = _changed(self.output_options, {"in_color": "", "max_pixels": ""})
            fix = {
                "--quality": "take --crf (crf=), the scale of a film's codec; smaller is better",
                "--format": "name the film with -o; its ending says what kind of file it is",
            }
            ArgumentError.refuse(
                given, "pictures", "a film", fix.get(next(iter(given), ""), "leave it out")
            )

    @contextmanager
    def segment_workers(self, work: Work) -> Iterator[None]:
        """While this is open, films are shared out to the cluster, if there is one."""
        if self.archive.cluster is None:
            yield
            return
        from .ray.film_workers import RayFilms

        with RayFilms(self.archive.cluster, self.archive.share) as workers:
            work.segment_workers = workers
            yield


def _changed(options: VideoOptions | OutputOptions, names: Mapping[str, str]) -> dict[str, bool]:
    """The options that have not their defaults, as on the command line.

    Args:
        options: of films, or of pictures.
        names: those that are called otherwise there; empty: not to be looked at.
    """
    default = type(options)()
    shown = {f.name: names.get(f.name, f"--{f.name}") for f in fields(options)}
    changed = (n for n in shown if shown[n] and getattr(options, n) != getattr(default, n))
    return dict.fromkeys((shown[name] for name in changed), True)


def _absolute(reference: Source) -> Source:
    return str(Path(reference).absolute()) if isinstance(reference, str) else reference
