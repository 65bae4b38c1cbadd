"""Moments of films: a time from the beginning, or the number of a frame."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from numbers import Real

from ..errors import ArgumentError

FORMS = "seconds, 1:30, 1:02:03.5, or a frame's number such as 300f"

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")
_FRAME = re.compile(r"(\d+)f")


@dataclass(frozen=True)
class Moment:
    """A moment of a film; what is shown then is the first frame that is not earlier.

    Attributes:
        seconds: from the beginning of the film as a player shows it; or None.
        frame: number of a frame, from 0; or None.

    Raises:
        ArgumentError: not exactly one of them, or a value below 0.
    """

    seconds: float | None = None
    frame: int | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.seconds, self.frame) if value is not None]
        if len(given) != 1 or not math.isfinite(given[0]) or given[0] < 0:
            raise _bad(f"seconds={self.seconds}, frame={self.frame}")

    @classmethod
    def parse(cls, value: object) -> Moment:
        """A moment from a `Moment`, a number of seconds, or a text.

        Raises:
            ArgumentError: `value` is no moment.
        """
        if isinstance(value, Moment):
            return value
        if isinstance(value, Real) and not isinstance(value, bool):
            return cls(seconds=float(value))
        text = str(value).strip() if isinstance(value, str) else ""
        if match := _FRAME.fullmatch(text):
            return cls(frame=int(match[1]))
        if (seconds := clock_seconds(text)) is not None:
            return cls(seconds=seconds)
        raise _bad(repr(value))

    @property
    def plain(self) -> float | str:
        """As JSON has it, and as `parse` reads it: seconds, or ``300f``."""
        return f"{self.frame}f" if self.seconds is None else self.seconds

    def __str__(self) -> str:
        return f"{self.plain:g}" if isinstance(self.plain, float) else self.plain


def clock_seconds(text: str) -> float | None:
    """``12.5``, ``1:30`` or ``1:02:03.5`` in seconds; None if `text` is not of that form."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, rest = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + rest


def _bad(got: str) -> ArgumentError:
    return ArgumentError(
        "a moment of a film", expected=FORMS, got=got, fix="write it like one of these"
    )
