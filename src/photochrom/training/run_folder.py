"""The folder of a run: new or empty at first, and used by one run at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import ArgumentError, PhotochromError, reason

_LOCK = ".lock"


def check_empty(folder: Path) -> None:
    """Refuse a folder that cannot take a new run.

    Raises:
        ArgumentError: it is a file, or has files in it.
    """
    if folder.is_file() or (folder.is_dir() and any(p.name != _LOCK for p in folder.iterdir())):
        raise ArgumentError(
            f"{folder} cannot take a new run",
            expected="a folder that is new or empty",
            got="a file" if folder.is_file() else "one with files in it",
            fix="name another with -o, or go on with the run in it with --resume",
        )


@contextmanager
def alone(folder: Path, first: bool) -> Iterator[None]:
    """While this is open no other run can use the folder; the first of its processes sees to it.

    Raises:
        ArgumentError: another run uses it.
    """
    if not first:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ArgumentError(
            f"the run in {folder} cannot go on here",
            expected="a folder that nobody else uses",
            got="one in which a run is going on",
            fix="wait for it, or stop it",
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):  # another system's locked files cannot be removed
            (folder / _LOCK).unlink()
        lock.release()
        with suppress(OSError):  # it is not empty
            folder.rmdir()


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turns errors of the file system into a `PhotochromError` that says how to go on."""
    try:
        yield
    except OSError as error:
        raise PhotochromError(
            f"the run in {folder} cannot go on",
            expected="a disk with room that can be written to",
            got=reason(error),
            fix="see to that, then go on with --resume",
        ) from error
