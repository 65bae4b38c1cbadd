"""A film and its options, and the work on a part of it: from its file to segments."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._io import file_sha256
from ..color import Float
from ..colorizer import Colorizer
from ..options import ColorOptions, VideoOptions, digest_of
from .color.coloring import Coloring, film_size
from .color.steady import SteadyColor
from .color.view import Box, common_box, quarter_turns
from .container.encoders import Encoding
from .container.film_decoder import LARGE
from .container.video_reader import VideoReader
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
_METHOD = 7  # of colouring; another number where unfinished films cannot be gone on with
_ELSEWHERE = ("codec", "crf", "preset", "shots")  # options whose meaning is elsewhere in the job
_LOSSLESS = Encoding("ffv1", None, None)


@dataclass(frozen=True, eq=False)
class FilmSetup:
    """A film, its options and what was found out about it."""

    video: VideoReader  # the film
    colorizer: Colorizer  # the loaded model
    # options, video_options: as given
    options: ColorOptions
    video_options: VideoOptions
    encoding: Encoding  # of the result
    painter: Painter  # of its frames
    box: Box | None  # the picture between the bars of the whole film; None: it has none
    turns: int  # quarter turns counter-clockwise that make frames upright
    in_color: float  # part of the frames that were looked at, 0...1, that are in colour
    keep: bool  # frames in colour stay as they are

    @classmethod
    def of(
        cls,
        video: VideoReader,
        colorizer: Colorizer,
        options: ColorOptions,
        video_options: VideoOptions,
        encoding: Encoding = _LOSSLESS,
    ) -> Self:
        """Look at some frames of a film."""
        size = colorizer.model.fit(*video.shape, film_size(colorizer, options))
        painter = Painter(video, encoding, size, video_options.compare)
        looks = [(painter.look(f), painter.in_color(f)) for f in video.samples(_LOOKS)]
        box = common_box(L for L, _ in looks)
        # Who names a film that is in colour from end to end wants new colours for it.
        in_color = sum(colors for _, colors in looks) / max(1, len(looks))
        turns = quarter_turns(video.tags.display)
        keep = in_color < 1 and video_options.in_color == "keep"
        given = video, colorizer, options, video_options, encoding
        return cls(*given, painter, box, turns, in_color, keep)

    @property
    def span(self) -> tuple[int | None, int | None]:
        """pts at which the wanted part begins and ends; None: where the film does."""
        video, wanted = self.video, self.video_options
        first, end = (None if t is None else video.pts_at(t) for t in (wanted.start, wanted.end))
        return first, end

    @property
    def total(self) -> int | None:
        """About how many frames the wanted part has; None if the file does not say."""
        wanted = self.video_options
        known = [seconds for seconds in (self.video.duration, wanted.end) if seconds is not None]
        if not known:
            return None
        return max(1, round((min(known) - (wanted.start or 0)) * self.video.rate))

    @property
    def job(self) -> dict[str, Any]:
        """Everything that the frames of the result depend on, as JSON; see `WorkFolder.of`.

        Hints, stills and the list of shots are not in it; see `shots.shot_plans.ShotPlan.job`.
        """
        source = self.video.path
        about, video_options = source.stat(), asdict(self.video_options)
        return color_job(self.colorizer, self.options) | {
            "source": [str(source.resolve()), about.st_size, about.st_mtime_ns],
            "encoding": asdict(self.encoding),
            "video": {k: v for k, v in video_options.items() if k not in _ELSEWHERE},
        }

    @property
    def bars(self) -> tuple[float, float]:
        """Parts of the frame, 0...1, that bars above and below, and left and right, take."""
        if self.box is None:
            return 0.0, 0.0
        (top, bottom, left, right), (height, width) = self.box, self.painter.size
        return 1 - (bottom - top) / height, 1 - (right - left) / width

    def steady(self, options: ColorOptions | None = None, **guided: Any) -> SteadyColor:
        """What colours its frames, or with other options some; `guided`: as of `SteadyColor`."""
        options = options or self.options
        return SteadyColor(self.colorizer, options, turns=self.turns, box=self.box, **guided)


def color_job(colorizer: Colorizer, options: ColorOptions) -> dict[str, Any]:
    """What the colours of a film depend on beside the film, as JSON."""
    return {
        "method": _METHOD,
        "model": file_sha256(colorizer.model.path),
        "options": asdict(replace(options, reference=(), hints=())),
        "references": [digest_of(each) for each in options.references],
    }


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
    """A part of a film that is coloured by itself, from pts `first` to `end`; has a `name`."""

    def __init__(
        self,
        name: str,
        setup: FilmSetup,
        frames: FilmFrames,
        color: Coloring,
        first: int | None = None,
        end: int | None = None,
    ) -> None:
        super().__init__(name, color, first, None)
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
            setup.video_options.compare,
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
        setup, wide = self._setup, self._setup.video_options.compare
        with segment_writer(path, setup.video, setup.encoding, wide=wide) as writer:
            yield lambda item: setup.painter.write(writer, self._whole(item))

    def _whole(self, item: Colored) -> Colored:
        """An item with its frame, also where that waits in a file."""
        if self._spool is None:
            return item
        video = self._setup.video
        return replace(item, frame=self._spool.take(item.frame, (*video.shape, video.planar)))
