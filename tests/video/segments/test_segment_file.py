"""Segment files: their times, and what an unfinished one leaves."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom.errors import ArgumentError

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.video.container.encoders import CODECS, Encoding
from photochrom.video.container.frame_planes import luma
from photochrom.video.container.video_reader import VideoReader
from photochrom.video.segments.segment_file import at_depth, segment_times, segment_writer
from tests.helpers.segmented_films import UNEVEN, write_segments
from tests.helpers.video_files import Recipe, make_film


def test_a_segment_knows_its_times(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", Recipe(times=tuple(t + 10**6 for t in UNEVEN)))
    for codec in CODECS:
        with VideoReader(film) as clip:
            wanted = [frame.pts for frame in clip.frames()]
            encoding = Encoding.for_file(Path("b.mkv"), codec)
            segments = write_segments(clip, encoding, clip.frames(), tmp_path, 8)
        found = [segment_times(segment) for segment in segments]
        assert [len(part) for part in found] == [8, 6]
        assert list(itertools.chain(*found)) == wanted


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can make threads urgent"
)
@pytest.mark.parametrize("codec", CODECS)
def test_no_encoder_makes_its_threads_urgent(tmp_path: Path, codec: str) -> None:
    source = make_film(tmp_path / "a.mp4")
    with VideoReader(source) as clip:
        encoding = Encoding.for_file(tmp_path / "b.mkv", codec)
        chroma = np.full(encoding.chroma_shape(clip), 128, np.uint8)
        with segment_writer(tmp_path / "0.mkv", clip, encoding) as segment:
            for frame in clip.frames():
                segment.write(luma(frame), chroma, chroma, frame.pts)
                threads = (int(task.name) for task in Path("/proc/self/task").iterdir())
                assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_OTHER}


def test_an_unfinished_segment_leaves_nothing(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4")
    with VideoReader(film) as clip:
        encoding = Encoding.for_file(Path("b.mp4"))
        grey = luma(next(clip.frames()))
        chroma = np.zeros(encoding.chroma_shape(clip), np.uint8)

        def write(*frames: Any, then: type[BaseException] | None = None) -> None:
            with segment_writer(tmp_path / "0.mkv", clip, encoding) as segment:
                for frame in frames:
                    segment.write(*frame)
                if then is not None:
                    raise then

        with pytest.raises(KeyboardInterrupt):
            write((grey, chroma, chroma, 0), then=KeyboardInterrupt)
        with pytest.raises(ArgumentError, match="expected frames, got none"):
            write()
        with pytest.raises(ArgumentError, match="the planes of a frame"):
            write((grey, chroma[1:], chroma, 0))
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("full", [False, True])
def test_a_larger_depth_can_be_turned_back(full: bool) -> None:
    codes = np.arange(256, dtype=np.uint8)[None]
    wide = at_depth(codes, 8, 10, full=full)
    assert wide.dtype == np.uint16
    assert (wide[0, 0], wide[0, -1]) == (0, 1023 if full else 1020)
    np.testing.assert_array_equal(at_depth(wide, 10, 8, full=full), codes)
    assert at_depth(np.full((1, 1), 4095, np.uint16), 12, 10, full=full) == 1023
