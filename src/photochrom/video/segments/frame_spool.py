"""Queue of large frames in a file, since they would fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from .segment_file import writing

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_ROWS = 64  # that are copied at a time


@dataclass(frozen=True, eq=False)
class SpooledFrame:
    """A frame in a spool."""

    pts: int | None  # of the frame
    kept: bool  # whether its own colours stay
    place: int  # in the spool


class FrameSpool:
    """A file without a name for frames of one format; a context manager.

    One thread may put frames in while another takes them out. The file is as large as all frames
    that waited at the same time.

    Raises:
        VideoError: the file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, Lock()
        with writing(folder):
            self._file = TemporaryFile(dir=folder)  # noqa: SIM115
        self._free: list[int] = []
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, frame: VideoFrame, kept: bool) -> SpooledFrame:
        """Store the planes of a frame."""
        with self._lock, writing(self._folder):
            place = self._free.pop() if self._free else self._end
            self._file.seek(place)
            for rows in _bands(frame):
                self._file.write(np.ascontiguousarray(rows).data)
            self._end = max(self._end, self._file.tell())
        return SpooledFrame(frame.pts, kept, place)

    def take(self, spooled: SpooledFrame, like: tuple[int, int, str]) -> VideoFrame:
        """A frame of a height, width and pixel format that was stored; its place is free then."""
        import av

        height, width, pixels = like
        frame = av.VideoFrame(width, height, pixels)
        with self._lock, writing(self._folder):
            self._file.seek(spooled.place)
            for rows in _bands(frame):
                read = self._file.read(rows.size)
                rows[:] = np.frombuffer(read, np.uint8).reshape(rows.shape)
            self._free.append(spooled.place)
        frame.pts = spooled.pts
        return frame


def _bands(frame: VideoFrame) -> Iterator[NDArray[Any]]:
    """The bytes of the planes of a frame, some rows at a time, without those between rows."""
    for number, plane in enumerate(frame.planes):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
        rows = (rows[::-1] if plane.line_size < 0 else rows)[:, : _row_bytes(frame, number)]
        for top in range(0, plane.height, _ROWS):
            yield rows[top : top + _ROWS]


def _row_bytes(frame: VideoFrame, number: int) -> int:
    """Bytes of a row of a plane."""
    parts = [part for part in frame.format.components if part.plane == number]
    size = 1 if max(part.bits for part in parts) <= 8 else 2
    return max(part.width for part in parts) * len(parts) * size
