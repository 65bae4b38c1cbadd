"""Archives: many pictures and films, coloured in one call that can be interrupted and repeated.

A *manifest* (SQLite) records every file and its state. `find` looks for files and compares them
with it; `workers` (threads, processes) or `ray` (a cluster) colour them; `run` joins these. One
file that is named by itself is coloured without a manifest.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ArgumentError, CancelledError, CancelToken
from ..models.registry import Registry
from ..options import ColorOptions, OutputOptions, VideoOptions
from .events import Event, Note, Outcome, Planned, Progress, Summary, Task
from .naming import Naming, bad_output, is_folder, media_of
from .run_settings import ArchiveOptions, OnEvent, Settings, Share, ignore
from .storage import STREAM, existing, is_url, zip_url
from .work import Work

if TYPE_CHECKING:
    from ..video.segments.segment_workers import SegmentWorkers
    from .find.estimate import Estimate

__all__ = [
    "ArchiveOptions",
    "Event",
    "Note",
    "Outcome",
    "Planned",
    "Progress",
    "Share",
    "Summary",
    "Task",
    "estimate",
    "run",
]

Source = str | os.PathLike[str]
_TICK = 0.5  # seconds


def run(
    sources: Source | Sequence[Source],
    output: Source | None = None,
    options: ColorOptions | None = None,
    *,
    output_options: OutputOptions | None = None,
    video_options: VideoOptions | None = None,
    archive_options: ArchiveOptions | None = None,
    model: str | os.PathLike[str] = "bundled",
    on_event: OnEvent = ignore,
    cancel: CancelToken | None = None,
) -> Summary:
    """Colour pictures and films: one file, or folders with millions of them.

    Results in a folder ``output`` are recorded in its manifest: after any interruption the same
    call goes on where it was, and colours again only what has changed. One file that is named by
    itself has no manifest; its ``output`` may be a file.

    >>> from photochrom import archive
    >>> summary = archive.run("scans", "color", on_event=print)     # doctest: +SKIP
    >>> summary.pictures, summary.failed, summary.report            # doctest: +SKIP

    Args:
        sources: files, folders, zip files, or URLs of fsspec.
        output: a folder or URL, in which the folders of `sources` are mirrored; for one file also
            a file; None: beside each source, as ``NAME-color.EXT``.
        options: vividness, hints and so on.
        output_options: format and quality of pictures.
        video_options: codec and so on of films.
        archive_options: which files are coloured, and by how many workers.
        model: a name that `Registry` resolves, or a path.
        on_event: called with a `Planned` before anything is coloured, an `Outcome` for every file,
            also those that are skipped, and a `Progress` for each frame of a film, the latter from
            any thread.
        cancel: ends the run; what is finished stays, nothing half-written is left.

    Returns:
        How many files were coloured, skipped and failed. A file that fails ends nothing.

    Raises:
        ArgumentError: nothing was begun: a source is missing, there is nothing to colour, or the
            output cannot be used.
        ModelError: the model cannot be loaded.
        MissingExtraError: a URL or a cluster needs a package that is not installed.
    """
    settings = _settings(
        sources, output, model, options, output_options, video_options, archive_options
    )
    settings.on_event, settings.cancel = on_event, cancel or CancelToken()
    if settings.video.fps is not None:
        return run_sequences(settings)
    if is_single(settings.sources, settings.output):
        return run_one(settings)
    from .many_files import run_many

    return run_many(settings)


def estimate(
    sources: Source | Sequence[Source],
    output: Source | None = None,
    options: ColorOptions | None = None,
    *,
    output_options: OutputOptions | None = None,
    video_options: VideoOptions | None = None,
    archive_options: ArchiveOptions | None = None,
    model: str | os.PathLike[str] = "bundled",
) -> Estimate:
    """What `run` with the same arguments would do: files, time and disk; changes nothing.

    A few pictures are coloured and thrown away for it, unless enough were coloured before; and
    some seconds of a few films.

    Args, raises: as of `run`.
    """
    from .many_files import estimate_many

    return estimate_many(
        _settings(sources, output, model, options, output_options, video_options, archive_options)
    )


def is_single(
    sources: Sequence[str], output: str | None, video: VideoOptions | None = None
) -> bool:
    """Whether exactly one file or image sequence is meant: no manifest and no report."""
    if video is not None and video.fps is not None:
        from .find.frame_folders import frame_folders

        one = len(sources) == 1 and Path(sources[0]).is_dir()
        return one and len(frame_folders(Path(sources[0]))) == 1
    if STREAM in (*sources, output):
        return True
    urls = any(is_url(text) for text in (*sources, output or ""))
    return len(sources) == 1 and not urls and sources[0] != "" and not Path(sources[0]).is_dir()


def _settings(
    sources: Source | Sequence[Source],
    output: Source | None,
    model: str | os.PathLike[str],
    color: ColorOptions | None,
    picture: OutputOptions | None,
    video: VideoOptions | None,
    archive: ArchiveOptions | None,
) -> Settings:
    """The arguments of `run`, checked."""
    for what, given, kind in (
        ("options", color, ColorOptions),
        ("output_options", picture, OutputOptions),
        ("video_options", video, VideoOptions),
        ("archive_options", archive, ArchiveOptions),
    ):
        ArgumentError.check(what, given, kind | None, f"{kind.__name__} or None")
    several = [sources] if isinstance(sources, str | os.PathLike) else sources
    ArgumentError.check("sources", several, Iterable, "paths or URLs of files and folders")
    return Settings(
        [zip_url(os.fspath(each)) for each in several],
        None if output is None else os.fspath(output),
        Registry().resolve(model),
        color or ColorOptions(),
        picture or OutputOptions(),
        video or VideoOptions(),
        archive or ArchiveOptions(),
    )


def run_one(settings: Settings) -> Summary:
    """Colour one file, see `run`; ArgumentError if its output or an option does not fit."""
    chosen = settings.archive
    task = _single_task(
        settings.sources,
        settings.output,
        settings.naming,
        compare=chosen.compare,
        overwrite=chosen.overwrite,
    )
    film = task.kind == "video"
    settings.check_kinds(videos=int(film), pictures=int(not film))
    _check_archive(settings, film)
    work = settings.work(threads=None)
    settings.begin(work.describe(task.kind), Planned(1, task.size, int(film)))
    workers: AbstractContextManager[SegmentWorkers | None] = nullcontext()
    if film and chosen.cluster is not None:
        from .ray.film_workers import RayFilms

        workers = RayFilms(chosen.cluster, chosen.share)
    with workers as work.segment_workers:
        run_in_thread(settings, work, [task])
    return settings.finished()


def run_sequences(settings: Settings) -> Summary:
    """Colour image sequences, one after the other, see `run` and `sequence_tasks`."""
    from .find.frame_folders import sequence_tasks
    from .find.survey import REASONS

    todo, there = sequence_tasks(settings)
    for task in there:
        error = REASONS["output exists"]
        settings.tell(Outcome(task, "skipped", reason="output exists", error=error))
    work = settings.work(threads=None)
    settings.begin(work.describe("video"), Planned(len(todo), sum(t.size for t in todo), len(todo)))
    run_in_thread(settings, work, todo)
    return settings.finished()


def run_in_thread(settings: Settings, work: Work, tasks: Sequence[Task]) -> None:
    """Do tasks one after the other, and tell what became of them.

    In a thread of its own, since Ctrl-C reaches only the main thread: there it can neither
    interrupt a library in the middle of a file nor be swallowed by one.
    """
    with ThreadPoolExecutor(1) as thread:
        for number, task in enumerate(tasks):
            try:
                future = thread.submit(work, task)
                while not future.done():  # it ends soon if it is cancelled
                    # With a time-out, since a wait without one cannot be interrupted on Windows.
                    wait([future], _TICK)
                outcome = future.result()
                if outcome.state == "failed":
                    settings.cancel.check()
                settings.tell(outcome)
            except CancelledError:
                settings.summary.cancelled = True
                settings.summary.remaining = len(tasks) - number
                return
            except BaseException:
                settings.cancel.set()
                raise


def _check_archive(settings: Settings, film: bool) -> None:
    """Refuse options that one file does not take, with ArgumentError."""
    chosen = settings.archive
    ArgumentError.refuse(
        {**chosen.of_folders, "--ray": chosen.cluster and not film},
        "a folder or several pictures",
        "one picture or film",
        "leave it out, or name a folder",
    )
    if film:
        preview = "take --preview TIME, which shows both"
        ArgumentError.refuse({"--compare": chosen.compare}, "pictures", "a film", preview)
        ArgumentError.refuse({"--ray-gpus": chosen.share.gpus}, "pictures", "a film")


def _single_task(
    sources: list[str], output: str | None, naming: Naming, *, compare: bool, overwrite: bool
) -> Task:
    """Decide where the result of one file goes, without changing anything on the disk.

    Args:
        sources: one path, or ``"-"``.
        output: a file, a folder, ``"-"``, or None for beside the source.
        naming: how the result is called.
        compare: a before-and-after picture is wanted.
        overwrite: an output that exists is to be replaced.

    Raises:
        ArgumentError: the source does not exist, the output exists, or is the source.
    """
    if STREAM in sources or output == STREAM:
        task = _stream(sources, output, compare, naming)
    else:
        source = existing(sources[0])
        media = media_of(source)
        film = media.kind == "video"
        target = naming.place(source, media, output)
        size = source.stat().st_size
        compared = compare and not film
        task = Task(
            0,
            str(source),
            str(target),
            str(target.with_name(naming.comparison(target.name))) if compared else None,
            size,
            "video" if film else "picture",
            named=True,
        )
    _check_not_source(task)
    if not overwrite and (taken := _taken(task)):
        raise ArgumentError.exists(taken)
    return task


def _stream(sources: list[str], output: str | None, compare: bool, naming: Naming) -> Task:
    if len(sources) != 1 or Path(sources[0]).is_dir():
        raise ArgumentError(
            "a picture from or to a stream cannot be combined with others",
            expected="one picture",
            got=", ".join(sources) or "none",
        )
    source = STREAM if sources[0] == STREAM else str(existing(sources[0]))
    target = STREAM if output is None or output == STREAM else output
    if target != STREAM and is_folder(target, Path(target), many=False):
        raise bad_output(target, "the name of a file", "a folder", "name the file")
    if compare and target == STREAM:
        raise ArgumentError(
            "--compare needs a place for its picture",
            expected="-o FILE",
            fix="name an output file, or leave out --compare",
        )
    path = Path(target)
    compared = str(path.with_name(naming.comparison(path.name))) if compare else None
    return Task(0, source, target, compared, named=True)


def _check_not_source(task: Task) -> None:
    for path in (task.output, task.compare):
        if path and STREAM not in (path, task.source) and _real(path) == _real(task.source):
            fix = "choose another output"
            raise bad_output(path, "a new place", "a picture that is to be read", fix)


def _taken(task: Task) -> str | None:
    """What is already in the place of a result."""
    places = (path for path in (task.output, task.compare) if path and path != STREAM)
    return next((path for path in places if os.path.lexists(path)), None)


def _real(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))
