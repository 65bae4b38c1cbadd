"""Messages between the service and its worker processes.

Tasks go to a worker as pickled dataclasses. Answers come back as JSON: a worker that a hostile
file has taken over can send wrong words, but no code.
"""

from __future__ import annotations

import errno
import json
import re
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import errors
from ...errors import CancelledError, PhotochromError
from ...options import ColorOptions, OutputOptions, VideoOptions


@dataclass(frozen=True)
class ModelFile:
    """A model to serve: the name that requests use, and what ``Colorizer`` takes."""

    name: str
    path: str


@dataclass(frozen=True)
class WorkerSettings:
    """What every worker process gets at its start."""

    models: tuple[ModelFile, ...]  # to load, the default first
    threads: int  # for one picture
    memory: int  # bytes that a task may allocate, beyond what the loaded models take
    file_size: int  # bytes that a file written by a worker may have


@dataclass(frozen=True)
class ColorizeTask:
    """Colour the picture `source`, all pages of it, and write it to `target`.

    The name of `target` has no ending, which would tell a format. Its folder is the task's own,
    made for it, and removed if it fails or nobody waits for it any more.
    """

    source: Path
    target: Path
    model: str
    options: ColorOptions
    output: OutputOptions
    references: tuple[Path, ...] = ()


@dataclass(frozen=True)
class AnalyzeTask:
    """Find the likeliest colours of some places of a picture, and how certain the model is."""

    source: Path
    model: str
    # x and y in pixels; None: nine, spread over the picture
    places: Sequence[tuple[float, float]] | None
    size: int | None  # of `ColorOptions`
    max_pixels: int  # of the picture


@dataclass(frozen=True)
class FilmTask:
    """Colour the film `source`; begun again with the same `target`, it goes on."""

    source: Path
    target: Path
    model: str
    options: ColorOptions
    video: VideoOptions
    max_frames: int  # limit on its length
    max_pixels: int  # limit on the pixels of a frame, and of a reference
    references: tuple[Path, ...] = ()  # pictures to borrow colours from


_NO_MEMORY = re.compile(  # how libraries say it that have no MemoryError
    r"bad.?alloc|(cannot|failed to|unable to) (m?alloc|allocate)|(insufficient|out of) memory"
    r"|can't start new thread|error creating thread",
    re.IGNORECASE,
)
Task = ColorizeTask | AnalyzeTask | FilmTask


class WorkerFault(Exception):  # noqa: N818
    """A fault of the package inside a worker, with its traceback as the text."""


def encode(kind: str, value: Any) -> bytes:
    """A message of a worker: ``ready``, ``progress``, ``grown``, ``result`` or ``error``.

    ``grown``, before a result or error: bytes of memory that the worker has beyond its start.
    """
    return json.dumps({kind: value}).encode()


def decode(message: bytes) -> tuple[str, Any]:
    """The kind and the value of a message of `encode`; ValueError if it is none."""
    ((kind, value),) = json.loads(message).items()
    return kind, value


def is_shortage(error: BaseException) -> bool:
    """Whether an exception tells that there is not enough memory."""
    return isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)) is not None


def encode_error(error: BaseException, task: Task | None = None) -> dict[str, Any]:
    """An exception as JSON; paths of `task`, which are no client's business, are replaced."""
    kind = type(error).__name__
    if is_shortage(error):
        return {"kind": "MemoryError"}
    if isinstance(error, PhotochromError):
        facts = {name: getattr(error, name) for name in ("problem", "expected", "got", "fix")}
        if task is not None:
            noun = "the film" if isinstance(task, FilmTask) else "the picture"
            hidden = re.compile(rf"{re.escape(str(task.source.parent.parent))}[\w./-]*")
            facts = {name: text and hidden.sub(noun, text) for name, text in facts.items()}
        return {"kind": kind} | facts
    if isinstance(error, CancelledError):
        return {"kind": kind}
    if isinstance(error, OSError) and error.errno is not None:
        return {"kind": "OSError", "errno": error.errno}
    text = "".join(traceback.format_exception(error))
    return {"kind": "fault", "traceback": text}


def decode_error(found: dict[str, Any]) -> Exception:
    """The exception that `encode_error` was given."""
    kind = found["kind"]
    if kind == "MemoryError":
        return MemoryError()
    if kind == "CancelledError":
        return CancelledError("cancelled")
    if kind == "OSError":
        number = int(found["errno"])
        return OSError(number, errno.errorcode.get(number, "unknown"))
    ours = getattr(errors, str(kind), None)
    if isinstance(ours, type) and issubclass(ours, PhotochromError):
        texts = {name: found.get(name) for name in ("expected", "got", "fix")}
        return ours(str(found["problem"]), **texts)
    return WorkerFault(str(found.get("traceback", kind)))
