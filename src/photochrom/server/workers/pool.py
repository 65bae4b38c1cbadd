"""Bounded pool of worker processes; answers 429 when full."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from ...errors import CancelToken
from ..service_error import ServiceError
from .messages import FilmTask, Task, WorkerSettings
from .process import Progress, TaskTimeoutError
from .worker_slot import WorkerSlot, remove_result, run_film


@dataclass
class _Entry:
    """A task in the queue."""

    task: Task
    cancel: CancelToken
    seconds: float
    large: bool
    future: Future[dict[str, Any]]


class WorkerPool:
    """Does tasks in worker processes, each driven by a thread.

    Large pictures, and those of jobs, never take all the processes (if there are several), so that
    small ones do not wait for them.

    Args:
        settings: for each process.
        concurrent: processes.
        queue: requests that may wait (or still send their picture) beyond those.
        large: bytes of a file from which on a picture counts as large.

    Attributes:
        models: what the processes tell of the loaded models, in their order.
        taken: places taken by requests now.
        working: processes at work now.
        deaths: processes that ended during a task, by the reason.
        closing: set when requests that are not answered yet shall be answered with 503.

    Raises:
        PhotochromError: a model cannot be loaded.
    """

    def __init__(
        self, settings: WorkerSettings, concurrent: int, queue: int, large: int = 4_000_000
    ) -> None:
        self.settings, self.concurrent, self.places = settings, concurrent, concurrent + queue
        self.taken = self.working = 0
        self.deaths: Counter[str] = Counter()
        self.closing = asyncio.Event()
        self._large = large
        self._large_now, self._most_large = 0, max(1, concurrent - 1)
        self._typical = 1.0  # seconds of a task, smoothed
        self._entries: deque[_Entry] = deque()
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._slots = [WorkerSlot(settings, self._stop, self.deaths) for _ in range(concurrent)]
        try:
            for slot in self._slots:
                slot.process.wait_until_ready()
        except BaseException:
            for slot in self._slots:
                slot.process.kill()
            raise
        self.models = self._slots[0].process.models
        self._threads = [
            threading.Thread(target=self._drive, args=(slot,), name=f"worker-{number}")
            for number, slot in enumerate(self._slots)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether any process is there to do a task."""
        return any(slot.process.alive for slot in self._slots)

    @property
    def retry_after(self) -> int:
        """Seconds after which those who wait now will have been served, roughly."""
        return min(60, max(1, math.ceil(self.taken * self._typical / self.concurrent)))

    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [slot.process.pid for slot in self._slots if slot.process.pid is not None]

    @contextmanager
    def place(self) -> Iterator[None]:
        """One of the places, for the time of a request; ServiceError if all are taken."""
        if self.taken >= self.places:
            raise ServiceError(
                429, "too many requests wait already; try again", retry_after=self.retry_after
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def do(self, request: Request, task: Task, seconds: float) -> dict[str, Any]:
        """Have a task done and return its result.

        A task that has not begun when its client hangs up is never begun; one that has begun ends
        after its step, or with its process.

        Raises:
            ServiceError: it took longer than `seconds`, with waiting, or the service stops.
            ClientDisconnect: the client hung up.
        """
        cancel = CancelToken()
        future = asyncio.wrap_future(self.submit(task, cancel, seconds))
        future.add_done_callback(_retrieve_exception)
        gone = asyncio.ensure_future(_disconnected(request))
        closing = asyncio.ensure_future(self.closing.wait())
        try:
            await asyncio.wait(
                (future, gone, closing), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if future.done():
                return future.result()
            if gone.done():
                raise ClientDisconnect
            if closing.done():
                raise ServiceError(503, "the service stops; try again", retry_after=10, close=True)
            raise self._too_long(seconds)
        finally:
            cancel.set()
            for waiting in (future, gone, closing):
                waiting.cancel()

    def submit(
        self, task: Task, cancel: CancelToken, seconds: float, *, large: bool = False
    ) -> Future[dict[str, Any]]:
        """Put a task into the queue; the future has its result, or an error of `WorkerSlot.run`.

        Args:
            task: what to do.
            cancel: see `CancelToken`.
            seconds: limit on its time in a worker.
            large: count it as large whatever its size.
        """
        with contextlib.suppress(OSError):
            large = large or task.source.stat().st_size >= self._large
        entry = _Entry(task, cancel, seconds, large, Future())
        with self._news:
            self._entries.append(entry)
            self._news.notify()
        return entry.future

    def run_film(self, task: FilmTask, cancel: CancelToken, progress: Progress) -> None:
        """Colour a film in a process of its own, see `worker_slot.run_film`."""
        run_film(self.settings, self.deaths, task, cancel, progress)

    def close(self) -> None:
        """Begin nothing more and end the processes."""
        self._stop.set()
        with self._news:
            entries, self._entries = list(self._entries), deque()
            self._news.notify_all()
        for entry in entries:
            entry.future.cancel()
        for slot in self._slots:
            slot.process.kill()
        for thread in self._threads:
            thread.join(10)

    def _drive(self, slot: WorkerSlot) -> None:
        while not self._stop.is_set():
            entry = self._next()
            if entry is None:
                return
            start = time.monotonic()
            try:
                if entry.cancel.is_set():
                    entry.future.cancel()
                elif entry.future.set_running_or_notify_cancel():
                    self._finish(slot, entry)
            finally:
                with self._news:
                    self.working -= 1
                    self._large_now -= entry.large
                    self._typical += 0.2 * (time.monotonic() - start - self._typical)
                    self._news.notify()

    def _next(self) -> _Entry | None:
        """The oldest task that may begin now; None when the pool is closed."""
        with self._news:
            while not self._stop.is_set():
                room = self._large_now < self._most_large
                entry = next((each for each in self._entries if room or not each.large), None)
                if entry is not None:
                    self._entries.remove(entry)
                    self.working += 1
                    self._large_now += entry.large
                    return entry
                self._news.wait()
        return None

    def _finish(self, slot: WorkerSlot, entry: _Entry) -> None:
        try:
            result = slot.run(entry.task, entry.cancel, entry.seconds)
            if entry.cancel.is_set():  # nobody waits for it any more
                remove_result(entry.task)
            entry.future.set_result(result)
        except TaskTimeoutError:
            remove_result(entry.task)
            entry.future.set_exception(self._too_long(entry.seconds))
        except BaseException as error:
            remove_result(entry.task)
            entry.future.set_exception(error)
        slot.refresh()

    def _too_long(self, seconds: float) -> ServiceError:
        return ServiceError(
            503, f"not done within {seconds:g} s; try again", retry_after=self.retry_after
        )


async def _disconnected(request: Request) -> None:
    """Return when the client has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _retrieve_exception(future: asyncio.Future[Any]) -> None:
    """Take the exception of abandoned work, which asyncio would complain about otherwise."""
    if not future.cancelled():
        future.exception()
