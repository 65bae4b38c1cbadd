"""Generators that run in a thread, a bounded number of items ahead of their consumer."""

from __future__ import annotations

from collections.abc import Generator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

_T = TypeVar("_T")
_PATIENCE = 0.2  # seconds between two looks at whether the other side has given up


def ahead(items: Generator[_T, None, None], count: int) -> Generator[_T, None, None]:
    """The items of a generator, made in another thread, at most `count` before they are asked for.

    What the generator raises is raised here, at its place. When this iteration ends before the
    generator does, the generator is closed, in its own thread, before this returns.
    """
    made: Queue[tuple[_T] | BaseException | None] = Queue(count)
    stop = Event()

    def give(thing: tuple[_T] | BaseException | None) -> None:
        while not stop.is_set():
            try:
                return made.put(thing, timeout=_PATIENCE)
            except Full:
                pass

    def make() -> None:
        try:
            for item in items:
                give((item,))
                if stop.is_set():
                    break
            items.close()
            give(None)
        except BaseException as error:
            give(error)

    thread = Thread(target=make, daemon=True)
    thread.start()
    try:
        while True:
            try:
                # With a time-out, since a wait without one cannot be interrupted on Windows.
                got = made.get(timeout=_PATIENCE)
            except Empty:
                continue
            if got is None:
                return
            if isinstance(got, BaseException):
                raise got
            yield got[0]
    finally:
        stop.set()
        thread.join()
