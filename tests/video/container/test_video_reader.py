"""Reading films: frames, times, formats, damage, and what is no film."""

from __future__ import annotations

import dataclasses
import io
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photochrom.errors import MissingExtraError, VideoError

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.video.container.film_decoder import FilmDecoder
from photochrom.video.container.frame_planes import luma
from photochrom.video.container.tags import Tags
from photochrom.video.container.video_reader import VideoReader
from tests.helpers.video_files import Recipe, Sound, av, make_film, picture

FFV1 = Recipe(codec="ffv1")
RAW = Recipe(codec="rawvideo", times=tuple(range(0, 4 * 512, 512)))


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


# --- pixel formats -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        *(("gray", 8), ("gray10le", 10), ("gray12le", 12), ("yuv420p", 8), ("yuv422p", 8)),
        *(("yuv444p", 8), ("yuv440p", 8), ("yuv420p10le", 10), ("yuv422p10le", 10)),
        *(("yuv444p10le", 10), ("yuv420p12le", 12), ("yuv422p12le", 12), ("yuv444p12le", 12)),
        ("yuva420p", 8),
    ],
)
@pytest.mark.parametrize("size", [(48, 64), (45, 61)])
def test_luma_passes_untouched(
    tmp_path: Path, name: str, depth: int, size: tuple[int, int]
) -> None:
    recipe = dataclasses.replace(FFV1, pixel_format=name, size=size, times=(0, 512, 1024))
    with VideoReader(make_film(tmp_path / "a.mkv", recipe)) as clip:
        assert (clip.format, clip.depth, clip.shape) == (name, depth, size)
        for i, frame in enumerate(clip.frames()):
            grey = luma(frame)
            assert grey.dtype == (np.uint8 if depth == 8 else np.uint16)
            assert not grey.flags.writeable
            np.testing.assert_array_equal(grey, picture(recipe, i, depth))


def test_nv12_passes_untouched(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RAW, pixel_format="nv12")
    with VideoReader(make_film(tmp_path / "a.nut", recipe)) as clip:
        assert clip.format == "nv12"
        np.testing.assert_array_equal(luma(next(clip.frames())), picture(recipe, 0, 8))


@pytest.mark.parametrize(
    ("name", "depth", "scale"),
    [("yuv420p9le", 10, 2), ("gray16le", 12, 1 / 16), ("yuv420p16le", 12, 1 / 16)],
)
def test_other_depths_are_converted(tmp_path: Path, name: str, depth: int, scale: float) -> None:
    recipe = dataclasses.replace(FFV1, pixel_format=name, times=(0, 512))
    with VideoReader(make_film(tmp_path / "a.mkv", recipe)) as clip:
        assert (clip.format, clip.depth) == (name, depth)
        bits = {2: 9}.get(int(scale), 16)
        source = picture(recipe, 0, bits) * scale
        assert np.abs(luma(next(clip.frames())) - source).max() <= 1


@pytest.mark.parametrize(("codec", "name"), [("rawvideo", "rgb24"), ("ffv1", "bgr0")])
def test_rgb_is_converted_to_limited_range(tmp_path: Path, codec: str, name: str) -> None:
    recipe = dataclasses.replace(RAW, codec=codec, pixel_format=name)
    with VideoReader(make_film(tmp_path / "a.nut", recipe)) as clip:
        assert (clip.format, clip.depth) == (name, 8)
        assert (clip.tags.matrix, clip.tags.range) == (6, 1)
        wanted = 16 + picture(recipe, 0, 8).astype(float) * 219 / 255
        assert np.abs(luma(next(clip.frames())) - wanted).max() <= 1


@pytest.mark.parametrize("name", ["yuyv422", "uyvy422"])
def test_packed_yuv_keeps_its_luma(tmp_path: Path, name: str) -> None:
    recipe = dataclasses.replace(RAW, pixel_format=name)
    film = make_film(tmp_path / "a.nut", recipe)
    with av.open(str(film)) as source:
        packed = bytes(next(p for p in source.demux(video=0) if p.size))
    first = 0 if name == "yuyv422" else 1
    wanted = np.frombuffer(packed, np.uint8).reshape(48, 128)[:, first::2]
    with VideoReader(film) as clip:
        np.testing.assert_array_equal(luma(next(clip.frames())), wanted)


@pytest.mark.parametrize(
    ("recipe", "matrix", "color_range"),
    [
        (FFV1, 6, 1),
        (dataclasses.replace(FFV1, size=(720, 64), times=(0,)), 1, 1),
        (dataclasses.replace(FFV1, pixel_format="gray"), 6, 2),
        (Recipe(codec="mjpeg", pixel_format="yuvj420p"), 5, 2),
        (Recipe(tags={"colorspace": 9, "color_range": 2}), 9, 2),
    ],
)
def test_what_is_not_said_is_guessed(
    tmp_path: Path, recipe: Recipe, matrix: int, color_range: int
) -> None:
    with VideoReader(make_film(tmp_path / "a.mkv", recipe)) as clip:
        assert (clip.tags.matrix, clip.tags.range) == (matrix, color_range)


# --- damage and what is no film ----------------------------------------------------------------

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


def jpeg(size: int = 64) -> bytes:
    file = io.BytesIO()
    Image.new("L", (size, size)).save(file, "JPEG")
    return file.getvalue()


def sound_alone() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", "mp4") as output:
        stream = output.add_stream("aac", 44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate = 44100
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"", "got an empty file"),
        (b"I am no film. " * 200, "got something FFmpeg cannot open"),
        (jpeg(), "expected a film, got a JPEG picture"),
        (sound_alone(), "got sound alone"),
        (b"\0\0\0\x1cftypisom" + b"\0" * 400, "got something FFmpeg cannot open"),
        (b"#EXTM3U\n#EXTINF:3,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "cannot be read as a film"),
        (b"ffconcat version 1.0\nfile a.mp4\n", "cannot be read as a film"),
    ],
    ids=["empty", "text", "jpeg", "sound", "stump", "playlist", "concat"],
)
def test_what_is_no_film(tmp_path: Path, data: bytes, got: str) -> None:
    film = tmp_path / "a.mp4"
    film.write_bytes(data)
    with pytest.raises(VideoError) as caught:
        VideoReader(film)
    assert got in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no such file"):
        VideoReader(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match="directory"):
        VideoReader(tmp_path)


def test_a_film_without_frames(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", FFV1)
    data = film.read_bytes()
    film.write_bytes(data[: data.index(b"\x1f\x43\xb6\x75")])  # to the first cluster
    with pytest.raises(VideoError, match=r"got something FFmpeg cannot open \(end of file\)"):
        VideoReader(film)


def test_a_name_that_looks_like_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_film(tmp_path / "a.mkv", FFV1).rename(tmp_path / "http:a.mkv")
    monkeypatch.chdir(tmp_path)
    assert len(times(Path("http:a.mkv"))) == 24


def test_without_pyav_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_film(tmp_path / "a.mp4")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"photochrom\[video\]"):
        VideoReader(film)


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
