"""The worker process: loads the models, then does one task after the other."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

import numpy as np

from ..._system import process_memory
from ...colorizer import Colorizer
from ...colorizer.prepared import Prepared
from ...errors import ArgumentError, CancelToken, PictureTooLargeError
from ...options import ColorOptions
from ...picture import Picture, open_picture
from ...pipeline import colorize_file
from .messages import (
    AnalyzeTask,
    ColorizeTask,
    FilmTask,
    Task,
    WorkerSettings,
    encode,
    encode_error,
    is_shortage,
)

_PALETTE = 5  # colours of a palette at most
_REPORT = 0.25  # seconds between two reports of a film's progress
_LARGE = 4_000_000  # pixels after which freed memory goes back to the system
_RESERVE = 100_000_000  # bytes for telling that the memory is full
_M_ARENA_MAX = -8  # of glibc's mallopt


def main(pipe: Connection, settings: WorkerSettings) -> None:
    """Serve tasks from `pipe` until it is closed.

    Messages in: a `Task`, or None to cancel the one at work. Messages out: see `messages.encode`.
    """
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # the service ends its workers itself
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _call_libc("mallopt", _M_ARENA_MAX, 2)  # fewer pieces of freed memory that stay
    try:
        colorizers = {
            model.name: Colorizer(model.path, threads=settings.threads) for model in settings.models
        }
        for colorizer in colorizers.values():  # the first run of a network takes longer
            height, width = colorizer.model.fit(64, 64)
            colorizer.model.predict(np.zeros((1, 1, height, width), np.float32))
    except Exception as error:
        pipe.send_bytes(encode("error", encode_error(error)))
        return
    _limit(settings)
    pipe.send_bytes(encode("ready", [_about(name, each) for name, each in colorizers.items()]))
    _Worker(pipe, colorizers).run()


class _Worker:
    """The loop of the process; a second thread reads the pipe."""

    def __init__(self, pipe: Connection, colorizers: dict[str, Colorizer]) -> None:
        self._pipe, self._colorizers = pipe, colorizers
        self._tasks: SimpleQueue[tuple[Task, CancelToken]] = SimpleQueue()
        self._reported, self._start = 0.0, _data_size()

    def run(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            task, cancel = self._tasks.get()
            try:
                message = encode("result", self._do(task, cancel))
            except Exception as error:
                if is_shortage(error):
                    _lift_limit()  # for the rest of this process, which is replaced
                message = encode("error", encode_error(error, task))
            self._pipe.send_bytes(encode("grown", _data_size() - self._start))
            self._pipe.send_bytes(message)

    def _read(self) -> None:
        cancel = CancelToken()
        while True:
            try:
                task = self._pipe.recv()
            except (EOFError, OSError):
                os._exit(0)
            if task is None:
                cancel.set()
            else:
                cancel = CancelToken()
                self._tasks.put((task, cancel))

    def _do(self, task: Task, cancel: CancelToken) -> dict[str, Any]:
        colorizer = self._colorizers[task.model]
        if isinstance(task, FilmTask):
            return _colorize_film(colorizer, task, cancel, self._report)
        if isinstance(task, AnalyzeTask):
            return _analyze(colorizer, task)
        return _colorize(colorizer, task, cancel)

    def _report(self, done: int, total: int | None) -> None:
        if time.monotonic() - self._reported >= _REPORT:
            self._reported = time.monotonic()
            self._pipe.send_bytes(encode("progress", [done, total]))


def _colorize(colorizer: Colorizer, task: ColorizeTask, cancel: CancelToken) -> dict[str, Any]:
    options, size = task.options, ColorOptions(size=task.options.size)
    if task.references:
        pages = (open_picture(p, max_pixels=task.output.max_pixels) for p in task.references)
        options = replace(options, reference=[colorizer.reference(page, size) for page in pages])
    result = colorize_file(colorizer, task.source, task.target, options, task.output, cancel=cancel)
    if result.pixels > _LARGE:
        _give_memory_back()
    return {
        "format": result.format,
        "width": result.width,
        "height": result.height,
        "pages": result.pages,
        "seconds": result.seconds,
        "matched": result.matched,
    }


def _analyze(colorizer: Colorizer, task: AnalyzeTask) -> dict[str, Any]:
    picture = open_picture(task.source, max_pixels=task.max_pixels)
    prepared = colorizer.prepare(picture, ColorOptions(size=task.size))
    height, width = prepared.shape
    found: dict[str, Any] = {"width": width, "height": height, "palette": None, "confidence": None}
    if prepared.logits is not None:
        found["palette"] = _palette(prepared, task)
        found["confidence"] = _confidence(prepared)
    return found


def _palette(prepared: Prepared, task: AnalyzeTask) -> list[dict[str, Any]]:
    places = task.places
    if places is None:
        height, width = prepared.shape
        thirds = (1 / 6, 1 / 2, 5 / 6)
        places = [(int(x * width), int(y * height)) for y in thirds for x in thirds]
    return [
        {
            "x": x,
            "y": y,
            "colors": [
                {"color": each.color, "probability": each.probability, "name": each.name}
                for each in prepared.palette(x, y, _PALETTE)
            ],
        }
        for x, y in places
    ]


def _confidence(prepared: Prepared) -> dict[str, Any]:
    sure = 1 - prepared.entropy
    codes = np.rint(np.clip(sure, 0, 1) * 255).astype(np.uint8)
    return {
        "mean": round(float(np.clip(sure.mean(), 0, 1)), 4),
        "map": base64.b64encode(Picture(codes).to_bytes("png")).decode(),
    }


def _colorize_film(
    colorizer: Colorizer,
    task: FilmTask,
    cancel: CancelToken,
    report: Callable[[int, int | None], None],
) -> dict[str, Any]:
    from ...video.colorize_video import colorize_video
    from ...video.container.video_reader import VideoReader

    with VideoReader(task.source) as video:
        pixels = video.shape[0] * video.shape[1]
    if pixels > task.max_pixels:
        raise PictureTooLargeError(
            "the film's frames are too large",
            expected=f"at most {task.max_pixels:,} pixels",
            got=f"{pixels:,}",
        )

    def progress(done: int, total: int | None) -> None:
        if max(done, total or 0) > task.max_frames:
            raise ArgumentError(
                "the film is too long", expected=f"at most {task.max_frames:,} frames"
            )
        report(done, total)

    for reference in task.references:
        open_picture(reference, max_pixels=task.max_pixels)  # refused before the work begins
    film = colorize_video(
        task.source,
        task.target,
        replace(task.options, reference=task.references),
        task.video,
        colorizer=colorizer,
        progress=progress,
        cancel=cancel,
    )
    _give_memory_back()
    return {"frames": film.frames}


def _about(name: str, colorizer: Colorizer) -> dict[str, Any]:
    """What ``GET /v1/models`` tells of a model."""
    card = colorizer.model.card
    return {
        "name": name,
        "title": card.title,
        "family": card.family,
        "licence": card.licence,
        "size": card.size,
        "smallest": card.multiple,
        "hints": card.hints,
        "distribution": colorizer.model.has_distribution,
    }


def _limit(settings: WorkerSettings) -> None:
    """Limit memory and the size of files, where the system can (not on Windows)."""
    if sys.platform == "win32":
        return
    import resource

    if sys.platform == "linux":
        most = _data_size() + settings.memory
        # Writable memory only: reserved addresses and mapped files of libraries do not count.
        resource.setrlimit(resource.RLIMIT_DATA, (most, most + _RESERVE))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing more raises an OSError
    resource.setrlimit(resource.RLIMIT_FSIZE, (settings.file_size, settings.file_size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _lift_limit() -> None:
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _data_size() -> int:
    """Bytes of writable memory of this process; 0 where the system does not tell."""
    return process_memory("VmData") or 0


def _give_memory_back() -> None:
    _call_libc("malloc_trim", 0)


def _call_libc(name: str, *arguments: int) -> None:
    with contextlib.suppress(AttributeError, OSError, TypeError):  # glibc only
        getattr(ctypes.CDLL(None), name)(*arguments)
