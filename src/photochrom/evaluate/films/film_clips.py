"""Colour clips to measure on: films, read with PyAV, and folders of frames."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._io import show
from ...color.srgb import to_8_bits
from ...errors import ArgumentError, MissingExtraError, VideoError, reason
from ...picture import open_picture
from ..accumulators import compared_lab, is_near_grey
from ..picture_set import list_pictures
from .film_metrics import BT601, BT709, Rgb
from .film_motion import SMALLEST

if TYPE_CHECKING:
    import av

_HIGH_DEFINITION = 720  # lines from which a film that does not say so is taken for BT.709
_BT709, _BT601, _SMPTE170M = 1, 5, 6  # of FFmpeg's AVColorSpace; the last two are equal
_UNTOLD = (0, 2, 3)  # RGB, unspecified, reserved


@dataclass(frozen=True)
class Footage:
    """A colour clip that can be played more than once."""

    name: str  # what people call it
    # gives its frames, ``(H, W, 3)`` uint8, from the first one on
    play: Callable[[], Iterator[Rgb]]
    weights: tuple[float, float, float] = BT709  # of R, G and B in its luma
    length: int | None = None  # how many frames it should have; None if unknown

    def frames(self, limit: int | None = None) -> Iterator[Rgb]:
        """The frames, all of one size; `limit` at most; VideoError or PictureError if it fails."""
        shape = None
        for place, rgb in enumerate(self.play()):
            if limit is not None and place >= limit:
                return
            shape = shape or rgb.shape
            if rgb.shape != shape:
                raise self._error("frames of one size", f"{_size(shape)}, then {_size(rgb.shape)}")
            if min(shape[:2]) < SMALLEST:
                raise self._error(f"frames of {SMALLEST} pixels or more each way", _size(shape))
            yield rgb

    def check(self, limit: int | None = None) -> None:
        """Refuse a clip without colour, with VideoError; quick unless it has none."""
        empty = True
        for rgb in self.frames(limit):
            if not is_near_grey(compared_lab(rgb)):
                return
            empty = False
        if empty:
            raise self._error("at least one frame", "none", "check that it plays")
        raise self._error(
            "a clip in colour, since its colours are the truth to compare with",
            "a black-and-white one",
            "name one in colour: it is turned grey by itself",
        )

    def _error(self, expected: str, got: str, fix: str = "name another clip") -> VideoError:
        return _clip_error(self.name, expected, got, fix)


def open_clip(path: str | os.PathLike[str]) -> Footage:
    """A film, or a folder of frames by name; ArgumentError, VideoError or MissingExtraError."""
    source = Path(path).expanduser()
    if source.is_dir():
        files = [item.file for item in list_pictures([source])]
        return Footage(show(source), lambda: map(_picture, files), length=len(files))
    if not source.exists():
        raise ArgumentError(
            f"{show(source)} cannot be evaluated on",
            expected="a film, or a folder with its frames",
            got="no such file or folder",
        )
    with _Film(source) as film:
        weights = BT601 if film.matrix in (_BT601, _SMPTE170M) else BT709
        return Footage(show(source), lambda: _play(source), weights, film.length)


def _picture(file: Path) -> Rgb:
    pixels = to_8_bits(open_picture(file).pixels)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def _play(path: Path) -> Iterator[Rgb]:
    with _Film(path) as film:
        yield from film.frames()


class _Film:
    """An open film: its first picture stream. PyAV's errors are told as ours.

    Attributes:
        matrix: FFmpeg's number of the matrix of its Y'CbCr; if it does not say (or is RGB),
            BT.709 in high definition, else BT.601, as the films that Photochrom writes.
        length: how many frames its container says it has; None if it does not.
    """

    def __init__(self, path: Path) -> None:
        try:
            import av
        except ImportError:
            raise MissingExtraError.of("av", "video", "reading films") from None
        self._path, self._av = path, av
        try:
            self._container = av.open(str(path))
        except (av.error.FFmpegError, ValueError) as error:
            raise self._broken(error) from None
        if not self._container.streams.video:
            self._container.close()
            raise _clip_error(show(path), "a film", "no pictures in it", "name another file")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        context = self._stream.codec_context
        self.matrix = int(context.colorspace)
        self._untold = self.matrix in _UNTOLD
        if self._untold:
            self.matrix = _BT709 if context.height >= _HIGH_DEFINITION else _BT601
        self.length = self._stream.frames or None

    def __enter__(self) -> _Film:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def frames(self) -> Iterator[Rgb]:
        try:
            for frame in self._container.decode(self._stream):
                yield self._rgb(frame)
        except self._av.error.FFmpegError as error:
            raise self._broken(error) from None

    def _rgb(self, frame: av.VideoFrame) -> Rgb:
        matrix = self.matrix if self._untold else None  # None: as the frame itself says
        rgb = frame.reformat(format="rgb24", src_colorspace=matrix)
        return np.asarray(rgb.to_ndarray(), np.uint8)

    def _broken(self, error: Any) -> VideoError:
        return _clip_error(str(self._path), "a film", reason(error), "check that it plays")


def _clip_error(name: str, expected: str, got: str, fix: str) -> VideoError:
    return VideoError(f"{name} cannot be evaluated on", expected=expected, got=got, fix=fix)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"
