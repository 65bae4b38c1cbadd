"""Decoding of a film's file: FFmpeg's frames as they come, from any place of it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from heapq import heappop, heappush
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import VideoError
from .clock import Clock, ClockRepair
from .probe import film_stream, open_film, reason, unreadable

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

LARGE = 1 << 24
"""Pixels of a frame above which few are held in memory at a time: 4 to 8 of 8K fill a gigabyte."""

_NO_TIMES = 0x0080  # AVFMT_NOTIMESTAMPS
_SEEK_BACK = (0, 2, 10)  # seconds; where a film has a poor index, a seek may land too late
_FASTEST = 300  # frames per second that a bare stream may name; more is the unit of a clock


class FilmDecoder:
    """A film's file, open, and the decoder of its stream.

    Attributes:
        path: of the file.
        clock: that packets are moved to.
        container, stream: as they are open now.

    Raises:
        VideoError: the file is no film.
        MissingExtraError: the package av is not installed.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path, self.clock = path, clock
        self._problems: dict[str, int] = {}
        self._raw_rate: Fraction | None = None
        self.container, self.stream = self._open()

    @property
    def damage(self) -> str | None:
        """What was wrong with the part of the film that was read so far, in one line, or None."""
        problems = self._problems.items()
        return "; ".join(f"{what}: {n}" if n else what for what, n in problems) or None

    def note(self, what: str, *, count: bool = True) -> None:
        """Add to `damage`; `count`: how often."""
        self._problems[what] = self._problems.get(what, 0) + count

    def forget_damage(self) -> None:
        """Begin `damage` anew."""
        self._problems.clear()

    def reopen(self) -> VideoStream:
        """Open the file anew; an iteration that is under way ends."""
        self.container.close()
        self.container, self.stream = self._open()
        return self.stream

    def frames(self, start: int | None, first: int, time_base: Fraction) -> Iterator[VideoFrame]:
        """The frames, decoded from one that is not later than pts `start`.

        Args:
            start: None: the beginning.
            first: pts of the first frame.
            time_base: seconds per unit of both.
        """
        import av

        seekable = start is not None and start > first and not self.clock.positions
        for back in _SEEK_BACK if seekable else ():
            assert start is not None
            stream = self.reopen()
            try:
                self.container.seek(start - round(back / time_base), stream=stream)
            except av.FFmpegError:
                break  # what cannot be sought in is decoded from its beginning
            frames = self.decoded()
            frame = next(frames, None)
            if frame is not None and (time_of(frame) or first) <= start:
                return chain([frame], frames)
        self.reopen()
        return self.decoded()

    def decoded(self, packets: Iterator[Packet[Any]] | None = None) -> Iterator[VideoFrame]:
        """All frames that can be decoded, as they come; of these packets, or of all that follow."""
        import av

        container, stream = self.container, self.stream
        repair = ClockRepair(self.clock)
        packets = packets or container.demux(stream)
        # Times of decoding, to be given to the frames in their order; None where frames have times.
        decoding: list[int] | None = None
        if container.format.name == "avi" or container.format.flags & _NO_TIMES:
            decoding = []
        while container.input_was_opened:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self.note(f"the file cannot be read to its end ({reason(error)})", count=False)
                packet = None
            if packet is not None:
                repair(packet)
            time = None if packet is None else packet.dts
            if decoding is not None and time is not None:
                heappush(decoding, time)
            try:
                frames = stream.decode(packet)
            except av.EOFError:
                return
            except av.FFmpegError:
                self.note("frames that cannot be decoded")
                if decoding and time is not None:
                    decoding.remove(time)
                continue
            while frames:
                frame = frames.pop(0)
                if decoding is not None:
                    frame.pts = heappop(decoding) if decoding else None
                yield frame
                del frame
            if packet is None:
                return

    def _open(self) -> tuple[InputContainer, VideoStream]:
        container = open_film(self.path, self._raw_rate)
        stream = film_stream(container)
        if stream is None:
            sound = bool(container.streams.audio)
            container.close()
            if sound:
                raise VideoError(
                    f"{self.path} cannot be read as a film",
                    expected="moving pictures",
                    got="sound alone",
                    fix="name the file that holds the pictures",
                )
            raise unreadable(self.path, "no video stream that FFmpeg can decode")
        own = stream.codec_context.framerate
        bare = container.format.flags & _NO_TIMES and self._raw_rate is None
        if (
            bare and own and own <= _FASTEST and own != stream.average_rate
        ):  # the frames say their rate themselves
            container.close()
            self._raw_rate = Fraction(own)
            return self._open()
        context = stream.codec_context
        # Frames side by side, for the default does not use a second core; but each holds frames.
        large = context.width * context.height > LARGE
        stream.thread_type = "SLICE" if large else "AUTO"
        return container, stream


def time_of(frame: VideoFrame) -> int | None:
    """When a frame is shown, or else decoded."""
    return frame.dts if frame.pts is None else frame.pts
