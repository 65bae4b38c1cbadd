"""Work folder of an unfinished film, from which an interrupted run continues.

It holds the segments that are done and, beside the last, what the colours of the next one depend
on. Segments count up to one that has this beside it; files get their names when they are whole.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
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

_JOB, _LOCK, _LAST = "job.json", "lock", "last.json"
_STATE = ".npz"
_DIGIT, _DIGITS = "[0-9a-f]", 12  # of the name of a job's folder


class WorkFolder:
    """The folder of one job; `suffix` is of its segments' names, "" where they are folders."""

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
        folder = output.with_name(f".{output.name}.{_digest(job)}.parts")
        with writing(output):
            _write_job(folder, job)
        with _locked(folder, output):
            yield cls(folder, suffix)

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


class ShotFolders:
    """The folder of a film that is made of a list of shots; it stays when the film is finished.

    In it each shot has a `WorkFolder`, known by all that the shot's frames depend on. Only those
    are kept that the film is made of now, or was made of when it was finished last.

    Args:
        folder: where it is or will be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    @contextmanager
    def of(cls, output: Path) -> Iterator[Self]:
        """The folder of a film, for this process alone; VideoError if it cannot be had."""
        folder = _shots_of(output)
        with writing(output):
            folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder, output):
            yield cls(folder)

    @property
    def path(self) -> Path:
        """Of the folder."""
        return self._folder

    @property
    def found(self) -> Path:
        """The list of shots, where nobody gave one."""
        return self._folder / "found.json"

    def folders(self, jobs: Sequence[dict[str, Any]]) -> list[WorkFolder]:
        """Those of all shots, in their order; VideoError if they cannot be written to."""
        names = [_digest(job) for job in jobs]
        self._remove_but({*names, *self._last()})
        for name, job in zip(names, jobs, strict=True):
            with writing(self._folder):
                _write_job(self._folder / name, job)
        return [WorkFolder(self._folder / name) for name in names]

    def finished(self, folders: Sequence[WorkFolder]) -> None:
        """Remember of which the film was made, and delete the others."""
        names = [each.path.name for each in folders]
        with writing(self._folder), replacing(self._folder / _LAST) as temporary:
            temporary.write_text(json.dumps(names), encoding="utf-8")
        self._remove_but({*names})

    def _last(self) -> list[str]:
        try:
            names = json.loads((self._folder / _LAST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [str(name) for name in names] if isinstance(names, list) else []

    def _remove_but(self, names: set[str]) -> None:
        for folder in self._folder.iterdir():
            if folder.is_dir() and folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)


def _shots_of(output: Path) -> Path:
    return output.with_name(f".{output.name}.shots.parts")


def _digest(job: dict[str, Any]) -> str:
    return hashlib.sha256(_text(job).encode()).hexdigest()[:_DIGITS]


def _text(job: dict[str, Any]) -> str:
    return json.dumps(job, sort_keys=True, indent=1)


def _write_job(folder: Path, job: dict[str, Any]) -> None:
    if not (folder / _JOB).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / _JOB) as temporary:
            temporary.write_text(_text(job) + "\n", encoding="utf-8")


@contextmanager
def _locked(folder: Path, output: Path) -> Iterator[None]:
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
        yield
    finally:
        lock.release()


def remove_work_folders(output: Path, *, shots: bool = True) -> None:
    """Delete the folders of all jobs on a film, but for those in which a process is at work.

    Args:
        output: the film.
        shots: delete its `ShotFolders` too.

    Without such a process, what a killed one left of the film itself is deleted too. To be called
    outside of `WorkFolder.of`: not everywhere can a folder be deleted while its lock is held.
    """
    name = "".join(f"[{c}]" if c in "*?[" else c for c in output.name)
    folders = list(output.parent.glob(f".{name}.{_DIGIT * _DIGITS}.parts"))
    folders += [_shots_of(output)] if shots and _shots_of(output).is_dir() else []
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
