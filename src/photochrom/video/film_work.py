"""Films, from their files to segments, by this process or by workers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..color import Float
from ..colorizer import Colorizer
from ..options import ColorOptions, VideoOptions
from .color.coloring import Coloring, film_size
from .color.steady import SteadyColor
from .color.view import Box, common_box, quarter_turns
from .container.encoders import Encoding
from .container.video_reader import LARGE, VideoReader
from .segments.ahead import ahead
from .segments.frame_spool import FrameSpool, SpooledFrame
from .segments.painting import Colored, Painter, pts_of
from .segments.segment_file import segment_writer
from .segments.segment_workers import SegmentTask, SharedSegments
from .segments.segmented_work import Progress, SegmentedWork
from .segments.work_folder import State, WorkFolder

if TYPE_CHECKING:
    from av import VideoFrame

_LOOKS = 8  # frames that are looked at for bars
_TICK = 0.2  # seconds between two looks at what workers have done


@dataclass(frozen=True, eq=False)
class FilmSetup:
    """What all parts of a film share.

    Attributes:
        video: the film.
        encoding: of the result.
        painter: of its frames.
        wide: before and after side by side.
        box: the picture between the bars of the whole film; None: it has none.
        turns: quarter turns counter-clockwise that make frames upright.
        in_color: part of the frames that were looked at, 0...1, that are in colour.
        keep: frames in colour stay as they are.
    """

    video: VideoReader
    encoding: Encoding
    painter: Painter
    wide: bool
    box: Box | None
    turns: int
    in_color: float
    keep: bool

    @classmethod
    def of(
        cls,
        video: VideoReader,
        colorizer: Colorizer,
        options: ColorOptions,
        wanted: VideoOptions,
        encoding: Encoding,
    ) -> Self:
        """Look at a film."""
        size = colorizer.model.fit(*video.shape, film_size(colorizer, options))
        painter = Painter(video, encoding, size, wanted.compare)
        looks = [(painter.look(f), painter.in_color(f)) for f in video.samples(_LOOKS)]
        box = common_box(L for L, _ in looks)
        # Who names a film that is in colour from end to end wants new colours for it.
        in_color = sum(colors for _, colors in looks) / max(1, len(looks))
        turns = quarter_turns(video.tags.display)
        keep = in_color < 1 and wanted.in_color == "keep"
        return cls(video, encoding, painter, wanted.compare, box, turns, in_color, keep)

    @property
    def bars(self) -> tuple[float, float]:
        """Parts of the frame, 0...1, that bars above and below, and left and right, take."""
        if self.box is None:
            return 0.0, 0.0
        (top, bottom, left, right), (height, width) = self.box, self.painter.size
        return 1 - (bottom - top) / height, 1 - (right - left) / width

    def steady(self, colorizer: Colorizer, options: ColorOptions, **guided: Any) -> SteadyColor:
        """What colours its frames; `guided`: more arguments of `SteadyColor`."""
        return SteadyColor(colorizer, options, turns=self.turns, box=self.box, **guided)


class FilmFrames:
    """The frames of a film in parts; a part that follows the last one needs no seeking."""

    def __init__(self, video: VideoReader) -> None:
        self._video = video
        self._frames: Iterator[VideoFrame] = iter(())
        self._next: VideoFrame | None = None
        self._begun: int | None = None
        self._at: int | None = None

    def begun(self, first: int | None) -> int | None:
        """pts from which the film is decoded for a part that begins at pts `first`."""
        return self._begun if self._goes_on(first) else first

    def _goes_on(self, first: int | None) -> bool:
        return self._next is not None and first is not None and first == self._at

    def between(self, first: int | None, end: int | None) -> Iterator[VideoFrame]:
        """The frames from pts `first` to before pts `end`; None: the film's own ends."""
        if not self._goes_on(first):
            self._frames, self._begun = self._video.frames(first), first
            self._next = next(self._frames, None)
        self._at = None
        while self._next is not None:
            if end is not None and pts_of(self._next) >= end:
                self._at = end
                return
            frame, self._next = self._next, None
            yield frame
            del frame  # before the next one is decoded: large ones fill the memory
            self._next = next(self._frames, None)


class FilmWork(SegmentedWork):
    """A part of a film that is coloured by itself; the places of its frames are their pts.

    Args:
        name: for messages.
        setup: of the film.
        frames: of the film.
        color: gives the frames their colours.
        first, end: pts; see `FilmFrames.between`.
        total: number of the frames, if known.
    """

    def __init__(
        self,
        name: str,
        setup: FilmSetup,
        frames: FilmFrames,
        color: Coloring,
        first: int | None = None,
        end: int | None = None,
        total: int | None = None,
    ) -> None:
        super().__init__(name, color, first, total)
        self._setup, self._frames, self._end = setup, frames, end
        self._spool: FrameSpool | None = None

    def encode(self, folder: WorkFolder, progress: Progress) -> None:
        """See `SegmentedWork`; large frames wait in a file."""
        video = self._setup.video
        if video.shape[0] * video.shape[1] <= LARGE:
            super().encode(folder, progress)
            return
        with FrameSpool(folder.path) as self._spool:
            super().encode(folder, progress)

    def share(self, folder: WorkFolder, sharing: SharedSegments, step: Callable[[], None]) -> None:
        """Have the segments that are missing made by others; returns when all are given to them.

        Args:
            folder: of the segments.
            sharing: what the workers have.
            step: called at each frame, and while there is nothing to do but to wait.
        """
        if self._finished:
            return
        with closing(ahead(self._colored(), self.waiting)) as colored:
            for task, state in self._tasks(colored, sharing, folder, step):
                while sharing.full:
                    sharing.collect(_TICK)
                    step()
                sharing.give(task, state, folder)

    def _tasks(
        self,
        colored: Iterator[Colored | State],
        sharing: SharedSegments,
        folder: WorkFolder,
        step: Callable[[], None],
    ) -> Iterator[tuple[SegmentTask, State]]:
        """The missing segments, each with the state after it."""
        count, setup = self.done, self._setup
        task = SegmentTask(
            setup.video.path.absolute(),
            sharing.next(folder),
            setup.encoding,
            setup.painter.size,
            setup.wide,
            self._frames.begun(self._next),
            setup.video.reading,
        )
        for item in colored:
            if isinstance(item, Colored):
                task.add(item)
                sharing.collect(0)
                step()
                continue
            count += len(task.times)
            self._check_frames(count)
            yield task, item | {"done": np.array(count)}
            task = task.at(sharing.next(folder))

    def _given(self, frame: VideoFrame | SpooledFrame, L: Float, ab: Float) -> Colored:
        if isinstance(frame, SpooledFrame):
            kept = frame.kept
        else:
            kept = self._setup.keep and self._setup.painter.in_color(frame)
        self.kept += kept
        return Colored(frame, L, ab.astype(np.float16), kept)

    def _decoded(self) -> Generator[tuple[VideoFrame | SpooledFrame, Float], None, None]:
        for frame in self._frames.between(self._next, self._end):
            painter = self._setup.painter
            L = painter.look(frame)
            one: VideoFrame | SpooledFrame = frame
            if self._spool is not None:
                one = self._spool.put(frame, self._setup.keep and painter.in_color(frame))
                del frame  # before the next one is decoded
            yield one, L

    def _place(self, frame: VideoFrame | SpooledFrame) -> int:
        return pts_of(frame)

    @contextmanager
    def _writer(self, path: Path) -> Iterator[Callable[[Colored], None]]:
        setup = self._setup
        with segment_writer(path, setup.video, setup.encoding, wide=setup.wide) as writer:
            yield lambda item: setup.painter.write(writer, self._whole(item))

    def _whole(self, item: Colored) -> Colored:
        """An item with its frame, also where that waits in a file."""
        if self._spool is None:
            return item
        video = self._setup.video
        return replace(item, frame=self._spool.take(item.frame, (*video.shape, video.planar)))


def frames_in_all(video: VideoReader, start: float | None, end: float | None) -> int | None:
    """About how many frames a part of a film has; None if its file does not say."""
    known = [seconds for seconds in (video.duration, end) if seconds is not None]
    return max(1, round((min(known) - (start or 0)) * video.rate)) if known else None
