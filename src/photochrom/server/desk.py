"""Where requests wait and pictures are coloured: a few threads, a bounded queue, no lost place."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from ..cancel import CancelToken
from .errors import ServiceError

_T = TypeVar("_T")


class Desk:
    """Takes work off the event loop.

    Args:
        concurrent: pictures coloured at the same time.
        queue: requests that may wait (or still send their picture) beyond those.

    Attributes:
        taken: places taken now.
        working: threads at work now.
        closing: set when requests that are not answered yet shall be answered with 503.
    """

    def __init__(self, concurrent: int, queue: int) -> None:
        self.concurrent, self.places = concurrent, concurrent + queue
        self.taken = self.working = 0
        self.closing = asyncio.Event()
        self._lock = threading.Lock()
        self._typical = 1.0  # seconds of a piece of work, smoothed
        self._pool = ThreadPoolExecutor(concurrent, thread_name_prefix="colour")

    @property
    def retry_after(self) -> int:
        """Seconds after which those who wait now will have been served, roughly."""
        return min(60, max(1, math.ceil(self.taken * self._typical / self.concurrent)))

    @contextmanager
    def place(self) -> Iterator[None]:
        """One of the places, for the time of a request.

        Raises:
            ServiceError: they are all taken.
        """
        if self.taken >= self.places:
            raise ServiceError(
                429, "too many requests wait already; try again", retry_after=self.retry_after
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def do(self, request: Request, work: Callable[[CancelToken], _T], seconds: float) -> _T:
        """Do `work` in a thread and return its result.

        Work that has not begun when nobody waits for it any more is never begun; work that has
        begun ends at its next look at the token.

        Raises:
            ServiceError: it took longer than `seconds`, or the service stops.
            ClientDisconnect: the client hung up.
        """
        cancel = CancelToken()
        future = asyncio.wrap_future(self.submit(lambda: work(cancel)))
        future.add_done_callback(_look_at)
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
            raise ServiceError(
                503, f"not done within {seconds:g} s; try again", retry_after=self.retry_after
            )
        finally:
            cancel.set()
            for waiting in (future, gone, closing):
                waiting.cancel()

    def submit(self, work: Callable[[], _T]) -> Future[_T]:
        """Let a thread do `work` when it is its turn."""
        return self._pool.submit(self._timed, work)

    def _timed(self, work: Callable[[], _T]) -> _T:
        start = time.monotonic()
        with self._lock:
            self.working += 1
        try:
            return work()
        finally:
            with self._lock:
                self.working -= 1
                self._typical += 0.2 * (time.monotonic() - start - self._typical)

    def close(self) -> None:
        """Begin nothing more and wait for the threads."""
        self._pool.shutdown(cancel_futures=True)


async def _disconnected(request: Request) -> None:
    """Return when the client has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _look_at(future: asyncio.Future[_T]) -> None:
    """Take the exception of abandoned work, which asyncio would complain about otherwise."""
    if not future.cancelled():
        future.exception()
