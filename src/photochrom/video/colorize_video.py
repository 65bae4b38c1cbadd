"""A film from file to file: decode -> predict and carry -> colour planes -> encode -> put together.

Decoding, predicting and encoding go on side by side, a few frames apart, so memory does not grow
with the film. The work goes in segments (see `work_folder`): what is finished stays, and the same
call goes on after it; the result is the same frame for frame as without a break. With workers, the
second half of the way is theirs (see `segment_workers`).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._system import cores
from ..affinity import Reference
from ..cancel import CancelToken
from ..color import Codes, Float
from ..colorizer import Colorizer
from ..errors import ArgumentError
from ..options import ColorOptions, Source, VideoOptions
from ..upsample import shrink
from .color.coloring import Coloring
from .color.references import pinned
from .color.steady import inner
from .color.view import common_box, quarter_turns
from .container.encoders import Encoding
from .container.mux import assemble, try_out
from .container.streams import Converted, LeftOut
from .container.video_reader import VideoReader
from .segments.ahead import ahead
from .segments.painting import Colored, Painter, pts_of
from .segments.segment_file import SegmentWriter, segment_writer
from .segments.segment_workers import SegmentTask, SegmentWorkers, SharedSegments
from .segments.work_folder import State, WorkFolder, remove_work_folders

if TYPE_CHECKING:
    from av import VideoFrame

Progress = Callable[[int, int | None], None]
"""Called with the number of frames that are done, and that of all, if the file says."""

_SEGMENT = 240
"""Frames after which a segment may end: some ten seconds, so that a break costs no more."""

_LOOKS = 8  # frames that are looked at for bars
_AHEAD = 8  # frames between two stages
_TICK = 0.2  # seconds between two looks at what workers have done
_METHOD = 4  # of colouring; another number where unfinished films cannot be gone on with


@dataclass(frozen=True)
class Film:
    """What became of a film.

    Attributes:
        path: the new file.
        frames: in it.
        shape: ``(H, W)`` of one.
        resumed: how many of them were there from an earlier, interrupted call.
        seconds: that the rest took.
        left_out: streams of the source that the new file cannot hold.
        converted: streams that it holds in another codec.
        kept: frames that were in colour and stayed as they were.
        damage: what could not be read of the source, in one line, or None.
    """

    path: Path
    frames: int
    shape: tuple[int, int]
    resumed: int
    seconds: float
    left_out: list[LeftOut]
    converted: list[Converted]
    kept: int
    damage: str | None


def colorize_video(
    source: Path | str,
    output: Path | str,
    options: ColorOptions | None = None,
    video_options: VideoOptions | None = None,
    *,
    colorizer: Colorizer | None = None,
    progress: Progress | None = None,
    on_note: Callable[[str], None] | None = None,
    workers: SegmentWorkers | None = None,
    cancel: CancelToken | None = None,
) -> Film:
    """Colour a film.

    Lightness goes to the encoder as it was decoded; sound, subtitles, chapters and everything else
    are copied. A call that was interrupted goes on where it was when it is made again with the
    same arguments; until then a folder beside `output` holds what is done.

    Args:
        source: any film that FFmpeg reads.
        output: the new file, .mp4, .m4v, .mov, .mkv or .webm; replaced if it exists.
        options: vividness and so on.
        video_options: codec, part of the film and so on.
        colorizer: the loaded model; None: the bundled one.
        progress: called after each frame; with workers now and then, with whole segments.
        on_note: called before the first frame with a line for each stream that cannot be kept as
            it is, and whatever else should be known before the work.
        workers: who paints and encodes the segments, see `sharing`; None: this process itself.
        cancel: checked after each frame.

    Raises:
        VideoError: the source cannot be read, or the output not be written.
        ArgumentError: an argument out of range, or an output that is the source.
        MissingExtraError: the extra ``video`` is not installed.
        CancelledError: `cancel` was set; the same call goes on from there.
    """
    options, wanted = options or ColorOptions(), video_options or VideoOptions()
    report = _checked(progress, cancel)
    source, output = Path(source), Path(output)
    encoding = Encoding.for_file(output, wanted.codec, crf=wanted.crf, preset=wanted.preset)
    if output.exists() and output.samefile(source):
        raise ArgumentError(
            f"the film {output}",
            expected="a new name",
            got="that of the source",
            fix="choose another name",
        )
    with VideoReader(source, wanted.deinterlace) as video:
        _check_range(video, wanted.start, wanted.end)
        colorizer = colorizer or film_colorizer()
        job = _job(source, colorizer, options, wanted, encoding)
        with WorkFolder.of(output, job) as folder:
            work = _Work(video, colorizer, options, wanted, encoding)
            began = time.monotonic()
            resumed = work.resume(folder.state())
            limits = {"start": wanted.start, "end": wanted.end}
            if on_note is not None or not resumed:
                trial = try_out(video, encoding, output, folder.path, **limits)
                for change in (*trial.converted, *trial.left_out):
                    (on_note or _ignore)(str(change))
            if workers is None:
                work.encode(folder, report)
            else:
                work.share(folder, workers, report)
            streams = assemble(video, folder.segments, output, note=colorizer.note, **limits)
        remove_work_folders(output)
        seconds = time.monotonic() - began
        shape = video.shape[0], video.shape[1] * (1 + wanted.compare)
        return Film(
            output,
            work.done,
            shape,
            resumed,
            seconds,
            streams.left_out,
            streams.converted,
            work.kept,
            video.damage,
        )


def _ignore(note: str) -> None:
    """For callers who want no notes."""


def _checked(progress: Progress | None, cancel: CancelToken | None) -> Progress:
    def report(done: int, total: int | None) -> None:
        if cancel is not None:
            cancel.check()
        if progress is not None:
            progress(done, total)

    return report


def film_colorizer(model: str | Path = "bundled") -> Colorizer:
    """A `Colorizer` for films: its network takes half of the cores.

    It needs them for a moment now and then, while decoding and encoding keep all of them busy; on
    two cores a film takes a tenth less time so than with both for the network.
    """
    return Colorizer(model, threads=max(1, cores() // 2))


def film_size(colorizer: Colorizer, options: ColorOptions) -> int | None:
    """The size at which the network sees a film's frames, as `ColorOptions.size`."""
    return options.size or colorizer.model.card.film_size


def colorize_frames(
    frames: Iterable[Codes],
    colorizer: Colorizer | None = None,
    options: ColorOptions | None = None,
) -> Iterator[Codes]:
    """Colour the frames of a film, for those who read and write films themselves.

    Args:
        frames: ``(H, W)`` grey sRGB codes, uint8 or uint16, all of one size.
        colorizer: the loaded model; None: the bundled one.
        options: vividness and so on.

    Yields:
        ``(H, W, 3)`` RGB of the same depth, one for each frame, up to 12 frames later.

    Raises:
        ArgumentError: frames of different sizes.
    """
    colorizer, options = colorizer or Colorizer(), options or ColorOptions()
    color = Coloring(colorizer, options)
    shape: tuple[int, ...] | None = None

    def small() -> Iterator[tuple[Codes, Float]]:
        nonlocal shape
        for grey in frames:
            shape = shape or grey.shape
            if grey.ndim != 2 or grey.shape != shape:
                raise ArgumentError(
                    "a frame of a film",
                    expected=f"grey, {shape}" if len(shape) == 2 else "grey, (H, W)",
                    got=str(grey.shape),
                    fix="give frames of one size without colour",
                )
            height, width = shape
            yield (
                grey,
                shrink(grey, *colorizer.model.fit(height, width, film_size(colorizer, options))),
            )

    for grey, L in small():
        for one, its_L, ab in color.push(grey, L):
            yield colorizer.paint(one, its_L, ab)
    for one, its_L, ab in color.flush():
        yield colorizer.paint(one, its_L, ab)


class _Work:
    """One job, from the video to segments."""

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
        self._color = Coloring(colorizer, options, turns, pinned(colorizer, options), box)
        self._next = None if start is None else video.pts_at(start)
        self._end = None if end is None else video.pts_at(end)
        self._finished, self._keep = False, part and wanted.in_color == "keep"
        self.done = self.kept = 0
        length = video.duration
        if length is None and end is None:
            self.total = None
        else:
            span = min(v for v in (length, end) if v is not None) - (start or 0)
            self.total = max(1, round(span * video.rate))

    def resume(self, state: State | None) -> int:
        """Go on after the segments that are done; returns the number of their frames."""
        if state is not None:
            self.done, self._next = int(state["done"]), int(state["next"])
            self.kept = int(state["kept"])
            self._finished = bool(state["finished"])
            if self._finished:
                return self.done
            self._color.shots.restore(inner(state, "shots."))
            self._color.steady.restore(inner(state, "steady."))
        return self.done

    def encode(self, folder: WorkFolder, progress: Progress) -> None:
        """Make the segments that are missing."""
        with closing(ahead(self._colored(), _AHEAD)) as colored:
            while not self._finished:
                target, encoding = folder.next, self._encoding
                with segment_writer(target, self._video, encoding, wide=self._wide) as writer:
                    state = self._fill(writer, colored, progress)
                self._finished = bool(state["finished"])
                folder.keep(state | {"done": np.array(self.done)})

    def _fill(
        self, writer: SegmentWriter, colored: Iterator[Colored | State], progress: Progress
    ) -> State:
        """Write one segment; returns the state after it."""
        for item in colored:
            if not isinstance(item, Colored):
                self._check_frames(self.done)
                return item
            self._painter.write(writer, item)
            self.done += 1
            progress(self.done, self.total)
        raise AssertionError("a state comes last")

    def share(self, folder: WorkFolder, workers: SegmentWorkers, progress: Progress) -> None:
        """Have the segments that are missing made by others."""
        sharing = SharedSegments(folder, workers)

        def wait(seconds: float) -> None:
            kept = sharing.collect(seconds)
            if kept is not None:
                self.done, self._finished = int(kept["done"]), bool(kept["finished"])
            progress(self.done, self.total)

        if not self._finished:
            with closing(ahead(self._colored(), _AHEAD)) as colored:
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

    def _check_frames(self, count: int) -> None:
        if not count:
            raise ArgumentError(
                f"the part of {self._video.path}",
                expected="a part with frames",
                got="none",
                fix="change start or end",
            )

    def _colored(self) -> Generator[Colored | State, None, None]:
        """Frames with their colour; between them, where a segment may end, the state there."""
        count = 0
        with closing(ahead(self._decoded(), _AHEAD)) as decoded:
            for frame, L in decoded:
                for one in self._color.push(frame, L):
                    yield self._given(*one)
                    count += 1
                if count >= _SEGMENT and not self._color.waiting:
                    count = 0
                    yield self._state(pts_of(self._color.undecided[0][0]))
        for one in self._color.flush():
            yield self._given(*one)
        yield self._state(None)

    def _given(self, frame: VideoFrame, L: Float, ab: Float) -> Colored:
        kept = self._keep and self._painter.in_color(frame)
        self.kept += kept
        return Colored(frame, L, ab.astype(np.float16), kept)

    def _decoded(self) -> Generator[tuple[VideoFrame, Float], None, None]:
        for frame in self._video.frames(self._next):
            if self._end is not None and pts_of(frame) >= self._end:
                return
            yield frame, self._painter.look(frame)

    def _state(self, following: int | None) -> State:
        """For `resume`: what the frames from pts `following` on depend on; None: there are none."""
        if following is None:
            return {
                "next": np.array(0),
                "finished": np.array(True),
                "kept": np.array(self.kept),
            }
        return {
            "kept": np.array(self.kept),
            "next": np.array(following),
            "finished": np.array(False),
            **{f"shots.{key}": value for key, value in self._color.shots.state().items()},
            **{f"steady.{key}": value for key, value in self._color.steady.state().items()},
        }


def _check_range(video: VideoReader, start: float | None, end: float | None) -> None:
    length = video.duration
    first, last = start or 0, end if end is not None else length
    late = length is not None and first >= length
    if first < 0 or late or (last is not None and last <= first):
        raise ArgumentError(
            "the part of the film",
            expected="a start before its end, in seconds"
            + (f", within {length:.2f}" if length is not None else ""),
            got=f"{first:g} to {'the end' if end is None else f'{end:g}'}",
            fix="change start or end",
        )


def _print(reference: Source) -> str:
    """What tells a reference from another one."""
    if isinstance(reference, Reference):
        return hashlib.sha256(b"".join(part.tobytes() for part in reference)).hexdigest()
    with Path(reference).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _job(
    source: Path,
    colorizer: Colorizer,
    options: ColorOptions,
    wanted: VideoOptions,
    encoding: Encoding,
) -> dict[str, Any]:
    """Everything that the frames of the result depend on."""
    about = source.stat()
    with colorizer.model.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "method": _METHOD,
        "source": [str(source.resolve()), about.st_size, about.st_mtime_ns],
        "model": digest,
        "options": asdict(replace(options, reference=())),
        "references": [_print(each) for each in options.references],
        "encoding": asdict(encoding),
        "video": {k: v for k, v in asdict(wanted).items() if k not in ("codec", "crf", "preset")},
    }
