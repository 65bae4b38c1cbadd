"""The unit of work: one picture, from its file to the coloured file, and what became of it."""

from __future__ import annotations

import errno
import hashlib
import json
import threading
import time
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

from filelock import FileLock

from .._io import show
from ..cancel import CancelToken
from ..colorizer import Colorizer
from ..errors import ArgumentError, CancelledError, PhotochromError
from ..media import HEAD, identify, read_head
from ..options import ColorOptions, OutputOptions
from ..pipeline import Result, colorize_file
from . import storage as storage

BYTES_PER_PIXEL = 24
"""Memory that a picture takes at its peak: measured on 16-bit TIFFs, which take the most."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_GUESS = 8  # pixels per byte of a file whose header is not read


@dataclass(frozen=True)
class Task:
    """One picture to colour.

    Attributes:
        id: of its row in the manifest.
        source, output: paths or URLs.
        compare: where the picture of before and after goes; None: nowhere.
        size: bytes of the source.
    """

    id: int
    source: str
    output: str
    compare: str | None = None
    size: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a task.

    Attributes:
        task: the task.
        state: ``"done"`` if its output is complete.
        width, height: of the first page.
        pages, pixels: how many were coloured.
        seconds: from opening to the finished file.
        written: the output's size.
        version: the output's version, as `storage.Stat` has it.
        error: one line if it failed.
        passing: the reason may be gone the next time: the network, rights, memory.
        fatal: the next picture would fail for the same reason: the disk is full.
        mistaken: it failed because of an argument.
    """

    task: Task
    state: Literal["done", "failed"]
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    pixels: int = 0
    seconds: float = 0.0
    written: int | None = None
    version: str | None = None
    error: str | None = None
    passing: bool = False
    fatal: bool = False
    mistaken: bool = False


class Work:
    """Colours pictures; can be sent to other processes, each of which loads the model once.

    One thread works on a picture, and the network sees one picture at a time: pictures side by
    side use the cores better than threads within one, a batch gains nothing on a processor, and
    what is written does not depend on what else is being done.

    Args:
        model: the ONNX file.
        options: vividness, hints and so on.
        output: format, quality and limits.
        memory: bytes that a picture may take; larger ones are done one at a time.
        turn: the lock file that those wait for; None: they do not wait.
    """

    def __init__(
        self,
        model: Path,
        *,
        options: ColorOptions | None = None,
        output: OutputOptions | None = None,
        memory: int = 2 << 30,
        turn: str | None = None,
    ) -> None:
        self.model = model
        self.options, self.output = options or ColorOptions(), output or OutputOptions()
        self.memory, self.turn = memory, turn
        self.cancel = CancelToken()
        self._loading = threading.Lock()
        self._colorizer: Colorizer | None = None

    def __getstate__(self) -> dict[str, Any]:
        kept = ("model", "options", "output", "memory", "turn")
        return {name: getattr(self, name) for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state.pop("model"), **state)  # type: ignore[misc]

    @property
    def colorizer(self) -> Colorizer:
        """The loaded model, one for all threads of the process.

        Raises:
            ModelError, ArgumentError: see `Colorizer`.
        """
        with self._loading:
            if self._colorizer is None:
                self._colorizer = Colorizer(self.model, threads=1)
                self._colorizer.model.fit(64, 64, self.options.size)  # refused now, if at all
            return self._colorizer

    def settings(self) -> dict[str, Any]:
        """Everything but the model that decides the bytes of a result, as JSON values."""
        output = {"format": self.output.format, "quality": self.output.quality}
        return asdict(self.options) | output

    def __call__(self, task: Task) -> Outcome:
        """Do ``task``; whatever goes wrong with it is in the outcome."""
        start = time.perf_counter()
        try:
            done = self._colour(task)
        except Exception as error:  # one file must not end an archive
            done = _failure(task, error)
        return replace(done, seconds=time.perf_counter() - start)

    def _colour(self, task: Task) -> Outcome:
        source = storage.read(task.source)
        with self._turn(source, task.size):
            made = self._write(source, task)
        written = storage.stat(task.output)
        return Outcome(
            task,
            "done",
            made.width,
            made.height,
            made.pages,
            made.pixels,
            written=written.size if written else None,
            version=written.version if written else None,
        )

    def _write(self, source: Path | BinaryIO, task: Task) -> Result:
        output = self.output
        if output.format is None:
            output = replace(output, format=Path(task.output).suffix)
        with ExitStack() as files:
            target = files.enter_context(storage.writing(task.output))
            compare = task.compare and files.enter_context(storage.writing(task.compare))
            return colorize_file(
                self.colorizer,
                source,
                target,
                self.options,
                output,
                compare=compare,
                cancel=self.cancel,
            )

    def _turn(self, source: Any, size: int) -> Any:
        """For a large picture, a lock that one of them has at a time."""
        if self.turn is None or size * _GUESS * BYTES_PER_PIXEL <= self.memory:
            return nullcontext()
        if _pixels(source, size) * BYTES_PER_PIXEL <= self.memory:
            return nullcontext()
        # The system frees a file's lock when its holder dies. Each thread has a lock of its own.
        return FileLock(self.turn)


def _pixels(source: Any, size: int) -> int:
    """Of a picture that is not decoded yet; a guess if its header says nothing."""
    from ..picture.codec.vips import LOADERS, library, load

    if isinstance(source, Path):
        format, path, data = identify(read_head(source)).format, str(source), None
    else:
        data, path = source.getvalue(), None
        format = identify(data[:HEAD]).format
    if format not in LOADERS:
        return size * _GUESS
    try:
        image = load(format, path, data)
    except library().Error:
        return 0  # reading it will tell
    return int(image.width * image.height)


def digest(values: dict[str, Any]) -> str:
    """One name for JSON values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def model_digest(model: Path) -> str:
    """One name for a model: its file, and the card beside it if there is one."""
    total = hashlib.sha256()
    for path in (model, model.with_suffix(".toml")):
        if path.is_file():
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:16]


def told(error: Exception) -> str:
    """What happened, in one line."""
    if isinstance(error, PhotochromError | CancelledError):
        return str(error)
    if isinstance(error, MemoryError):
        return "the picture does not fit into memory; close other programs or make it smaller"
    if isinstance(error, OSError) and error.strerror:
        where = f"{show(error.filename)}: " if error.filename else ""
        return f"{where}{error.strerror}"
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return f"internal error: {words[:300]}; please report it together with the picture"


def _failure(task: Task, error: Exception) -> Outcome:
    causes = list(_causes(error))
    # Pillow has OSErrors without a number, for damaged pictures.
    numbers = [each.errno for each in causes if isinstance(each, OSError) and each.errno]
    lost = (ConnectionError, TimeoutError, FileNotFoundError, MemoryError, CancelledError)
    return Outcome(
        task,
        "failed",
        error=told(error),
        passing=bool(numbers) or any(isinstance(each, lost) for each in causes),
        fatal=any(number in _FULL for number in numbers),
        mistaken=isinstance(error, ArgumentError),
    )


def _causes(error: BaseException | None) -> Any:
    """The error and those it came from, also where the message hides them."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
