"""The options of archives, and the arguments of one run: what one and many files share."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from .._system import cores, memory_budget
from ..errors import ArgumentError, CancelToken
from ..options import ColorOptions, OutputOptions, Source, VideoOptions, check_count
from .events import Event, Note, Outcome, Planned, Progress, Summary, Task
from .naming import COLOR, Naming
from .work import Loaded, Work


@dataclass(frozen=True)
class Share:
    """What one worker takes of a machine; Ray puts as many on it as there is room for.

    Attributes:
        cpus: cores. One thread works on a picture, so 1 is right without a GPU.
        gpus: GPUs; 0.25 puts four workers on each.
        workers: how many at most; None: as many as there is room for.

    Raises:
        ArgumentError: a number out of range.
    """

    cpus: float = 1.0
    gpus: float = 0.0
    workers: int | None = None

    def __post_init__(self) -> None:
        check_count("the number of workers", self.workers)
        if not 0 < self.cpus < math.inf:
            raise ArgumentError("the cores of a worker", expected="more than 0", got=self.cpus)
        if not (0 <= self.gpus < 1 or (self.gpus < math.inf and self.gpus % 1 == 0 < self.gpus)):
            expected = "0 to 1, or 2, 3, ..."
            raise ArgumentError("the GPUs of a worker", expected=expected, got=self.gpus)


@dataclass(frozen=True)
class ArchiveOptions:
    """How an archive is run.

    Attributes:
        overwrite: replace results that exist.
        retry_failed: try files again that failed before and have not changed.
        limit: colour at most so many files.
        include, exclude: patterns for files found in folders; with a slash they are compared with
            the path in the folder, where ``*`` takes slashes too, else with the name.
        in_color: ``"skip"`` or ``"recolor"`` pictures that are in colour, and results of
            Photochrom; None: those that were named are coloured anew, those found in folders are
            skipped.
        compare: write a before-and-after picture of each picture too.
        suffix: what the name of a result beside its source gets.
        jobs: files that are worked on at the same time; None: as many as there are cores.
        watch: go on with files that come into the folders, until cancelled.
        cluster: address of a Ray cluster: ``"auto"``, ``"local"`` or ``HOST:PORT``; None: this
            machine alone.
        share: what each worker of the cluster takes.

    Raises:
        ArgumentError: a value out of range.
    """

    overwrite: bool = False
    retry_failed: bool = False
    limit: int | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    in_color: str | None = None
    compare: bool = False
    suffix: str = COLOR
    jobs: int | None = None
    watch: bool = False
    cluster: str | None = None
    share: Share = Share()

    def __post_init__(self) -> None:
        check_count("limit", self.limit)
        check_count("jobs", self.jobs)
        if self.in_color not in (None, "skip", "recolor"):
            got = repr(self.in_color)
            raise ArgumentError("in_color (--in-color)", expected="skip or recolor", got=got)
        if not self.suffix or {"/", "\\", "\0"} & set(self.suffix):
            raise ArgumentError(
                "the suffix of results",
                expected=f"something for a file's name, such as {COLOR}",
                got=repr(self.suffix),
            )

    @property
    def of_folders(self) -> dict[str, object]:
        """The options that choose files of folders, by their names on the command line."""
        return {
            "--retry-failed": self.retry_failed,
            "--limit": self.limit,
            "--include": self.include,
            "--exclude": self.exclude,
            "--watch": self.watch,
        }


OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The default of `run`'s ``on_event``."""


@dataclass
class Settings:
    """The arguments of one run, see `archive.run`, and its summary."""

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
        """Refuse options of films, pictures or hints that no file takes, with ArgumentError."""
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
