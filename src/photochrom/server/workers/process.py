"""One worker process, seen from the service."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

from ..._system import fork_server
from ...errors import CancelledError, CancelToken, ModelError
from .messages import Task, WorkerSettings, decode, decode_error

_LOOK = 0.1  # seconds between two looks at the token
_PATIENCE = 3.0  # seconds that a cancelled task gets to end by itself
_START = 120.0  # seconds for loading the models
_LONGEST = 1 << 20  # bytes of a message

Progress = Callable[[int, "int | None"], None]
"""Called as ``progress(frames so far, frames in all or None)``; may raise to end the task."""


class WorkerDiedError(Exception):
    """The process ended during a task.

    Attributes:
        signal: that ended it; None if it exited by itself.
    """

    def __init__(self, exitcode: int | None) -> None:
        self.signal = None if exitcode is None or exitcode >= 0 else -exitcode
        super().__init__(f"the worker process ended with {self.reason}")

    @property
    def reason(self) -> str:
        """The name of the signal, or what stands for it."""
        if self.signal is None:
            return "an exit"
        with contextlib.suppress(ValueError):
            return signal.Signals(self.signal).name
        return f"signal {self.signal}"

    @property
    def killed(self) -> bool:
        """Whether something outside, such as the system short of memory, ended it."""
        return sys.platform != "win32" and self.signal in (signal.SIGKILL, signal.SIGTERM)


class TaskTimeoutError(Exception):
    """A task took longer than its limit; its process was ended."""


class WorkerProcess:
    """A process that does one task at a time; used by one thread.

    Attributes:
        models: what it tells of the loaded models, in their order.
        grown: bytes of memory after the last task beyond those at its start; None: no task yet.

    Raises:
        ModelError: a model cannot be loaded.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        from .child import main

        context = fork_server(f"{__package__}.preload")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=main, args=(theirs, settings), daemon=True)
        self._process.start()
        theirs.close()
        self.models: list[dict[str, Any]] = []
        self.grown: int | None = None

    @property
    def pid(self) -> int | None:
        """Of the process."""
        pid: int | None = self._process.pid
        return pid

    def wait_until_ready(self) -> None:
        """Wait until the models are loaded; PhotochromError, or WorkerDiedError if it ended."""
        kind, value = self._receive(time.monotonic() + _START, None)
        if kind == "error":
            self.kill()
            raise decode_error(value)
        if kind != "ready":
            self.kill()
            raise ModelError("a worker process did not start", got=f"the message {kind!r}")
        self.models = value

    def run(
        self,
        task: Task,
        cancel: CancelToken,
        seconds: float | None,
        progress: Progress = lambda done, total: None,
    ) -> dict[str, Any]:
        """Have a task done; the process lives on unless one of the last three errors is raised.

        Args:
            task: what to do.
            cancel: asks the task to end at its next step, and then ends the process.
            seconds: after which the process is ended; None: no limit.
            progress: called with what the task reports.

        Raises:
            PhotochromError, OSError, WorkerFault: the task failed.
            MemoryError: the task needs more than the limit.
            CancelledError: `cancel` was set.
            TaskTimeoutError: it took too long.
            WorkerDiedError: the process ended.
        """
        try:
            self._pipe.send(task)
        except OSError:
            raise self._died() from None
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            kind, value = self._receive(end, cancel)
            if kind == "result":
                return dict(value)
            if kind == "error":
                raise decode_error(value)
            if kind == "grown":
                self.grown = int(value)
                continue
            try:
                progress(*value)
            except BaseException:
                self._ask_to_end(cancel)
                raise

    def _ask_to_end(self, cancel: CancelToken) -> None:
        cancel.set()
        with contextlib.suppress(CancelledError):
            while self._receive(None, cancel)[0] not in ("result", "error"):
                pass

    def _receive(self, end: float | None, cancel: CancelToken | None) -> tuple[str, Any]:
        """The next message; CancelledError if a cancelled task did not end in time."""
        asked = False
        while not wait([self._pipe, self._process.sentinel], _LOOK):
            if cancel is not None and cancel.is_set() and not asked:
                asked, end = True, time.monotonic() + _PATIENCE
                with contextlib.suppress(OSError):
                    self._pipe.send(None)
            if end is not None and time.monotonic() > end:
                self.kill()
                if asked:
                    raise CancelledError("cancelled")
                raise TaskTimeoutError
        try:
            return decode(self._pipe.recv_bytes(_LONGEST))
        except (EOFError, OSError):
            raise self._died() from None
        except ValueError:  # no message of ours: nothing more of it is to be believed
            self.kill()
            raise WorkerDiedError(None) from None

    def _died(self) -> WorkerDiedError:
        self._process.join(1)
        if self._process.exitcode is None:
            self.kill()
        return WorkerDiedError(self._process.exitcode)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return bool(self._process.is_alive())

    def kill(self) -> None:
        """End the process, in the middle of what it does."""
        self._process.kill()
        self._process.join(10)
