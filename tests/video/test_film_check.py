"""What is told of a film before the work."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import photochrom.video.colorize_video as module
import photochrom.video.film_check as check
from photochrom import Colorizer, ShotList, VideoOptions, colorize_video
from tests.helpers.video_files import Recipe, Sound, Titles, make_film

TIMES = tuple(range(0, 30 * 512, 512))


@pytest.fixture(autouse=True)
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_SAMPLE", 6)


def test_a_plain_film(tmp_path: Path, colorizer: Colorizer) -> None:
    recipe = Recipe(times=TIMES, sounds=(Sound(),), titles=(Titles("mov_text"),))
    source = make_film(tmp_path / "a.mp4", recipe)
    told = check.check_film(source, tmp_path / "new" / "o.mp4", colorizer=colorizer)
    assert (told.frames, told.width, told.height, told.rate) == (30, 64, 48, 24)
    assert (len(told.kept), told.converted, told.left_out) == (2, (), ())
    assert (told.reading, told.bars, told.turns, told.in_color) == (None, (0, 0), 0, 0)
    assert (told.shots, told.exact) == (1, True)
    assert told.seconds is not None
    assert told.seconds > 0
    assert told.written is not None
    film = colorize_video(source, tmp_path / "o.mp4", colorizer=colorizer)
    assert 0.3 < told.written / film.path.stat().st_size < 3
    lines = list(told.lines())
    assert lines[0] == "30 frames, 64x48, 24 frames/s"
    assert "aac" in lines[1]
    assert "1 shot" in lines
    assert {p.name for p in tmp_path.iterdir()} == {"a.mp4", "o.mp4"}


def test_what_is_unusual(tmp_path: Path, colorizer: Colorizer) -> None:
    recipe = Recipe(
        times=TIMES, display=90, sounds=(Sound("pcm_s16le"),), attachments=(("a.ttf", "x/y", b"f"),)
    )
    source = make_film(tmp_path / "a.mkv", recipe)
    told = check.check_film(source, tmp_path / "o.mp4", colorizer=colorizer)
    text = "\n".join(told.lines())
    assert "will be converted to alac" in text
    assert "a.ttf" in text
    assert "will be left out" in text
    assert f"turned by {told.turns} degrees" in text
    assert told.turns in (90, 270)


def test_a_list_says_how_many_shots(tmp_path: Path, colorizer: Colorizer) -> None:
    source = make_film(tmp_path / "a.mkv", Recipe("ffv1", times=TIMES))
    shot = {"start": 0.0, "end": 1.25, "still": 0.5}
    film = {"name": "a.mkv", "duration": 1.25}
    data = {"format": "photochrom shots 1", "film": film, "shots": [shot]}
    wanted = VideoOptions(shots=ShotList.from_plain(data))
    told = check.check_film(source, tmp_path / "o.mkv", None, wanted, colorizer=colorizer)
    assert (told.shots, told.exact) == (1, True)


def test_shots_of_a_long_film_are_estimated(
    tmp_path: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "_LOOK", 5)
    monkeypatch.setattr(check, "_MANY", 25)
    source = make_film(tmp_path / "a.mkv", Recipe("ffv1", times=TIMES))
    told = check.check_film(source, tmp_path / "o.mkv", colorizer=colorizer)
    assert (told.shots, told.exact) == (1, False)
    assert "about 1 shot" in told.lines()


@pytest.mark.parametrize("long", [False, True])
def test_the_same_is_told_before_the_work(
    tmp_path: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch, long: bool
) -> None:
    monkeypatch.setattr(module, "_LONG", 10 if long else 1000)
    recipe = Recipe("ffv1", times=TIMES, rate=Fraction(24), sounds=(Sound("pcm_s16le"),))
    source = make_film(tmp_path / "a.mkv", recipe)
    told: list[Any] = []
    colorize_video(
        source,
        tmp_path / "o.mp4",
        colorizer=colorizer,
        on_note=told.append,
        progress=lambda done, _: told.append(done),
    )
    notes = told[: told.index(1)]
    assert "was converted to alac" in notes[0]
    assert any("on this machine" in note for note in notes) == long
    assert all(isinstance(each, int) for each in told[len(notes) :])
