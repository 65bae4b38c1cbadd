"""The unfinished film: a folder beside it, from which an interrupted job goes on.

It holds the segments that are done and, beside the last, what the colours of the next one depend
on. Segments count up to one that has this beside it; files get their names when they are whole.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from ..._io import replacing
from ...errors import VideoError
from .segment_file import SUFFIX, writing

State = dict[str, NDArray[Any]]

_JOB, _LOCK = "job.json", "lock"
_STATE = ".npz"
_DIGIT, _DIGITS = "[0-9a-f]", 12  # of the name of a job's folder


class WorkFolder:
    """The folder of one job.

    Args:
        folder: where it is or will be.
        suffix: of the segments' names; "" where they are folders.
    """

    def __init__(self, folder: Path, suffix: str = SUFFIX) -> None:
        self._folder, self._suffix = folder, suffix
        states = (int(path.stem) for path in folder.glob(f"*{_STATE}") if path.stem.isdigit())
        whole = (n for n in states if all(self.segment(i).exists() for i in range(n + 1)))
        self._done = max(whole, default=-1) + 1

    @classmethod
    @contextmanager
    def of(cls, output: Path, job: dict[str, Any], suffix: str = SUFFIX) -> Iterator[Self]:
        """The folder of a job, for this process alone.

        Args:
            output: the film that is being made.
            job: everything that its frames depend on, as JSON. The parts of another job on the
                same film have another folder, and stay until one of them is finished.
            suffix: of the segments' names; "" where they are folders.

        Raises:
            VideoError: it cannot be written to, or another process is at work in it.
        """
        text = json.dumps(job, sort_keys=True, indent=1)
        digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
        folder = output.with_name(f".{output.name}.{digest}.parts")
        with writing(output):
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(folder / _JOB) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
        lock = FileLock(folder / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise VideoError(
                f"{output} cannot be written",
                expected="to be the only one who writes it",
                got="another process that is making it",
                fix="wait for that one, or choose another name",
            ) from None
        try:
            yield cls(folder, suffix)
        finally:
            lock.release()

    @property
    def path(self) -> Path:
        """Of the folder."""
        return self._folder

    @property
    def segments(self) -> list[Path]:
        """Those that are done, in the film's order."""
        return [self.segment(number) for number in range(self._done)]

    @property
    def next(self) -> Path:
        """Where the next segment goes."""
        return self.segment(self._done)

    def state(self) -> State | None:
        """What was kept with the last segment; None at the beginning."""
        if not self._done:
            return None
        with np.load(self._state(self._done - 1)) as stored:
            return dict(stored)

    def keep(self, state: State) -> None:
        """Count the segment at `next` as done, and keep what comes after it depends on."""
        path = self._state(self._done)
        with writing(path), replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **state)
        self._state(self._done - 1).unlink(missing_ok=True)
        self._done += 1

    def segment(self, number: int) -> Path:
        """Where a segment is."""
        return self._folder / f"{number:05}{self._suffix}"

    def _state(self, number: int) -> Path:
        return self._folder / f"{number:05}{_STATE}"


def remove_work_folders(output: Path) -> None:
    """Delete the folders of all jobs on a film, but for those in which a process is at work.

    Without such a process, what a killed one left of the film itself is deleted too. To be called
    outside of `WorkFolder.of`: not everywhere can a folder be deleted while its lock is held.
    """
    name = "".join(f"[{c}]" if c in "*?[" else c for c in output.name)
    folders = list(output.parent.glob(f".{name}.{_DIGIT * _DIGITS}.parts"))
    idle = [folder for folder in folders if _is_idle(folder)]
    for folder in idle:
        shutil.rmtree(folder, ignore_errors=True)
    if len(idle) == len(folders):
        for left in output.parent.glob(f".{name}.{_DIGIT * 32}.part"):
            left.unlink(missing_ok=True)


def _is_idle(folder: Path) -> bool:
    try:
        with FileLock(folder / _LOCK).acquire(timeout=0):
            return True
    except (Timeout, OSError):
        return False
