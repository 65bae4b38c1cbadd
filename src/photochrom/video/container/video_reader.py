"""Reading a film: its frames in the order they are shown, each with its time.

Y' is handed out as decoded, bit for bit, for grey and planar YUV with 8, 10 or 12 bits, and for
the NV formats. Everything else (packed YUV, RGB, palettes, other depths, big-endian) is converted
by FFmpeg's swscale to 4:2:0 or grey with 8, 10 or 12 bits; then Y' is what that conversion gives.
Pictures are not turned: rotation is a tag (`photochrom.video.container.tags.Tags.display`).

Times: AVI and bare streams say only when a frame is decoded; there the times are given out in the
order of showing. A frame without any time comes one frame's length after the one before. A frame
that is not later than the one before is left out: it would never have been seen. So the times
handed out always increase; the steps between them may vary, and the first need not be 0.

Damage: what can be decoded is handed out, as every player does, and `VideoReader.damage` tells
what was wrong. A film of which nothing can be decoded is an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ...color import Codes
from ...errors import ArgumentError
from .clock import Clock, scan
from .deinterlace import (
    NEIGHBOURS,
    deinterlaced,
    inverse_telecine,
    is_progressive,
    is_telecined,
)
from .film_decoder import FilmDecoder, time_of
from .frame_planes import luma
from .probe import unreadable
from .tags import Tags, is_converted_from_rgb, planar_format

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_ARBITRARY_CLOCK = 0x0200  # AVFMT_TS_DISCONT
_SAMPLES, _SAMPLE = 5, 24  # places, and frames at each, looked at for interlacing
_MISSING = 0.1  # seconds at the end of a film that may lack, for its tags are not that exact


@dataclass(frozen=True)
class Reading:
    """How a file is read, as found by looking at it; for other readers of the same file."""

    clock: Clock = field(default_factory=Clock)  # of a file that was joined of several
    # ``"deinterlace"``: interlaced frames are made whole; ``"as decoded"``; ``"ivtc"``
    frames: str = "deinterlace"


class VideoReader:
    """A film, opened for reading.

    Args:
        path: of the file; any format FFmpeg reads.
        deinterlace: ``"auto"``, ``"off"`` or ``"ivtc"``, see `VideoOptions`.
        reading: as another reader of the same file found it, to save looking again.

    Attributes:
        path: of the file.
        index: of the film's stream among those of the file.
        shape: ``(H, W)`` of Y'.
        format: pixel format of the source, by FFmpeg's name.
        planar: pixel format of the frames that are handed out.
        depth: bits of their Y', 8, 10 or 12.
        time_base: seconds per unit of every ``pts`` here.
        rate: frames per second, on average.
        tags: colours, range, shape of the pixels, rotation.
        first: pts of the first frame.
        interlaced: whether the first frame is flagged as interlaced.
        reading: how the file is read.

    Raises:
        VideoError: the file is no film, or is damaged beyond use.
        ArgumentError: `deinterlace` is ``"ivtc"`` and the film was not telecined.
        MissingExtraError: the package av is not installed.
    """

    def __init__(
        self, path: Path | str, deinterlace: str = "auto", reading: Reading | None = None
    ) -> None:
        self.path = Path(path)
        self.reading = reading or Reading()
        self._decoder = FilmDecoder(self.path, self.reading.clock)
        stream, container = self._decoder.stream, self._decoder.container
        try:
            self._start = Fraction(max(0, container.start_time or 0), 1_000_000)
            self.index = stream.index
            self.time_base = _fraction(stream.time_base) or Fraction(1, 90_000)
            self.rate = next(
                (Fraction(r) for r in (stream.average_rate, stream.guessed_rate) if r), Fraction(25)
            )
            self._end = _end(stream, self.time_base)
            self._arbitrary = bool(container.format.flags & _ARBITRARY_CLOCK)
            if reading is None and self._arbitrary:
                self.reading = Reading(scan(container))
                self._decoder.clock = self.reading.clock
                stream = self._decoder.reopen()
            if self.reading.clock.positions:
                self._end = self.reading.clock.end
            frame = next(self._decoder.decoded(), None)
            if frame is None:
                because = f" ({self.damage})" if self.damage else ""
                raise unreadable(self.path, f"no frame that can be decoded{because}")
            self.first = time_of(frame) or 0
            self.interlaced = bool(frame.interlaced_frame)
            self.shape = frame.height, frame.width
            self.tags = Tags.of(frame, stream)
            self.format = frame.format.name
            self.planar, self.depth = planar_format(self.format, frame.format.components[0].bits)
            if reading is None:
                self.reading = replace(self.reading, frames=self._look(deinterlace))
            if self.reading.frames == "ivtc":
                self.rate *= Fraction(4, 5)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; an iteration that is under way ends."""
        self._decoder.container.close()

    @property
    def duration(self) -> float | None:
        """Seconds from the first frame to the end of the last; None if the file does not say."""
        return None if self._end is None else float(self._end - self.first * self.time_base)

    @property
    def damage(self) -> str | None:
        """What was wrong with the part of the film that was read so far, in one line, or None."""
        return self._decoder.damage

    def pts_at(self, seconds: float) -> int:
        """The time `seconds` after the beginning of the film as a player shows it, as a pts.

        The beginning is that of the whole file: where sound comes before the first frame, of the
        sound.
        """
        # As the number is written: in binary, 0.917 is a little more than the frame at 917 ms.
        written = Fraction(str(float(seconds)))
        return math.ceil((self._start + written) / self.time_base)

    def seconds_at(self, pts: int) -> float:
        """The inverse of `pts_at`, to the microsecond and not later, so that it leads back."""
        return math.floor((pts * self.time_base - self._start) * 1_000_000) / 1_000_000

    @property
    def clock_start(self) -> Fraction:
        """What the source's clock says at the beginning, in seconds, where that means nothing.

        MPEG streams begin at any time; elsewhere the clock's 0 is the beginning, and what comes
        after it comes later on purpose.
        """
        return self._start if self._arbitrary else Fraction(0)

    def frames(self, start: int | None = None) -> Iterator[VideoFrame]:
        """The frames in the order they are shown.

        One iteration at a time: a second one ends the first.

        Args:
            start: pts; begin with the first frame that is not earlier.

        Yields:
            Frames with `depth` bits whose pts strictly increases; see `luma`.
        """
        self._decoder.forget_damage()
        last, shown = None, 0
        for frame in self._whole(start):
            assert frame.pts is not None
            last = frame.pts
            if start is not None and last < start:
                continue
            if frame.is_corrupt:
                self._decoder.note("damaged frames")
            shown = frame.duration
            yield self._converted(frame)
            del frame  # large ones fill the memory if two are held
        if last is not None:
            self._note_early_end(last + max(self._step, shown))

    def samples(self, count: int) -> Iterator[VideoFrame]:
        """Single frames from all over the film, where it can be sought in; for a quick look.

        They are frames with which decoding can begin, so of a short film there may be only one.
        """
        import av

        stream, seen = self._decoder.reopen(), set[tuple[int | None, ...]]()
        container = self._decoder.container
        stream.thread_type = "SLICE"  # threads for frames decode several, for one that is wanted
        length = Fraction(self.duration or 0)
        for number in range(1 if self.reading.clock.positions or not length else count):
            start = self.first + round(length * number / count / self.time_base)
            try:
                if number:
                    container.seek(start, stream=stream)
                packets = container.demux(stream)
                head = next(packets)
            except (av.FFmpegError, StopIteration):
                continue
            if (head.pos, head.pts, head.dts) in seen:
                continue
            seen.add((head.pos, head.pts, head.dts))
            frame = next(self._timed(self._decoder.decoded(chain([head], packets))), None)
            if frame is not None:
                yield self._converted(frame)
        self._decoder.forget_damage()

    @property
    def _step(self) -> int:
        """Units of `time_base` from frame to frame."""
        return max(1, round(1 / (self.rate * self.time_base)))

    def _whole(self, start: int | None) -> Iterator[VideoFrame]:
        """The frames from some frames before `start` on, interlaced ones made whole."""
        if self.reading.frames == "ivtc":  # every fifth frame is dropped, counted from the first
            return inverse_telecine(
                self._from(None),
                self.rate * Fraction(5, 4),
            )
        if self.reading.frames == "as decoded":
            return self._from(start)
        early = None if start is None else start - NEIGHBOURS * self._step
        return deinterlaced(self._from(early), self.rate)

    def _from(self, start: int | None) -> Iterator[VideoFrame]:
        """The frames from one on that is not later than `start`, each with its time."""
        return self._timed(self._decoder.frames(start, self.first, self.time_base))

    def _timed(self, frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
        """The frames with a time for each, later than that of the one before."""
        last: int | None = None
        for frame in frames:
            pts = time_of(frame)
            if pts is None:
                pts = self.first if last is None else last + self._step
            if last is not None and pts <= last:
                self._decoder.note("frames left out for being no later than the one before")
                continue
            last = frame.pts = pts
            frame.time_base = self.time_base
            yield frame
            del frame

    def _look(self, deinterlace: str) -> str:
        """How the frames are to be read, see `Reading`."""
        if deinterlace == "ivtc":
            if not is_telecined(self._samples()):
                raise ArgumentError(
                    f"the way of reading {self.path}",
                    expected="frames that were telecined, for ivtc, which drops every fifth",
                    got="frames that all differ",
                    fix="leave --deinterlace out",
                )
            return "ivtc"
        if deinterlace == "off":
            return "as decoded"
        if not self.interlaced:
            return "deinterlace"  # those that come later in the film, if any
        return "as decoded" if is_progressive(self._samples()) else "deinterlace"

    def _samples(self) -> Iterator[Iterator[Codes]]:
        length = self.duration or 0
        for number in range(_SAMPLES if length else 1):
            start = self.first + round(Fraction(length) * number / _SAMPLES / self.time_base)
            frames = islice(
                self._from(start if number else None),
                _SAMPLE,
            )
            yield (luma(self._converted(frame)) for frame in frames)
        self._decoder.forget_damage()

    def _converted(self, frame: VideoFrame) -> VideoFrame:
        height, width = self.shape
        if (frame.format.name, frame.height, frame.width) == (self.planar, height, width):
            return frame
        source = None if is_converted_from_rgb(frame) else self.tags.range
        return frame.reformat(
            width, height, self.planar,
            src_colorspace=self.tags.matrix, dst_colorspace=self.tags.matrix,
            src_color_range=source, dst_color_range=self.tags.range,
        )  # fmt: skip

    def _note_early_end(self, pts: int) -> None:
        if self._end is not None and self._end - pts * self.time_base > _MISSING:
            here, there = float(pts * self.time_base - self._start), float(self._end - self._start)
            self._decoder.note(f"the film ends at {here:.1f} s, not at {there:.1f} s", count=False)


def _fraction(value: Fraction | None) -> Fraction | None:
    return None if value is None else Fraction(value.numerator, value.denominator)


def _end(stream: VideoStream, time_base: Fraction) -> Fraction | None:
    """Where the film should end, in seconds on its own clock, if the file says."""
    if stream.duration is not None:
        return ((stream.start_time or 0) + stream.duration) * time_base
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")  # Matroska
    minutes, _, seconds = rest.partition(":")
    try:
        return Fraction(seconds) + 60 * int(minutes) + 3600 * int(hours)
    except ValueError:
        return None
