"""SMPTE timecodes: hours, minutes, seconds and frames, as text in a film's tags."""

from __future__ import annotations

import re
from fractions import Fraction

_FORM = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")


def moved(timecode: str, frames: int, rate: Fraction) -> str:
    """The timecode some frames later.

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
