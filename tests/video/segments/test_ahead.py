"""Work that goes on side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing

import pytest

from photochrom.video.segments.ahead import ahead


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.enumerate()
    yield
    assert set(threading.enumerate()) <= set(before)


class Source:
    """Counts; tells what became of it.

    Attributes:
        made: how many numbers were asked for.
        thread: in which it works.
        closed: in which its block ended.
    """

    def __init__(self, count: int, error: BaseException | None = None) -> None:
        self.count, self.error = count, error
        self.made = 0
        self.thread: int | None = None
        self.closed: int | None = None

    def numbers(self) -> Generator[int, None, None]:
        self.thread = threading.get_ident()
        try:
            for number in range(self.count):
                self.made += 1
                yield number
            if self.error is not None:
                raise self.error
        finally:
            self.closed = threading.get_ident()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
@pytest.mark.parametrize("far", [1, 2, 8])
def test_all_in_their_order(count: int, far: int) -> None:
    source = Source(count)
    assert list(ahead(source.numbers(), far)) == list(range(count))
    assert source.thread == source.closed != threading.get_ident()


def test_it_works_beside() -> None:
    """The next is being made while the one before is worked on: each waits for the other."""
    taken, making = threading.Event(), threading.Event()

    def two() -> Generator[int, None, None]:
        yield 1
        making.set()
        assert taken.wait(10)
        yield 2

    got = []
    for number in ahead(two(), 1):
        taken.set()
        assert making.wait(10)
        got.append(number)
    assert got == [1, 2]


@pytest.mark.parametrize("far", [1, 3])
def test_it_is_not_far_ahead(far: int) -> None:
    source = Source(1000)
    with closing(ahead(source.numbers(), far)) as items:
        for number in items:
            time.sleep(0.01)
            # What is asked for, what waits, and one that finds no room yet.
            assert source.made <= number + 1 + far + 1
            if number == 10:
                break
    assert source.made <= 11 + far + 1


@pytest.mark.parametrize("error", [ValueError("a"), KeyboardInterrupt(), GeneratorExit()])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_an_error_comes_at_its_place(error: BaseException, count: int) -> None:
    source = Source(count, error)
    items = ahead(source.numbers(), 2)
    assert [next(items) for _ in range(count)] == list(range(count))
    with pytest.raises(type(error)) as caught:
        next(items)
    assert caught.value is error
    assert source.closed == source.thread


@pytest.mark.parametrize("taken", [1, 2, 10])
def test_a_consumer_that_stops_early(taken: int) -> None:
    source = Source(1000)
    with closing(ahead(source.numbers(), 3)) as items:
        for _ in range(taken):
            next(items)
    assert source.closed == source.thread != threading.get_ident()
    assert source.made < taken + 6


def test_a_consumer_that_fails() -> None:
    source = Source(1000)

    def consume() -> None:
        with closing(ahead(source.numbers(), 3)) as items:
            for number in items:
                number / 0

    with pytest.raises(ZeroDivisionError):
        consume()
    assert source.closed == source.thread


def test_it_does_not_begin_before_it_is_asked() -> None:
    source = Source(5)
    items = ahead(source.numbers(), 3)
    time.sleep(0.05)
    assert source.made == 0
    items.close()
    assert source.thread is None


def test_stages_in_a_row() -> None:
    """The end of the last one ends all, and an error goes through all."""
    source = Source(1000)

    def doubled() -> Generator[int, None, None]:
        with closing(ahead(source.numbers(), 2)) as items:
            for item in items:
                yield 2 * item

    with closing(ahead(doubled(), 2)) as items:
        assert [next(items) for _ in range(5)] == [0, 2, 4, 6, 8]
    assert source.closed == source.thread

    source = Source(3, ValueError("in the first"))
    with pytest.raises(ValueError, match="in the first"):
        list(ahead(doubled(), 2))


def test_an_error_while_it_is_closed() -> None:
    """A generator whose clean-up fails must not hang the one who waits for it."""

    def fails() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
        finally:
            raise OSError("full")

    with closing(ahead(fails(), 2)) as items:
        assert next(items) == 1


def test_none_is_an_item() -> None:
    assert list(ahead((None for _ in range(3)), 2)) == [None] * 3
    assert [type(e) for e in ahead((e for e in [ValueError()]), 2)] == [ValueError]
