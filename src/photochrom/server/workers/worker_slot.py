"""A worker process that is replaced when it ends, and what its end means for a task."""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
from collections import Counter
from typing import Any

from ...errors import CancelledError, CancelToken
from ..logs import log
from ..service_error import ServiceError
from .messages import ColorizeTask, FilmTask, Task, WorkerSettings
from .process import Progress, TaskTimeoutError, WorkerDiedError, WorkerProcess

_RESTART = 5.0  # seconds between two tries to start a worker process
_DEATHS = 2  # processes killed from outside that a task may cost


class WorkerSlot:
    """A place for a worker process; used by one thread.

    Args:
        stop: set when the pool is closed.
        deaths: counts processes that ended, by the reason.

    Attributes:
        process: the present one.
    """

    def __init__(
        self, settings: WorkerSettings, stop: threading.Event, deaths: Counter[str]
    ) -> None:
        self._settings, self._stop, self._deaths = settings, stop, deaths
        self.process = WorkerProcess(settings)

    def run(self, task: Task, cancel: CancelToken, seconds: float) -> dict[str, Any]:
        """The result of a task.

        Raises:
            PhotochromError, OSError, WorkerFault: the task failed.
            TaskTimeoutError: it took longer than `seconds`.
            ServiceError: it needs too much memory, or its process ended.
            CancelledError: it was cancelled, or the pool is closed.
        """
        noun = "picture" if isinstance(task, ColorizeTask) else "file"
        for attempt in range(1, _DEATHS + 1):
            fresh = self.process.grown is None
            try:
                return self.process.run(task, cancel, seconds)
            except TaskTimeoutError:
                self._replace("timeout")
                raise
            except MemoryError:
                self._replace("memory")  # what is left of its memory is in pieces
                if not fresh and attempt < _DEATHS:
                    continue  # others may have left it too little
                raise _too_much_memory(noun, self._settings) from None
            except CancelledError:
                if not self.process.alive:
                    self._replace("cancelled")
                raise
            except WorkerDiedError as error:
                remove_result(task)
                self._replace(error.reason)
                if not error.killed:
                    raise _unprocessable(noun, error) from None
                if attempt == _DEATHS:
                    words = f"the processes that worked on the {noun} were killed; try again"
                    raise ServiceError(503, words, retry_after=10) from None
        raise AssertionError

    def refresh(self) -> None:
        """Replace a process that keeps much memory, which the next task is to have."""
        if (self.process.grown or 0) > self._settings.memory // 2:
            with contextlib.suppress(CancelledError):
                self._replace("grown")

    def _replace(self, reason: str) -> None:
        """Start another process instead of an ended one; CancelledError if the pool is closed."""
        self.process.kill()
        if not self._stop.is_set():
            self._deaths[reason] += 1
            log("worker process ended", logging.WARNING, reason=reason)
        while not self._stop.is_set():
            try:
                process = WorkerProcess(self._settings)
                process.wait_until_ready()
            except Exception:
                log("worker process does not start", logging.ERROR, trace=True)
                self._stop.wait(_RESTART)
                continue
            self.process = process
            if self._stop.is_set():
                process.kill()
                break
            return
        raise CancelledError("the service stops")


def run_film(
    settings: WorkerSettings,
    deaths: Counter[str],
    task: FilmTask,
    cancel: CancelToken,
    progress: Progress,
) -> None:
    """Colour a film in a process of its own.

    Raises:
        PhotochromError, OSError, WorkerFault: the film cannot be coloured.
        ServiceError: the process ended, or needs more memory than allowed.
        CancelledError: `cancel` was set.
    """
    process = WorkerProcess(settings)
    try:
        process.wait_until_ready()
        frames = process.run(task, cancel, None, progress)["frames"]
        progress(frames, frames)
    except MemoryError:
        raise _too_much_memory("film", settings) from None
    except WorkerDiedError as error:
        deaths[error.reason] += 1
        raise _unprocessable("film", error) from None
    finally:
        process.kill()


def remove_result(task: Task) -> None:
    """Remove what a task has written, whole or in part."""
    if isinstance(task, ColorizeTask):
        shutil.rmtree(task.target.parent, ignore_errors=True)


def _too_much_memory(noun: str, settings: WorkerSettings) -> ServiceError:
    most = settings.memory // 1_000_000
    return ServiceError(413, f"the {noun} needs more than {most:,} MB of memory; send less")


def _unprocessable(noun: str, error: WorkerDiedError) -> ServiceError:
    return ServiceError(
        422, f"the {noun} cannot be processed: it ended the worker process ({error.reason})"
    )
