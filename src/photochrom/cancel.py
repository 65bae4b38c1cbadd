"""Cancellation of long tasks."""

from __future__ import annotations

from threading import Event

from .errors import CancelledError


class CancelToken:
    """A thread-safe flag that a task checks between two steps.

    One token serves one task: a picture, a film, an archive. Nothing half-written is left behind
    when a task is cancelled; films and archives go on with the next call.
    """

    def __init__(self) -> None:
        self._event = Event()

    def set(self) -> None:
        """Ask the task to stop; may be called from any thread, more than once."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether the task was asked to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise if the task was asked to stop.

        Raises:
            CancelledError: `set` was called.
        """
        if self._event.is_set():
            raise CancelledError("cancelled")
