"""Timecodes some frames later."""

from __future__ import annotations

from fractions import Fraction

import pytest

from photochrom.video.container.span import moved_timecode

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("timecode", "frames", "rate", "wanted"),
    [
        ("01:00:00:00", 0, Fraction(25), "01:00:00:00"),
        ("01:00:00:20", 10, Fraction(25), "01:00:01:05"),
        ("23:59:59:24", 1, Fraction(25), "00:00:00:00"),
        ("00:00:59;29", 1, NTSC, "00:01:00;02"),
        ("00:09:59;29", 1, NTSC, "00:10:00;00"),
        ("00:00:00;00", 107892, NTSC, "01:00:00;00"),  # an hour by the clock
        ("00:00:59;59", 1, 2 * NTSC, "00:01:00;04"),
        ("no timecode", 5, NTSC, "no timecode"),
    ],
)
def test_moved_timecode(timecode: str, frames: int, rate: Fraction, wanted: str) -> None:
    assert moved_timecode(timecode, frames, rate) == wanted
