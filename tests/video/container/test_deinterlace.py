"""Interlaced and telecined films."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.errors import ArgumentError
from photochrom.video.container.frame_planes import luma
from photochrom.video.container.video_reader import VideoReader
from tests.helpers.film_scenes import seen, texture
from tests.helpers.video_files import av

Array = NDArray[Any]
BIG = texture(80, 400, 3, coarse=1.5)


def moment(time: float) -> Array:
    """Y' of a pan at a time, in fields."""
    return (16 + 2.19 * seen(BIG, 4 + 1.5 * time, 5, 64, 96)).astype(np.uint8)


def woven(times: Sequence[tuple[float, float]]) -> list[Array]:
    """Frames whose even and odd rows are of two moments."""
    frames = []
    for top, bottom in times:
        frame = moment(top)
        frame[1::2] = moment(bottom)[1::2]
        frames.append(frame)
    return frames


def write(path: Path, frames: list[Array], tff: bool = True, rate: Fraction = Fraction(25)) -> Path:
    """A film whose frames are flagged as interlaced, the upper field first, or as whole."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=96, height=64, format="yuv420p", time_base=1 / rate)
    chain = [source, graph.add("setfield", "tff" if tff else "prog"), graph.add("buffersink")]
    for one, other in pairwise(chain):
        one.link_to(other)
    graph.configure()
    options = {"flags": "+ilme+ildct" if tff else "-ilme-ildct", "qmin": "1", "g": "6"}
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg2video", rate, options=options)
        stream.height, stream.width, stream.bit_rate = 64, 96, 4_000_000
        for number, codes in enumerate(frames):
            frame = av.VideoFrame(96, 64, "yuv420p")
            for plane, values in zip(frame.planes, (codes, 128, 128), strict=True):
                np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width] = values
            frame.pts, frame.time_base = number, 1 / rate
            graph.push(frame)
            output.mux(stream.encode(graph.vpull()))
        output.mux(stream.encode(None))
    return path


INTERLACED = [(2.0 * n, 2.0 * n + 1) for n in range(30)]
PROGRESSIVE = [(2.0 * n, 2.0 * n) for n in range(30)]
TELECINED: list[tuple[float, float]] = []
for n in range(0, 32, 4):
    a, b, c, d = (2.5 * (n + i) for i in range(4))
    TELECINED += [(a, a), (b, b), (b, c), (c, d), (d, d)]


def combing(Y: Array) -> float:
    rows = Y.astype(int)
    return float(abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean())


def read(
    film: Path, mode: str = "auto", start: int | None = None
) -> tuple[VideoReader, list[Array], list[int]]:
    with VideoReader(film, mode) as video:
        frames = [(luma(frame).copy(), frame.pts) for frame in video.frames(start)]
    return video, [Y for Y, _ in frames], [pts for _, pts in frames]


def test_interlaced_frames_are_made_whole(tmp_path: Path) -> None:
    film = write(tmp_path / "a.mkv", woven(INTERLACED))
    video, frames, times = read(film)
    assert video.interlaced
    assert video.reading.frames == "deinterlace"
    _, as_is, same = read(film, "off")
    assert times == same
    assert len(times) == 30
    assert np.mean([*map(combing, frames)]) < 0.6 * np.mean([*map(combing, as_is)])


def test_a_film_that_is_only_flagged_stays_as_it_is(tmp_path: Path) -> None:
    film = write(tmp_path / "a.mkv", woven(PROGRESSIVE))
    video, frames, _ = read(film)
    assert video.interlaced
    assert video.reading.frames == "as decoded"
    np.testing.assert_array_equal(frames, read(film, "off")[1])


def test_a_film_that_becomes_interlaced(tmp_path: Path) -> None:
    """The frames before stay bit for bit; a later start gives the same frames."""
    parts = [tmp_path / "0.mpg", tmp_path / "1.mpg"]
    write(parts[0], woven(PROGRESSIVE), tff=False)
    write(parts[1], woven(INTERLACED))
    film = tmp_path / "a.mpg"
    film.write_bytes(b"".join(part.read_bytes() for part in parts))
    video, frames, times = read(film)
    assert not video.interlaced
    assert len(frames) == 60
    as_is = read(film, "off")[1]
    np.testing.assert_array_equal(frames[:30], as_is[:30])
    assert np.mean([*map(combing, frames[31:])]) < 0.7 * np.mean([*map(combing, as_is[31:])])
    for start in (28, 30, 31, 32, 45):
        np.testing.assert_array_equal(read(film, start=times[start])[1], frames[start:])


def test_telecine(tmp_path: Path) -> None:
    """Four frames of film in five of video: each comes back once, whole."""
    film = write(tmp_path / "a.mkv", woven(TELECINED), rate=Fraction(30000, 1001))
    video, frames, pts = read(film, "ivtc")
    assert video.rate == Fraction(24000, 1001)
    assert abs(len(frames) - 32) <= 1
    assert np.mean([*map(combing, frames)]) < 0.75 * np.mean([*map(combing, read(film, "off")[1])])
    np.testing.assert_array_equal(read(film, "ivtc", start=pts[13])[1], frames[13:])


def test_what_has_no_match_is_made_whole(tmp_path: Path) -> None:
    """Video between telecined film: no fields of any two frames fit each other."""
    film = write(tmp_path / "a.mkv", woven([*TELECINED, *INTERLACED]))
    _, frames, _ = read(film, "ivtc")
    assert len(frames) == 56
    as_is = read(film, "off")[1][40:]
    assert np.mean([*map(combing, frames[32:])]) < 0.6 * np.mean([*map(combing, as_is)])


@pytest.mark.parametrize("times", [INTERLACED, PROGRESSIVE], ids=["interlaced", "progressive"])
def test_what_was_not_telecined_keeps_its_frames(
    tmp_path: Path, times: list[tuple[float, float]]
) -> None:
    film = write(tmp_path / "a.mkv", woven(times))
    with pytest.raises(ArgumentError, match=r"telecined.*got frames that all differ"):
        VideoReader(film, "ivtc")


def test_a_still_film_may_be_telecined(tmp_path: Path) -> None:
    film = write(tmp_path / "a.mkv", woven([(0.0, 0.0)] * 10))
    assert len(read(film, "ivtc")[1]) == 8
