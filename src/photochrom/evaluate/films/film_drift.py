"""Drift: how far the colours of things run away from the beginning of a shot to its end."""

from __future__ import annotations

from collections import deque

import numpy as np

from ...color import Float
from .film_motion import Motion, MotionTracker, opencv, warped

_STEP = 8  # frames from one that is looked at to the next
_PART = 3  # of those that are the beginning, and as many the end: about a second
_SIDE = 256  # pixels of the shorter side, at most, at which they are looked at
_LEAST = 0.2  # part of the first frame that must be found again in the last


class Drift:
    """How far the colours of one shot run away, in units of ab.

    Every eighth frame is looked at. The pixels of the first one are followed through them by
    optical flow; what leaves the picture or comes into it does not count. On those that are found
    again in the last one, four figures are taken: the mean of chroma, its 95th percentile, the
    mean of b in the bluest and that of a in the reddest 2 % of the pixels. Drift is the largest
    change of the four, from the mean of the first three of those frames to that of the last three
    (half of them, if there are fewer than six).
    """

    def __init__(self) -> None:
        self._count = 0
        self._tracker = MotionTracker()
        self._track: Motion | None = None  # of the first frame's pixels in the last one looked at
        self._first: list[Float] = []
        self._last: deque[Float] = deque(maxlen=_PART)
        self._looks = 0

    def add(self, lab: Float) -> None:
        """Count the next frame, L and ab, ``(H, W, 3)`` float32."""
        if self._count % _STEP == 0:
            self._look(_small(lab))
        self._count += 1

    def _look(self, lab: Float) -> None:
        ab = np.ascontiguousarray(lab[..., 1:])
        link = self._tracker.push(np.clip(lab[..., 0] * 2.55, 0, 255).astype(np.uint8))
        if link is not None:
            self._track = link if self._track is None else _then(self._track, link)
            ab = warped(ab, self._track.places)
        if len(self._first) < _PART:
            self._first.append(ab)
        self._last.append(ab)
        self._looks += 1

    @property
    def value(self) -> float | None:
        """The figure; None for less than nine frames, and where too little is found again."""
        part = min(_PART, self._looks // 2)
        if self._track is None or self._track.seen.mean() < _LEAST:
            return None
        seen, last = self._track.seen, list(self._last)[-part:]
        first, last = ([_four(ab[seen]) for ab in those] for those in (self._first[:part], last))
        return float(np.abs(np.mean(last, 0) - np.mean(first, 0)).max())


def _small(lab: Float) -> Float:
    height, width = lab.shape[:2]
    part = min(1.0, _SIDE / min(height, width))
    cv2, size = opencv(), (max(1, round(width * part)), max(1, round(height * part)))
    return np.asarray(cv2.resize(lab, size, interpolation=cv2.INTER_AREA))


def _then(track: Motion, link: Motion) -> Motion:
    """Where pixels are in a third frame; `link`: where those of the second are."""
    there = warped(np.dstack([link.places, link.seen.astype(np.float32)]), track.places)
    return Motion(np.ascontiguousarray(there[..., :2]), track.seen & (there[..., 2] > 0.99))


def _four(ab: Float) -> Float:
    """The four figures of some pixels, ``(n, 2)``."""
    (a, b), some = ab.T, max(1, len(ab) // 50)
    chroma = np.hypot(a, b)
    blue = np.partition(b, some - 1)[:some].mean()
    red = np.partition(a, a.size - some)[-some:].mean()
    return np.array([chroma.mean(), np.percentile(chroma, 95), blue, red], np.float32)
