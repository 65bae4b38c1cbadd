"""Films coloured with one colour, in segments of some frames."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.video.container.encoders import Encoding
from photochrom.video.container.frame_planes import luma
from photochrom.video.container.mux import assemble
from photochrom.video.container.streams import Converted, LeftOut
from photochrom.video.container.video_reader import VideoReader
from photochrom.video.segments.segment_file import SUFFIX, segment_writer

UNEVEN = (0, 512, 600, 2000, 2020, 4000, 9000, 9500, 12000, 12030, 15000, 20000, 20400, 24000)


def color(
    source: Path,
    target: Path,
    codec: str | None = None,
    *,
    length: int = 9,
    start: float | None = None,
    end: float | None = None,
    **settings: Any,
) -> list[LeftOut | Converted]:
    """Colour a film with one colour; returns what was left out or converted."""
    with VideoReader(source) as clip:
        encoding = Encoding.for_file(target, codec, **settings)
        begin = None if start is None else clip.pts_at(start)
        frames = clip.frames(begin)
        if end is not None:
            limit = clip.pts_at(end)
            frames = itertools.takewhile(lambda frame: frame.pts < limit, frames)
        segments = write_segments(clip, encoding, frames, target.parent, length)
        made = assemble(clip, segments, target, start=start, end=end, note="made up")
        for segment in segments:
            segment.unlink()
    return [*made.left_out, *made.converted]


def write_segments(
    clip: VideoReader, encoding: Encoding, frames: Any, folder: Path, length: int
) -> list[Path]:
    """Write frames as segments of some frames each, ``000000.mkv`` and so on, in one colour."""
    segments: list[Path] = []
    dtype = np.uint8 if clip.depth == 8 else np.uint16
    shape = encoding.chroma_shape(clip)
    while batch := list(itertools.islice(frames, length)):
        segments.append(folder / f"{len(segments):06}{SUFFIX}")
        with segment_writer(segments[-1], clip, encoding) as segment:
            for frame in batch:
                cb = np.full(shape, 90 << (clip.depth - 8), dtype)
                cr = np.full(shape, 160 << (clip.depth - 8), dtype)
                cb[:, ::2] += frame.pts % 7
                segment.write(luma(frame), cb, cr, frame.pts)
    return segments


def luma_shown(path: Path) -> list[tuple[Fraction, bytes]]:
    """When each frame is shown, and its Y'."""
    with VideoReader(path) as clip:
        frames = [(f.pts * clip.time_base, luma(f).tobytes()) for f in clip.frames()]
        assert clip.damage is None
    return frames


def times(path: Path) -> list[Fraction]:
    """When each frame is shown."""
    return [time for time, _ in luma_shown(path)]
