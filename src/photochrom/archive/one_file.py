"""Runs of one named file or of image sequences: tasks in memory, without manifest and report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from pathlib import Path

from ..errors import ArgumentError, CancelledError
from .events import Outcome, Planned, Summary, Task
from .naming import Naming, bad_output, is_folder, media_of
from .run_settings import Settings
from .storage import STREAM, existing
from .work import Work

_TICK = 0.5  # seconds


def run_one(settings: Settings) -> Summary:
    """Colour one file, see `engine.run`.

    Raises:
        ArgumentError: the output exists already or cannot be used, or an option does not fit.
    """
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
    with settings.segment_workers(work) if film else nullcontext():
        run_in_thread(settings, work, [task])
    return settings.finished()


def run_sequences(settings: Settings) -> Summary:
    """Colour image sequences, one after the other, see `engine.run`.

    Raises:
        ArgumentError: see `sequence_tasks`.
    """
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
    """Refuse options that one file does not take.

    Raises:
        ArgumentError: such an option.
    """
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
            fix="colour the others in a command of their own",
        )
    source = STREAM if sources[0] == STREAM else str(existing(sources[0]))
    target = STREAM if output is None or output == STREAM else output
    if target != STREAM and is_folder(target, Path(target), many=False):
        raise bad_output(target, "the name of a file", "a folder", "name the file")
    if compare and target == STREAM:
        raise ArgumentError(
            "--compare needs a place for its picture",
            expected="-o FILE",
            got="a picture that goes to standard output",
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
