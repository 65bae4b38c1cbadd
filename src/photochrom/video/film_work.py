"""One film, from its file to segments, by this process or by workers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..color import Float
from ..colorizer import Colorizer
from ..options import ColorOptions, VideoOptions
from .color.coloring import Coloring, film_size
from .color.references import pinned
from .color.view import common_box, quarter_turns
from .container.encoders import Encoding
from .container.video_reader import VideoReader
from .segments.ahead import ahead
from .segments.painting import Colored, Painter, pts_of
from .segments.segment_file import segment_writer
from .segments.segment_workers import SegmentTask, SegmentWorkers, SharedSegments
from .segments.segmented_work import Progress, SegmentedWork
from .segments.work_folder import State, WorkFolder

if TYPE_CHECKING:
    from av import VideoFrame

_LOOKS = 8  # frames that are looked at for bars
_TICK = 0.2  # seconds between two looks at what workers have done


class FilmWork(SegmentedWork):
    """The frames of a film; their places are their pts."""

    def __init__(
        self,
        video: VideoReader,
        colorizer: Colorizer,
        options: ColorOptions,
        wanted: VideoOptions,
        encoding: Encoding,
    ) -> None:
        start, end, wide = wanted.start, wanted.end, wanted.compare
        self._video, self._encoding, self._wide = video, encoding, wide
        self._size = colorizer.model.fit(*video.shape, film_size(colorizer, options))
        self._painter = Painter(video, encoding, self._size, wide)
        samples = list(video.samples(_LOOKS))
        box = common_box(self._painter.look(frame) for frame in samples)
        # Who names a film that is in colour from end to end wants new colours for it.
        part = not all(self._painter.in_color(frame) for frame in samples)
        turns = quarter_turns(video.tags.display)
        self._end = None if end is None else video.pts_at(end)
        self._keep = part and wanted.in_color == "keep"
        super().__init__(
            str(video.path),
            Coloring(colorizer, options, turns, pinned(colorizer, options), box),
            None if start is None else video.pts_at(start),
            _frames_in_all(video, start, end),
        )

    def share(self, folder: WorkFolder, workers: SegmentWorkers, progress: Progress) -> None:
        """Have the segments that are missing made by others."""
        sharing = SharedSegments(folder, workers)

        def wait(seconds: float) -> None:
            kept = sharing.collect(seconds)
            if kept is not None:
                self.done, self._finished = int(kept["done"]), bool(kept["finished"])
            progress(self.done, self.total)

        if not self._finished:
            with closing(ahead(self._colored(), self.waiting)) as colored:
                for task, state in self._tasks(colored, sharing, lambda: wait(0)):
                    while sharing.full:
                        wait(_TICK)
                    sharing.give(task, state)
        while not self._finished:
            wait(_TICK)

    def _tasks(
        self, colored: Iterator[Colored | State], sharing: SharedSegments, step: Callable[[], None]
    ) -> Iterator[tuple[SegmentTask, State]]:
        """The missing segments, each with the state after it; `step` is called at each frame."""
        count = self.done
        encoding, size, begun = self._encoding, self._size, self._next
        source = self._video.path.absolute()
        task = SegmentTask(
            source, sharing.next, encoding, size, self._wide, begun, self._video.reading
        )
        for item in colored:
            if isinstance(item, Colored):
                task.add(item)
                step()
                continue
            count += len(task.times)
            self._check_frames(count)
            yield task, item | {"done": np.array(count)}
            task = task.at(sharing.next)

    def _given(self, frame: VideoFrame, L: Float, ab: Float) -> Colored:
        kept = self._keep and self._painter.in_color(frame)
        self.kept += kept
        return Colored(frame, L, ab.astype(np.float16), kept)

    def _decoded(self) -> Generator[tuple[VideoFrame, Float], None, None]:
        for frame in self._video.frames(self._next):
            if self._end is not None and pts_of(frame) >= self._end:
                return
            yield frame, self._painter.look(frame)

    def _place(self, frame: VideoFrame) -> int:
        return pts_of(frame)

    @contextmanager
    def _writer(self, path: Path) -> Iterator[Callable[[Colored], None]]:
        with segment_writer(path, self._video, self._encoding, wide=self._wide) as writer:
            yield lambda item: self._painter.write(writer, item)


def _frames_in_all(video: VideoReader, start: float | None, end: float | None) -> int | None:
    known = [seconds for seconds in (video.duration, end) if seconds is not None]
    return max(1, round((min(known) - (start or 0)) * video.rate)) if known else None
