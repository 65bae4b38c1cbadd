"""Segments become a film: its pictures, their times, and what stops it."""

from __future__ import annotations

import dataclasses
import itertools
import resource
import stat
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom.errors import ArgumentError, VideoError

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.media import CONTAINERS
from photochrom.video.container.encoders import Encoding
from photochrom.video.container.frame_planes import luma
from photochrom.video.container.mux import assemble
from photochrom.video.container.video_reader import VideoReader
from tests.helpers.segmented_films import UNEVEN, color, luma_shown, times, write_segments
from tests.helpers.video_files import Recipe, Sound, av, make_film, payloads


def planes(path: Path) -> list[list[bytes]]:
    """The bytes of all planes of all frames."""
    with VideoReader(path) as clip:
        return [[bytes(plane) for plane in frame.planes] for frame in clip.frames()]


@pytest.mark.parametrize("name", ["yuv420p", "gray", "yuv420p10le", "yuv444p12le"])
def test_luma_comes_through_bit_for_bit(tmp_path: Path, name: str) -> None:
    recipe = Recipe(codec="ffv1", pixel_format=name, size=(45, 61))
    film = make_film(tmp_path / "a.mkv", recipe)
    target = tmp_path / "b.mkv"
    assert color(film, target, "ffv1") == []
    assert luma_shown(target) == luma_shown(film)
    with VideoReader(target) as clip:
        frame = next(clip.frames())
        chroma = np.frombuffer(frame.planes[1], np.uint8 if clip.depth == 8 else np.uint16)
        assert chroma[1] == 90 << (clip.depth - 8)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(row.suffixes[0], codec) for row in CONTAINERS.values() for codec in row.codecs],
)
def test_every_codec_in_every_file(tmp_path: Path, suffix: str, codec: str) -> None:
    film = make_film(tmp_path / "a.mp4", Recipe(times=UNEVEN, size=(66, 98)))
    target = tmp_path / f"b{suffix}"
    assert color(film, target, codec, length=5) == []
    exact = suffix in (".mp4", ".mov", ".m4v")
    for wanted, (got, _) in zip(times(film), luma_shown(target), strict=True):
        assert got == wanted if exact else abs(got - wanted) <= Fraction(1, 2000)
    with VideoReader(film) as old, VideoReader(target) as new:
        assert new.shape == old.shape
        for a, b in zip(old.frames(), new.frames(), strict=True):
            codes = luma(b).astype(float) / (1 << (new.depth - 8))
            assert np.abs(codes - luma(a)).mean() < 6


def test_b_frames_of_segments_are_joined_as_if_in_one_run(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", Recipe(times=UNEVEN))
    color(film, tmp_path / "pieces.mp4", length=5)
    with av.open(str(tmp_path / "pieces.mp4")) as source:
        packets = [(p.dts, p.pts) for p in source.demux(video=0) if p.size]
    assert any(pts > later for (_, pts), (_, later) in itertools.pairwise(packets))  # B-frames
    assert all(a < b for (a, _), (b, _) in itertools.pairwise(packets))
    assert all(dts <= pts for dts, pts in packets)
    assert times(tmp_path / "pieces.mp4") == times(film)


def test_segments_joined_are_the_film_in_one_run(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", Recipe(codec="ffv1", times=UNEVEN))
    color(film, tmp_path / "one.mkv", "ffv1", length=100)
    color(film, tmp_path / "many.mkv", "ffv1", length=3)
    assert luma_shown(tmp_path / "one.mkv") == luma_shown(tmp_path / "many.mkv") == luma_shown(film)
    assert planes(tmp_path / "one.mkv") == planes(tmp_path / "many.mkv")


def test_the_same_input_gives_the_same_film(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4")
    color(film, tmp_path / "b.mp4")
    color(film, tmp_path / "c.mp4")
    assert payloads(tmp_path / "b.mp4") == payloads(tmp_path / "c.mp4")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_late_start_and_the_end_are_kept(tmp_path: Path, suffix: str) -> None:
    recipe = Recipe(times=tuple(t + 6007 for t in UNEVEN), sounds=(Sound(),))
    film = make_film(tmp_path / f"a{suffix}", recipe)
    target = tmp_path / f"b{suffix}"
    assert color(film, target) == []
    assert times(target) == times(film)
    with av.open(str(film)) as old, av.open(str(target)) as new:
        assert new.duration == pytest.approx(old.duration, abs=1_000_000 / 24)


def test_it_plays_from_the_first_frame(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", Recipe(sounds=(Sound(),)))
    color(film, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as target, av.open(str(film)) as source:
        assert target.start_time == source.start_time == 0
        assert [s.start_time for s in target.streams] == [0, 0]
        assert target.duration == pytest.approx(source.duration, abs=1_000_000 / 24)
        for old, new in zip(source.streams, target.streams, strict=True):
            assert new.duration == old.duration


def test_mpeg_streams_are_moved_to_0(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.ts", Recipe(sounds=(Sound(codec="mp2", rate=48000),)))
    with av.open(str(film)) as source:
        begin = Fraction(source.start_time, 1_000_000)
        assert begin > 0
    for suffix in (".mp4", ".mkv"):
        assert color(film, tmp_path / f"b{suffix}") == []
        new = times(tmp_path / f"b{suffix}")
        assert [float(t + begin) for t in new] == pytest.approx(
            [float(t) for t in times(film)], abs=0.0006
        )
        assert payloads(tmp_path / f"b{suffix}")[1] == payloads(film)[1]


def test_an_avi_becomes_an_mp4(tmp_path: Path) -> None:
    recipe = Recipe(times=tuple(range(30)), time_base=Fraction(1, 24), codec="mpeg4")
    recipe = dataclasses.replace(recipe, sounds=(Sound(codec="libmp3lame"),))
    film = make_film(tmp_path / "a.avi", recipe)
    assert color(film, tmp_path / "b.mp4") == []
    assert times(tmp_path / "b.mp4") == times(film)
    assert payloads(tmp_path / "b.mp4")[1] == payloads(film)[1]


@pytest.mark.parametrize(
    "break_it",
    [
        lambda segments: segments[0].write_bytes(b"nothing"),
        lambda segments: segments[0].unlink(),
        lambda segments: segments[0].write_bytes(b""),
        lambda segments: make_film(segments[0]),
    ],
)
def test_broken_segments_are_named(
    tmp_path: Path, break_it: Callable[[Sequence[Path]], object]
) -> None:
    film = make_film(tmp_path / "a.mp4")
    with VideoReader(film) as clip:
        segments = write_segments(
            clip, Encoding.for_file(Path("b.mp4")), clip.frames(), tmp_path, 12
        )
        break_it(segments)
        with pytest.raises(VideoError, match=r"000000.mkv cannot be used"):
            assemble(clip, segments, tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()


def test_segments_have_to_be_in_order(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4")
    with VideoReader(film) as clip:
        segments = write_segments(
            clip, Encoding.for_file(Path("b.mp4")), clip.frames(), tmp_path, 12
        )
        for wrong in ([], segments[::-1], segments[:1] * 2):
            with pytest.raises(ArgumentError, match="the segments of a film"):
                assemble(clip, wrong, tmp_path / "b.mp4")


@pytest.fixture
def prepared(tmp_path: Path) -> Any:
    """A film and its segments."""
    film = make_film(tmp_path / "a.mp4", Recipe(sounds=(Sound(),)))
    with VideoReader(film) as clip:
        encoding = Encoding.for_file(Path("b.mp4"))
        yield clip, write_segments(clip, encoding, clip.frames(), tmp_path, 12)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk(prepared: Any, tmp_path: Path, suffix: str) -> None:
    clip, segments = prepared
    target = tmp_path / f"out/b{suffix}"
    target.parent.mkdir()
    target.write_bytes(b"the film of before")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, old[1]))
    try:
        with pytest.raises(VideoError, match=f"b{suffix} cannot be written") as caught:
            assemble(clip, segments, target)
        encoding = Encoding.for_file(Path("b.mkv"), "ffv1")
        with pytest.raises(VideoError, match=r"0.mkv cannot be written"):
            write_segments(clip, encoding, clip.frames(), target.parent, 24)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert "\n" not in str(caught.value)
    assert list(target.parent.iterdir()) == [target]
    assert target.read_bytes() == b"the film of before"


def test_no_such_folder(prepared: Any, tmp_path: Path) -> None:
    clip, segments = prepared
    with pytest.raises(VideoError, match=r"cannot be written.*no such file or directory"):
        assemble(clip, segments, tmp_path / "none/b.mp4")


def test_no_permission(prepared: Any, tmp_path: Path) -> None:
    clip, segments = prepared
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        (locked / "probe").touch()
    except PermissionError:
        with pytest.raises(VideoError, match=r"cannot be written.*permission denied"):
            assemble(clip, segments, locked / "b.mp4")
    else:
        pytest.skip("this user may write anywhere")
    finally:
        locked.chmod(0o700)
