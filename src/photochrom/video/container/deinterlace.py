"""Whole frames from interlaced and telecined ones, by FFmpeg's filters.

*Interlaced*: bwdif makes one whole frame of each, from its own rows, those of its neighbours and
the rows in between; frames that are not flagged as interlaced pass unchanged. *Telecined*:
fieldmatch puts the fields of each film frame together again, bwdif makes those whole that have no
such match, and decimate drops the fifth frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...color import Codes

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

NEIGHBOURS = 3
"""Frames before the first one asked for that have to be decoded, so that it gets the same rows."""

_BWDIF = (("bwdif", "mode=send_frame:deint=interlaced"),)
_IVTC = (
    ("fieldmatch", "order=auto:combmatch=full"),  # flags frames without a match as interlaced
    ("bwdif", "mode=send_frame:deint=interlaced"),
    ("decimate", ""),
)
_MOVED, _MOVING = 12, 0.002  # codes by which a pixel must change, and part of a frame that must
_ENOUGH = 10  # frames, or runs of five, in motion
_REPEATED = 0.5  # of the usual change, below which a field is taken to be shown again
_CHANGING = 0.2  # codes, mean change of a field where there is motion
_COMBED = 1.4  # times as much combing: measured 1.6 to 6 for whole frames, 0.1 to 1.2 for others


_Filters = tuple[tuple[str, str], ...]  # their names and settings


class _Graph:
    """A chain of filters for frames of one format and size."""

    def __init__(self, filters: _Filters, frame: VideoFrame, rate: Fraction) -> None:
        from av.filter import Graph

        self._graph = Graph()
        size, kind = f"{frame.width}x{frame.height}", frame.format.name
        about = f"video_size={size}:pix_fmt={kind}:time_base={frame.time_base}:frame_rate={rate}"
        ends = (("buffer", about), *filters, ("buffersink", ""))
        chain = [self._graph.add(*each) for each in ends]
        for one, other in pairwise(chain):
            one.link_to(other)
        self._graph.configure()
        self._unit = frame.time_base or Fraction(1)
        self.kind = _kind(frame)

    def push(self, frame: VideoFrame | None) -> Iterator[VideoFrame]:
        """Frames that come out after one more, or at the end (None)."""
        import av

        self._graph.push(frame)
        while True:
            try:
                made = self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            if made.pts is not None and made.time_base:  # filters have units of their own
                made.pts = round(made.pts * made.time_base / self._unit)
            made.time_base = self._unit
            yield made


def deinterlaced(frames: Iterable[VideoFrame], rate: Fraction) -> Iterator[VideoFrame]:
    """The same frames at the same times, those that are flagged as interlaced made whole."""
    graph: _Graph | None = None
    before: VideoFrame | None = None
    skipped = 0  # frames put in only so that the next one has a neighbour
    for frame in frames:
        if graph is not None and graph.kind != _kind(frame):
            yield from graph.push(None)
            graph = before = None
        if graph is None:
            if not frame.interlaced_frame:
                before = frame
                yield frame
                continue
            graph = _Graph(_BWDIF, frame, rate)
            if before is not None and _kind(before) == graph.kind:
                skipped = 1 - len(list(graph.push(before)))
        for whole in graph.push(frame):
            if skipped:
                skipped -= 1
            else:
                yield whole
        before = frame
    if graph is not None and before is not None:
        yield from graph.push(None)


def inverse_telecine(frames: Iterable[VideoFrame], rate: Fraction) -> Iterator[VideoFrame]:
    """Four whole frames of every five."""
    graph: _Graph | None = None
    for frame in frames:
        graph = graph or _Graph(_IVTC, frame, rate)
        yield from graph.push(frame)
    if graph is not None:
        yield from graph.push(None)


def is_progressive(samples: Iterable[Iterable[Codes]]) -> bool:
    """Whether frames that are flagged as interlaced are whole frames all the same.

    Where something moves, every second row is exchanged for that of the frame before. That combs a
    whole frame; an interlaced one, whose rows are of two moments anyway, it leaves about as it was.

    Args:
        samples: Y' ``(H, W)`` of frames next to each other, from several places of the film.

    Returns:
        False also where too little moves to tell.
    """
    ratios: list[float] = []
    for sample in samples:
        before: NDArray[np.int32] | None = None
        for codes in sample:
            Y = codes.astype(np.int32) >> (0 if codes.dtype == np.uint8 else 2)
            if before is not None and before.shape == Y.shape:
                moved = abs(Y - before) > _MOVED
                if moved[1:-1].mean() > _MOVING:
                    woven = min(_combing(_woven(Y, before, odd), moved) for odd in (0, 1))
                    ratios.append(woven / max(_combing(Y, moved), 0.1))
            before = Y
    return len(ratios) >= _ENOUGH and float(np.percentile(ratios, 25)) > _COMBED


def is_telecined(samples: Iterable[Iterable[Codes]]) -> bool:
    """Whether fields are shown again as 3:2 pulldown does it, one of each kind in five frames.

    Args:
        samples: as of `is_progressive`.

    Returns:
        True also where too little moves to tell.
    """
    # Least change of a field in five frames over the usual one; measured: 0.04 in telecined films,
    # 0.7 and more (at the 10th percentile) in others.
    ratios: list[float] = []
    for sample in samples:
        frames = [codes.astype(np.int32) for codes in sample]
        for odd in (0, 1):
            fields = (Y[odd::2] for Y in frames)
            steps = [float(abs(after - before).mean()) for before, after in pairwise(fields)]
            for first in range(len(steps) - 4):
                least, *_, usual = sorted(steps[first : first + 5])[:3]
                if usual > _CHANGING:
                    ratios.append(least / usual)
    return len(ratios) < _ENOUGH or float(np.percentile(ratios, 10)) < _REPEATED


def _woven(Y: NDArray[np.int32], before: NDArray[np.int32], odd: int) -> NDArray[np.int32]:
    woven = Y.copy()
    woven[odd::2] = before[odd::2]
    return woven


def _combing(Y: NDArray[np.int32], where: NDArray[np.bool_]) -> float:
    """Mean second difference from row to row."""
    return float(abs(2 * Y[1:-1] - Y[:-2] - Y[2:])[where[1:-1]].mean())


def _kind(frame: VideoFrame) -> tuple[str, int, int]:
    return frame.format.name, frame.height, frame.width
