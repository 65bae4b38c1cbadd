"""One named file: a task in memory, without manifest and report."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext

from ..errors import ArgumentError, CancelledError
from .events import Planned, Summary
from .find.single_file import single_task
from .run_settings import Settings

_TICK = 0.5  # seconds


def run_one(settings: Settings) -> Summary:
    """Colour one file, see `engine.run`.

    Raises:
        ArgumentError: the output exists already or cannot be used, or an option does not fit.
    """
    chosen = settings.archive
    task = single_task(
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
    settings.begin(work, task.kind, Planned(1, task.size, int(film)))
    # In a thread of its own, since Ctrl-C reaches only the main thread: there it can neither
    # interrupt a library in the middle of a file nor be swallowed by one.
    cluster = settings.segment_workers(work) if film else nullcontext()
    with cluster, ThreadPoolExecutor(1) as thread:
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
            settings.summary.cancelled, settings.summary.remaining = True, 1
        except BaseException:
            settings.cancel.set()
            raise
    return settings.finished()


def _check_archive(settings: Settings, film: bool) -> None:
    """Refuse options that one file does not take.

    Raises:
        ArgumentError: such an option.
    """
    chosen = settings.archive
    options = {
        "--retry-failed": chosen.retry_failed,
        "--limit": chosen.limit,
        "--include": chosen.include,
        "--exclude": chosen.exclude,
        "--watch": chosen.watch,
        "--ray": chosen.cluster and not film,
    }
    if given := [name for name, value in options.items() if value]:
        raise ArgumentError(
            f"{' and '.join(given)} cannot be used",
            expected="a folder or several pictures",
            got="one picture or film",
            fix="leave it out, or name a folder",
        )
    unusable = {"--compare": chosen.compare, "--ray-gpus": chosen.share.gpus}
    for name, value in unusable.items():
        if film and value:
            raise ArgumentError(
                f"{name} cannot be used",
                expected="pictures",
                got="a film",
                fix="take --preview TIME, which shows both" * (name == "--compare")
                or "leave it out",
            )
