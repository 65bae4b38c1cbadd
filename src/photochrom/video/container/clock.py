"""Clocks of joined MPEG streams: finds jumps in their times and makes them continuous.

Recordings and DVD files that were joined end to end have the clock of each part. Times within a
part keep their distances; each part begins where the longest stream of the part before it ends.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

_BACK = Fraction(1, 2)  # seconds: a stream whose clock goes back by more was joined there
_FORTH = 10  # seconds: and one that leaps by more; FFmpeg's own limit


@dataclass(frozen=True)
class Clock:
    """What is added to the times of each part of a file."""

    positions: tuple[int, ...] = ()  # first byte of each part but the first, ascending
    offsets: tuple[Fraction, ...] = ()  # seconds added to the times of these parts
    # seconds on the mended clock at which the last stream ends; None if not known
    end: Fraction | None = None

    def at(self, position: int) -> Fraction:
        """Seconds to add to the times of a packet at a byte of the file."""
        part = bisect_right(self.positions, position)
        return self.offsets[part - 1] if part else Fraction(0)


class ClockRepair:
    """Moves packets, in the order of the file, to a `Clock`."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._last = clock, 0

    def __call__(self, packet: Packet[Any]) -> None:
        """Change pts and dts of a packet."""
        if not self._clock.positions or not packet.size:
            return
        if packet.pos is not None and packet.pos >= 0:  # else a part of what came before
            self._last = packet.pos
        units = round(self._clock.at(self._last) / packet.time_base)
        if packet.pts is not None:
            packet.pts += units
        if packet.dts is not None:
            packet.dts += units


@dataclass
class _Part:
    """Attributes: position: first byte; first, last: seconds, by stream."""

    position: int
    first: dict[int, Fraction] = field(default_factory=dict)
    last: dict[int, Fraction] = field(default_factory=dict)


def scan(container: InputContainer) -> Clock:
    """Find the jumps of a file's clock; reads the whole file, but decodes nothing."""
    streams = [s for s in container.streams if s.type in ("video", "audio")]
    parts = [_Part(0)]
    of: dict[int, _Part] = {}
    for packet in container.demux(streams):
        if not packet.size or packet.dts is None or packet.pos is None:
            continue
        index, unit = packet.stream_index, Fraction(packet.time_base)
        time, part = packet.dts * unit, of.get(index, parts[-1])
        last = part.last.get(index)
        if last is not None and not -_BACK < time - last < _FORTH:
            if part is parts[-1]:
                parts.append(_Part(packet.pos))
            part = parts[parts.index(part) + 1]
            part.position = min(part.position, packet.pos)
        of[index] = part
        part.first.setdefault(index, time)
        part.last[index] = time + (packet.duration or 0) * unit
    return _joined(parts)


def _joined(parts: list[_Part]) -> Clock:
    offsets = [Fraction(0)]
    for before, part in pairwise(parts):
        gaps = [before.last[i] - part.first[i] for i in part.first if i in before.last]
        gaps = gaps or [max(before.last.values()) - min(part.first.values())]
        offsets.append(offsets[-1] + max(gaps))
    end = max(parts[-1].last.values(), default=None)
    return Clock(
        tuple(part.position for part in parts[1:]),
        tuple(offsets[1:]),
        None if end is None else end + offsets[-1],
    )
