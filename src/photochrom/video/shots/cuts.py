"""Detection of cuts, fades and (as far as possible) dissolves.

Frames are compared as thumbnails of equal mean and contrast, so that fades and changes of exposure
are no difference, and with some play: a pixel differs by as much as it lies outside what there is
around the same place in the other frame, so that motion is hardly one. A frame begins a new shot

- after a *cut*: it is unlike the frame before, more so than frames just before and after it are
  unlike their neighbours (as they are in a fast pan), and it and the next two are unlike the last
  three. What comes for one or two frames and goes again, like a camera's flash, is no cut;
- after a *fade*: the picture comes back after three or more frames without any (black, or white);
- after a *dissolve*: the frame 6 or 12 frames ago is a mixture of this one and of the one as many
  frames before that, which are unlike. This finds most dissolves of a dozen frames and about half
  of those of 24 to 36, if there is little motion; the new shot begins in their second half.

PySceneDetect's detectors can be fed frame by frame too, but those of version 0.7 take a flash for
two cuts and a change of exposure for one, and it brings a second OpenCV along.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color import Float
from ...errors import ArgumentError

LOOK_AHEAD = 2
"""Frames that must follow one before it is decided on; a flash is at most as long."""

_SIZE = 24, 36  # rows and columns of a thumbnail
_PLAY = 5  # pixels of it: side of the square around a place
_UNLIKE = 0.12  # mean difference, in standard deviations, from which a cut is possible ...
_TIMES = 1.8  # ... if it is so many times what is usual around it
_USUAL = 6  # frames before, for what is usual
_FADED, _BACK = 1.5, 2.5  # L; contrast below which there is no picture, and above which again
_DISSOLVES = 12, 24  # frames across which a dissolve is looked for
_MIXED = 0.2  # least share of each of the two pictures in the one between them
_EXPLAINED = 0.93  # of the variance in it


@dataclass(frozen=True, eq=False)
class _Look:
    """A frame as it is compared."""

    plain: NDArray[np.float16]  # thumbnail of L, ``(24, 36)`` float16
    contrast: float  # its standard deviation, L
    even: Float  # the same less its mean and over its contrast, float32; flat where that is small
    # low, high: least and greatest of `even` around each place
    low: Float
    high: Float

    @classmethod
    def at(cls, thumbnail: NDArray[np.float16]) -> _Look:
        import cv2

        plain = thumbnail.astype(np.float32)
        contrast = float(plain.std())
        even = (plain - plain.mean()) / np.float32(max(contrast, _FADED))
        around = np.ones((_PLAY, _PLAY), np.uint8)
        low, high = (np.asarray(f(even, around), np.float32) for f in (cv2.erode, cv2.dilate))
        return cls(thumbnail, contrast, even, low, high)


class Shots:
    """Tells the frames that begin a shot, two frames late."""

    def __init__(self) -> None:
        self._past: list[_Look] = []  # decided, newest last
        self._usual: list[float] = []  # differences between them, since the last cut
        self._age = 0  # frames of the current shot so far
        self._faded = 0  # frames without a picture just before
        self._ahead: list[_Look] = []  # not decided

    def push(self, L: Float) -> list[bool]:
        """Take the next frame.

        Args:
            L: ``(h, w)`` float32, 0...100, at any size, the same for all frames.

        Returns:
            Whether the frame two before this one begins a shot, as a list of one; empty for the
            first two. The first frame of all always does.

        Raises:
            ArgumentError: `L` is no plane.
        """
        import cv2

        if L.ndim != 2 or not L.size:
            raise ArgumentError("a frame's L", expected="a plane (h, w)", got=str(L.shape))
        small = cv2.resize(L, _SIZE[::-1], interpolation=cv2.INTER_AREA)
        self._ahead.append(_Look.at(np.asarray(small, np.float16)))
        return [self._decide()] if len(self._ahead) > LOOK_AHEAD else []

    def flush(self) -> list[bool]:
        """The frames that are left, at the end of a film."""
        return [self._decide() for _ in range(len(self._ahead))]

    def state(self) -> dict[str, NDArray[Any]]:
        """What another one needs to go on from the first frame that is not decided on.

        About 40 kB, in arrays. The frames that wait are not part of it; push them again.
        """
        looks = [look.plain for look in self._past]
        return {
            "thumbnails": np.array(looks, np.float16).reshape(-1, *_SIZE),
            "usual": np.array(self._usual),
            "counts": np.array([self._age, self._faded]),
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on where another one was when it was asked for its `state`."""
        self._past = [_Look.at(plain) for plain in state["thumbnails"].astype(np.float16)]
        self._usual = [float(value) for value in state["usual"]]
        self._age, self._faded = (int(count) for count in state["counts"])
        self._ahead = []

    def _decide(self) -> bool:
        """Whether the first of the frames that wait begins a shot."""
        frame = self._ahead[0]
        back = self._faded > LOOK_AHEAD and frame.contrast > _BACK
        new = not self._past or back or self._is_cut() or self._is_dissolved()
        if new:
            self._age, self._usual = 0, []
        else:
            self._usual = [*self._usual, _difference(self._past[-1], frame)][-_USUAL:]
        self._age += 1
        still_faded = self._faded and frame.contrast < _BACK
        self._faded = self._faded + 1 if still_faded or frame.contrast < _FADED else 0
        self._past = [*self._past, self._ahead.pop(0)][-max(_DISSOLVES) :]
        return new

    def _is_cut(self) -> bool:
        if self._ahead[0].contrast < _BACK:  # the next shot begins where there is a picture
            return False
        step = _difference(self._past[-1], self._ahead[0])
        coming = [_difference(*two) for two in pairwise(self._ahead)]
        usual = max(median(self._usual or [0.0]), min(coming, default=0.0))
        if step < max(_UNLIKE, _TIMES * usual):
            return False
        last = self._past[-min(self._age, LOOK_AHEAD + 1) :]
        return min(_difference(p, n) for p in last for n in self._ahead) > _UNLIKE

    def _is_dissolved(self) -> bool:
        return any(self._age >= span and self._is_mixed(span) for span in _DISSOLVES)

    def _is_mixed(self, span: int) -> bool:
        first, middle, last = self._past[-span], self._past[-span // 2], self._ahead[0]
        if min(first.contrast, last.contrast) < _BACK or _difference(first, last) < 2 * _UNLIKE:
            return False
        if min(_difference(first, middle), _difference(middle, last)) < _UNLIKE / 2:
            return False
        planes = [look.plain.astype(np.float32).ravel() for look in (first, last, middle)]
        one, other, mixture = (plane - plane.mean() for plane in planes)
        pictures = np.column_stack([one, other])
        shares, *_ = np.linalg.lstsq(pictures, mixture, rcond=None)
        left = mixture - pictures @ shares
        explained = 1 - float(left @ left) / max(float(mixture @ mixture), 1.0)
        return bool(shares.min() > _MIXED and explained > _EXPLAINED)


def _difference(one: _Look, other: _Look) -> float:
    """How unlike two frames are: 0 the same ... about 0.5 unrelated."""
    outside = np.maximum(other.even - one.high, one.low - other.even)
    inside = np.maximum(one.even - other.high, other.low - one.even)
    return float(np.maximum(outside, 0).mean() + np.maximum(inside, 0).mean()) / 2
