"""Reading films: frames, their order and times, and damage."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.video.container.film_decoder import FilmDecoder
from photochrom.video.container.frame_planes import luma
from photochrom.video.container.tags import Tags
from photochrom.video.container.video_reader import VideoReader
from tests.helpers.video_files import FFV1, Recipe, Sound, av, make_film, picture


def read(path: Path, start: int | None = None) -> list[tuple[int, bytes]]:
    with VideoReader(path) as clip:
        return [(frame.pts, luma(frame).tobytes()) for frame in clip.frames(start)]


def times(path: Path) -> list[int]:
    return [pts for pts, _ in read(path)]


# --- pictures and times ------------------------------------------------------------------------


def test_what_a_film_says_of_itself(tmp_path: Path) -> None:
    tags = {"color_primaries": 1, "color_trc": 1, "colorspace": 1, "color_range": 1}
    tags["sample_aspect_ratio"] = Fraction(4, 3)
    film = make_film(tmp_path / "a.mp4", Recipe(tags=tags, display=90))
    with VideoReader(film) as clip:
        assert clip.shape == (48, 64)
        assert (clip.time_base, clip.rate) == (Fraction(1, 12288), 24)
        assert (clip.format, clip.depth, clip.first) == ("yuv420p", 8, 0)
        assert clip.duration == pytest.approx(1)
        display = (0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30)
        assert clip.tags == Tags(1, 1, 1, 1, aspect=Fraction(4, 3), display=display)
        assert next(clip.frames()).rotation == 90
        assert luma(next(clip.frames())).shape == (48, 64)  # not turned


def test_b_frames_come_in_the_order_they_are_shown(tmp_path: Path) -> None:
    options = {"bf": "3", "x264-params": "b-adapt=0:qp=2"}
    film = make_film(tmp_path / "a.mp4", Recipe(options=options))
    with av.open(str(film)) as source:
        decoded = [p.pts for p in source.demux(video=0) if p.size]
    assert decoded != sorted(decoded)
    assert times(film) == list(Recipe().times)
    with VideoReader(film) as clip:
        for i, frame in enumerate(clip.frames()):
            assert np.abs(luma(frame) - picture(Recipe(), i, 8).astype(int)).mean() < 2


def test_a_variable_rate_and_a_late_start_are_kept(tmp_path: Path) -> None:
    uneven = (12288, 12800, 14848, 14849, 20000, 40000)
    film = make_film(tmp_path / "a.mp4", Recipe(times=uneven, container_options={}))
    with VideoReader(film) as clip:
        assert clip.first == 12288
    assert times(film) == list(uneven)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
@pytest.mark.parametrize("bframes", ["0", "2"])
def test_it_can_begin_at_any_frame(tmp_path: Path, suffix: str, bframes: str) -> None:
    options = {"g": "9", "bf": bframes}
    recipe = Recipe(options=options, times=tuple(range(40)), time_base=Fraction(1, 24))
    whole = read(make_film(tmp_path / f"a{suffix}", recipe))
    assert len(whole) == 40
    for i in (0, 1, 8, 9, 30, 39):
        start = whole[i][0]
        assert read(tmp_path / f"a{suffix}", start) == whole[i:]
        if suffix != ".avi":  # whose unit of time is a whole frame
            assert read(tmp_path / f"a{suffix}", start - 1) == whole[i:]
    assert read(tmp_path / f"a{suffix}", whole[-1][0] + 1) == []


def test_avi_has_no_times_so_they_follow_the_order_of_showing(tmp_path: Path) -> None:
    recipe = Recipe(options={"bf": "3"}, times=tuple(range(30)), time_base=Fraction(1, 24))
    assert times(make_film(tmp_path / "a.avi", recipe)) == list(range(30))


def test_a_second_iteration_ends_the_first(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", FFV1)
    with VideoReader(film) as clip:
        first = clip.frames()
        assert next(first).pts == 0
        assert len(list(clip.frames())) == 24
        assert list(first) == []
        third = clip.frames()
        next(third)
    assert list(third) == []


def test_a_frame_at_the_time_of_another_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_film(tmp_path / "a.mkv", FFV1)
    decoded = FilmDecoder.decoded

    def mended(self: FilmDecoder, packets: Any = None) -> Any:
        for i, frame in enumerate(decoded(self, packets)):
            if i == 5:
                frame.pts = frame.pts - 42  # that of the frame before
            if i == 8:
                frame.pts = frame.dts = None
            yield frame

    right = times(film)
    monkeypatch.setattr(FilmDecoder, "decoded", mended)
    with VideoReader(film) as clip:
        shown = [frame.pts for frame in clip.frames()]
        assert clip.damage == "frames left out for being no later than the one before: 1"
    assert shown == pytest.approx([*right[:5], *right[6:]], abs=1)


def test_seconds_are_those_a_player_shows(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.ts", Recipe(sounds=(Sound(codec="mp2", rate=48000),)))
    with VideoReader(film) as clip, av.open(str(film)) as source:
        assert source.start_time > 0
        begin = Fraction(source.start_time, 1_000_000)
        assert clip.pts_at(0.5) * clip.time_base == pytest.approx(float(begin + Fraction(1, 2)))


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("a.mp4", Recipe(options={"bf": "2"})),
        ("a.mkv", Recipe(rate=Fraction(30000, 1001), sounds=(Sound(),))),
        ("a.ts", Recipe(options={"bf": "2"})),
        ("a.avi", Recipe(codec="mpeg4")),
        ("a.mp4", Recipe(times=tuple(range(5120, 5120 + 20 * 512, 512)), sounds=(Sound(),))),
    ],
)
def test_seconds_lead_back_to_the_frame(tmp_path: Path, name: str, recipe: Recipe) -> None:
    with VideoReader(make_film(tmp_path / name, recipe)) as video:
        times = [frame.pts for frame in video.frames()]
        seconds = [video.seconds_at(pts) for pts in times if pts is not None]
        assert [video.pts_at(value) for value in seconds] == times
        assert seconds == sorted(set(seconds))


# --- damage ------------------------------------------------------------------------------------

LONG = Recipe(
    times=tuple(range(0, 72 * 512, 512)),
    options={"g": "12"},
    container_options={"movflags": "faststart"},
)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_cut_off_film_is_read_as_far_as_it_goes(tmp_path: Path, suffix: str) -> None:
    recipe = LONG if suffix == ".mp4" else dataclasses.replace(LONG, container_options={})
    film = make_film(tmp_path / f"a{suffix}", recipe)
    whole = read(film)
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(film.read_bytes()[: film.stat().st_size * 2 // 3])
    with VideoReader(cut) as clip:
        found = [(frame.pts, luma(frame).tobytes()) for frame in clip.frames()]
        assert clip.damage is not None
        assert "the film ends at" in clip.damage
        assert "not at 3.0 s" in clip.damage
    assert 20 < len(found) < 70
    assert found[:-1] == whole[: len(found) - 1]


def test_damage_inside_a_film_is_told(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", LONG)
    with av.open(str(film)) as source:
        packets = [(p.pos, p.size) for p in source.demux(video=0) if p.size]
    data = bytearray(film.read_bytes())
    place, size = packets[30]
    data[place : place + size] = b"\xff" * size
    film.write_bytes(data)
    with VideoReader(film) as clip:
        assert len(list(clip.frames())) >= 70
        assert clip.damage is not None
        assert "cannot be decoded: 1" in clip.damage


def test_a_whole_film_is_not_damaged(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv", ".avi", ".ts"):
        recipe = Recipe(times=tuple(range(30)), time_base=Fraction(1, 24))
        with VideoReader(make_film(tmp_path / f"a{suffix}", recipe)) as clip:
            assert len(list(clip.frames())) == 30
            assert clip.damage is None


def test_a_bare_stream_has_the_rate_its_frames_name(tmp_path: Path) -> None:
    recipe = Recipe(
        times=tuple(range(30)), time_base=Fraction(1, 30), rate=Fraction(30), options={"bf": "0"}
    )
    film = make_film(tmp_path / "a.mp4", recipe)
    bare = tmp_path / "a.h264"
    with av.open(str(film)) as source, av.open(str(bare), "w", "h264") as output:
        copy = output.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                output.mux_one(packet)
    with VideoReader(bare) as video:
        steps = np.diff([frame.pts for frame in video.frames()])
        assert video.rate == 30
        assert set(steps * video.time_base) == {Fraction(1, 30)}


def test_a_name_that_looks_like_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_film(tmp_path / "a.mkv", FFV1).rename(tmp_path / "http:a.mkv")
    monkeypatch.chdir(tmp_path)
    assert len(times(Path("http:a.mkv"))) == 24
