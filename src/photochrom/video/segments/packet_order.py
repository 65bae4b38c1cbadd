"""Order of a film's packets: when each frame is shown, and when it has to be decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ArgumentError
from ..container.probe import open_film
from ..container.video_reader import VideoReader
from .segment_file import Segment

if TYPE_CHECKING:
    from av.packet import Packet


class PacketOrder:
    """The frames of all segments: when each is shown, and when it has to be decoded.

    A frame's dts is the pts of the frame `delay` places before it in the order of showing; so dts
    increase, stay below the pts, and are exact for any frame rate. Encoders do the same, but each
    of ours knows only its own segment.

    Args:
        video: the source.
        segments: in the film's order.
        sums: whether the file's length is the sum of the times between packets, as in MP4 and MOV;
            there the last frame is shown as long as it should be only if that sum is right.
    """

    def __init__(self, video: VideoReader, segments: Sequence[Path], sums: bool) -> None:
        self.segments = segments
        self.times: list[int] = []
        self.delay = 0
        for path in segments:
            with Segment(path) as segment:
                decoded = segment.times()
            shown = sorted(decoded)
            if self.times and shown and shown[0] <= self.times[-1]:
                raise ArgumentError(
                    "the segments of a film",
                    expected="segments in the film's order",
                    got=f"{path.name}, which begins before the end of the one before",
                )
            place = {pts: i for i, pts in enumerate(shown)}
            self.delay = max([self.delay, *(i - place[pts] for i, pts in enumerate(decoded))])
            self.times += shown
        if not self.times:
            raise ArgumentError("the segments of a film", expected="one at least", got="none")
        self.sums, self.final = sums, decoded[-1]
        self.step = max(1, round(1 / (video.rate * video.time_base)))
        self.last = _duration_at(video, self.times[-1]) or self.step

    def packets(self) -> Iterator[Packet[Any]]:
        """All packets in the order of decoding, on the source's clock."""
        # Before the first frame as close together as the first ones are.
        first = self.times[: self.delay + 1]
        gap = min([self.step, *(b - a for a, b in pairwise(first))])
        ahead = [self.times[0] - i * gap for i in range(self.delay, 0, -1)]
        duration = self._end_meets(ahead) if self.sums else 0
        dts = chain(ahead, self.times)
        for path in self.segments:
            with Segment(path) as segment:
                for packet in segment.packets():
                    packet.dts = next(dts)
                    packet.duration = self.last if packet.pts == self.times[-1] else self.step
                    if self.sums and packet.pts == self.final:
                        packet.duration = duration
                    yield packet

    def _end_meets(self, ahead: list[int]) -> int:
        """Make the sum of the times between packets the length of the film.

        Args:
            ahead: dts of the first packets; the first of them may be moved ahead.

        Returns:
            The duration of the packet that is decoded last.
        """
        every = [*ahead, *self.times]
        end, last = self.times[-1] + self.last, every[len(self.times) - 1]
        duration = end - self.times[0] - (last - every[0])
        longest = end - self.final
        if duration > longest and ahead:
            ahead[0] -= duration - longest
        return max(1, min(duration, longest))


def _duration_at(video: VideoReader, pts: int) -> int | None:
    """How long the source shows the frame of a certain time, if it says."""
    import av

    if video.reading.clock.positions:
        return None
    with open_film(video.path) as source:
        stream = source.streams[video.index]
        try:
            source.seek(pts, stream=stream)
            packets = (p for p in source.demux(stream) if p.size)
            return next((p.duration for p in packets if p.pts == pts), None)
        except av.FFmpegError:
            return None
