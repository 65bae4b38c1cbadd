"""Segments written by workers: one process decides the colours, the workers paint and encode.

Colours depend on what came before, so they are made in the film's order, small. A segment's frames
do not: with their small ab at hand, any process that can read the film decodes them again, lays the
colours along their edges, and encodes them: about half of the work, and more for large pictures.
Workers write the same files that a process alone would, by the same code, and these count in the
same order (see `parts`), so the result is the same and an interrupted film goes on either way.
"""

from __future__ import annotations

import socket
import time
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...color import Codes
from ...errors import VideoError
from ..container.encoders import Encoding
from ..container.frame_planes import luma
from ..container.video_reader import Reading, VideoReader
from .painting import Ab, Colored, Painter, pts_of
from .segment_file import segment_writer
from .work_folder import State, WorkFolder

if TYPE_CHECKING:
    from av import VideoFrame

_PRINTED = 8  # every so many rows of a frame are in its print
_APPEARS = 60.0  # seconds until a file is seen by other machines: NFS remembers so long what is not


@dataclass(frozen=True, eq=False)
class SegmentTask:
    """A segment whose colours are decided."""

    source: Path  # the film, absolute
    path: Path  # where the segment goes, absolute
    encoding: Encoding  # codec and settings
    size: tuple[int, int]  # ``(h, w)`` at which the colours were decided
    wide: bool  # before and after side by side
    begun: int | None  # pts of the frame from which the film was decoded for that; None: its first
    reading: Reading = field(default_factory=Reading)  # how the film's file is read
    times: list[int] = field(default_factory=list)  # pts of the frames
    # of each frame's Y', by which a worker knows that it decodes the same
    prints: list[int] = field(default_factory=list)
    colours: list[Ab] = field(default_factory=list)  # ab of each frame, ``(2, h, w)``
    kept: list[bool] = field(default_factory=list)  # whether the frame's own colours stay

    def at(self, path: Path) -> SegmentTask:
        """The next segment of the same film, which has no frames as yet."""
        return replace(self, path=path, times=[], prints=[], colours=[], kept=[])

    def add(self, item: Colored) -> None:
        """Take one more frame."""
        self.times.append(pts_of(item.frame))
        self.prints.append(_print(luma(item.frame)))
        self.colours.append(item.ab)
        self.kept.append(item.kept)


class SegmentWorkers(Protocol):
    """Workers that do `write_segment`, anywhere and in any order."""

    @property
    def capacity(self) -> int:
        """How many tasks they should have, so that none of them has nothing to do."""

    def submit(self, task: SegmentTask) -> None:
        """Have a task done some time, again if a worker is lost with it."""

    def take(self, timeout: float) -> list[Path]:
        """Segments written since the last call, or within `timeout` seconds; PhotochromError."""


class SharedSegments:
    """The segments of a film that workers have.

    Attributes:
        frames: in the segments that are back.
    """

    def __init__(self, workers: SegmentWorkers) -> None:
        self._workers, self.frames = workers, 0
        self._out: deque[tuple[SegmentTask, State, WorkFolder]] = deque()
        self._written: dict[Path, float] = {}  # and when that was told

    def next(self, folder: WorkFolder) -> Path:
        """Where the next segment of a folder goes."""
        out = sum(other is folder for *_, other in self._out)
        return folder.segment(len(folder.segments) + out).absolute()

    @property
    def out(self) -> int:
        """How many segments workers have."""
        return len(self._out)

    @property
    def full(self) -> bool:
        """Whether one should wait before more is given."""
        return self.out >= max(1, self._workers.capacity)

    def give(self, task: SegmentTask, state: State, folder: WorkFolder) -> None:
        """Have a segment written; `state`: what is kept with it in `folder`."""
        self._workers.submit(task)
        self._out.append((task, state, folder))

    def collect(self, timeout: float) -> None:
        """Count those that are back, in the film's order.

        Args:
            timeout: seconds to wait for one.

        Raises:
            PhotochromError: one cannot be written, or is not where this process sees it.
        """
        now = time.monotonic()
        self._written |= dict.fromkeys(self._workers.take(timeout), now)
        while self._out and self._out[0][0].path in self._written:
            task, state, folder = self._out[0]
            if not task.path.is_file():
                if now - self._written[task.path] > _APPEARS:
                    raise _not_shared(task.path, "this machine", "what a worker wrote")
                break
            folder.keep(state)
            self.frames += len(task.times)
            del self._written[task.path]
            self._out.popleft()


def write_segment(task: SegmentTask) -> None:
    """Paint and encode a segment, which appears when it is whole; VideoError if it cannot."""
    for path in (task.source, task.path.parent):
        if not path.exists():
            raise _not_shared(path, f"a worker on {socket.gethostname()}", "it")
    with VideoReader(task.source, reading=task.reading) as video:
        painter = Painter(video, task.encoding, task.size, task.wide)
        # In a film that is damaged or has a poor index, frames may differ with the place where
        # decoding begins; then it is begun where it was for their colours.
        for begin in (task.times[0], task.begun):
            try:
                with segment_writer(task.path, video, task.encoding, wide=task.wide) as writer:
                    for item in _colored(task, video.frames(begin), painter):
                        painter.write(writer, item)
            except _OtherFramesError:
                continue
            return
    raise VideoError(
        f"{task.source} cannot be coloured with workers",
        expected="the same frames on every machine",
        got=f"others on {socket.gethostname()}",
        fix="see that it is the same file there, or colour it on one machine",
    )


class _OtherFramesError(Exception):
    """What was decoded is not what the colours are for."""


def _colored(
    task: SegmentTask, frames: Iterator[VideoFrame], painter: Painter
) -> Iterator[Colored]:
    """The frames of a task with their colours."""
    own = (frame for frame in frames if pts_of(frame) >= task.times[0])
    kept = task.kept or [False] * len(task.times)
    for pts, known, ab, keep in zip(task.times, task.prints, task.colours, kept, strict=True):
        frame = next(own, None)
        if frame is None or pts_of(frame) != pts or _print(luma(frame)) != known:
            raise _OtherFramesError
        yield Colored(frame, painter.look(frame), ab, keep)


def _print(Y: Codes) -> int:
    """A number that other frames do not have."""
    return zlib.crc32(Y[::_PRINTED].tobytes())


def _not_shared(path: Path, who: str, what: str) -> VideoError:
    return VideoError(
        f"{path} cannot be seen by {who}",
        expected="a film and a result in folders that all machines share, at the same path",
        got=f"none where {what} should be",
        fix="move them into such a folder, or colour the film on one machine",
    )
