"""The part of a film that is written; times of packets, chapters and timecodes in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.packet import Packet

_FORM = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")  # SMPTE


@dataclass(frozen=True)
class Span:
    """The part of a film that is written, in seconds on the source's own clock."""

    origin: Fraction  # what becomes time 0
    # start, end: of the part; None where it has no limit
    start: Fraction | None = None
    end: Fraction | None = None

    def within(self, begin: Fraction, end: Fraction) -> tuple[Fraction, Fraction] | None:
        """What of an interval lies in the part, on the new clock."""
        first = begin if self.start is None else max(begin, self.start)
        last = end if self.end is None else min(end, self.end)
        # An interval of no length is inside if it begins inside.
        inside = first < last or (begin == end == first == last and last != self.end)
        return (first - self.origin, last - self.origin) if inside else None


def move(packet: Packet[Any], span: Span, last: int | None, *, still: bool) -> Fraction | None:
    """Move a packet to the new clock.

    Args:
        last: dts of the packet before, on the new clock.
        still: a cover: it has no time.

    Returns:
        None, or for a packet outside the part by how many seconds it is past its end.
    """
    unit = Fraction(packet.time_base)
    if still:
        packet.pts = packet.dts = 0
        return None
    pts = packet.dts if packet.pts is None else packet.pts
    if pts is not None:
        end = (pts + (packet.duration or 0)) * unit
        # Sound is cut between packets; a subtitle that is being shown is shown from the start on.
        begin = pts * unit
        kept = span.within(begin, end if packet.stream.type == "subtitle" else begin)
        if kept is None:
            return begin - span.end if span.end is not None else Fraction(0)
        if begin - span.origin < kept[0]:
            packet.dts = None
            packet.duration = round((kept[1] - kept[0]) / unit)
            pts = packet.pts = round((kept[0] + span.origin) / unit)
        pts -= round(span.origin / unit)
    # As players do: what has no time follows what came before, and no time goes back.
    follows = None if last is None else last + 1
    dts = pts if packet.dts is None else packet.dts - round(span.origin / unit)
    dts = follows or 0 if dts is None else dts if follows is None else max(dts, follows)
    packet.dts, packet.pts = dts, dts if pts is None else max(pts, dts)
    if not packet.duration and last is not None and packet.stream.type == "audio":
        packet.duration = dts - last  # MP4 would hide a last packet that takes no time
    return None


def moved_chapter(chapter: Any, span: Span) -> Any | None:
    """A chapter, as PyAV gives it, on the new clock; None if it is outside the part."""
    unit = Fraction(chapter["time_base"])
    kept = span.within(chapter["start"] * unit, chapter["end"] * unit)
    if kept is None:
        return None
    start, end = (round(max(Fraction(0), time) / unit) for time in kept)
    return {**chapter, "start": start, "end": end}


def moved_timecode(timecode: str, frames: int, rate: Fraction) -> str:
    """The SMPTE timecode some frames later.

    Args:
        timecode: ``HH:MM:SS:FF``; with ``;`` or ``.`` before the frames, numbers are dropped so
            that it follows the clock (SMPTE ST 12-1: two of 30, four of 60 in every minute that is
            no tenth).
        frames: to go on.
        rate: frames per second.

    Returns:
        The new one, within a day; text of another form comes back as it was.
    """
    match = _FORM.fullmatch(timecode.strip())
    if match is None or not frames:
        return timecode
    hours, minutes, seconds, number = (int(match[i]) for i in (1, 2, 3, 5))
    each = round(rate)
    dropped = each // 15 if match[4] != ":" else 0
    minutes += 60 * hours
    count = (60 * minutes + seconds) * each + number - dropped * (minutes - minutes // 10) + frames
    ten = 600 * each - 9 * dropped
    count %= 144 * ten
    tens, rest = divmod(count, ten)
    late = max(0, rest - dropped) // (60 * each - dropped)
    count += dropped * (9 * tens + late)
    seconds, number = divmod(count, each)
    parts = (seconds // 3600, seconds // 60 % 60, seconds % 60)
    return ":".join(f"{part:02}" for part in parts) + f"{match[4]}{number:02}"
