"""Joined files whose clocks begin again."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.video.container.video_reader import VideoReader
from tests.helpers.video_files import Recipe, Sound, make_film

UNIT = Fraction(1, 90000)


@pytest.mark.parametrize(
    ("suffix", "codec", "times"),
    [
        (".ts", "libx264", [range(0, 24 * 3750, 3750)] * 3),
        (".vob", "mpeg2video", [range(24)] * 2),
        (".ts", "libx264", [range(0, 24 * 3750, 3750), range(10**7, 10**7 + 24 * 3750, 3750)]),
    ],
)
def test_all_frames_and_sound_are_kept(
    tmp_path: Path, suffix: str, codec: str, times: list[range]
) -> None:
    parts = []
    for number, each in enumerate(times):
        sound = Sound("mp2", rate=48000)
        recipe = Recipe(
            codec=codec,
            times=tuple(each),
            time_base=UNIT if codec == "libx264" else 3750 * UNIT,
            sounds=(sound,),
        )
        parts.append(make_film(tmp_path / f"{number}{suffix}", recipe).read_bytes())
    film = tmp_path / f"joined{suffix}"
    film.write_bytes(b"".join(parts))
    with VideoReader(film) as video:
        frames = [frame.pts for frame in video.frames()]
        assert len(frames) == 24 * len(times)
        assert video.damage is None
        steps = [(b - a) * video.time_base for a, b in pairwise(frames)]
        assert min(steps) == pytest.approx(1 / 24, abs=1e-4)
        assert max(steps) < 0.15  # sound is a little longer than the pictures
        assert len(video.reading.clock.positions) == len(times) - 1
        assert video.duration == pytest.approx(len(times), abs=0.2)
        middle = frames[30]
        assert [frame.pts for frame in video.frames(middle)] == frames[30:]


def test_an_ordinary_clock_stays(tmp_path: Path) -> None:
    with VideoReader(
        make_film(tmp_path / "a.ts", Recipe(sounds=(Sound("mp2", rate=48000),)))
    ) as video:
        assert video.reading.clock.positions == ()
