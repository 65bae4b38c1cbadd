"""The metrics of films, a frame at a time. Definitions and units: docs/evaluation.md."""

from __future__ import annotations

from collections import deque
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color import Float, srgb_to_lab
from ..image_metrics import MOST_DECIBELS, colourfulness, psnr
from .film_motion import Motion, MotionTracker, opencv, warp_error, warped
from .film_report import FilmScore

_STEP = 8  # frames from one that is looked at to the next
_PART = 3  # of those that are the beginning, and as many the end: about a second
_SIDE = 256  # pixels of the shorter side, at most, at which they are looked at
_LEAST = 0.2  # part of the first frame that must be found again in the last
BT709 = (0.2126, 0.7152, 0.0722)
BT601 = (0.299, 0.587, 0.114)
"""Weights of R, G and B in luma (ITU-R BT.709 and BT.601)."""
DISTANCES = (1, 2, 4)
"""Frames between the two whose colours CDC compares (NTIRE 2023 video colorization challenge)."""


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


Rgb = NDArray[np.uint8]


def luma(rgb: Rgb, weights: tuple[float, float, float] = BT709) -> NDArray[np.uint8]:
    """The grey frame of a colour frame: Y', which is what a film's coder has of it.

    It is the weighted mean of the sRGB codes, 0...255, not the L of the picture: a black-and-white
    copy of a film has Y', and colouring a film leaves Y' as it is.

    Args:
        rgb: ``(H, W, 3)``.
        weights: `BT709`, or `BT601` for a film that was coded so.

    Returns:
        ``(H, W)``; where R = G = B that very code.
    """
    return np.asarray(np.rint(rgb @ np.array(weights, np.float32)), np.uint8)


class Cdc:
    """Colour distribution consistency of one film (TCVC; NTIRE 2023).

    The Jensen-Shannon divergence, in natural logarithms, of the histograms of two frames that are
    1, 2 or 4 frames apart; its mean over R, G and B, over the film, and over the three distances.
    0 is a film whose colours do not change at all; a moving film has its own, which is to be met.
    """

    def __init__(self) -> None:
        self._last: deque[NDArray[np.float64]] = deque(maxlen=max(DISTANCES))
        self._sums = dict.fromkeys(DISTANCES, 0.0)
        self._counts = dict.fromkeys(DISTANCES, 0)

    def add(self, rgb: Rgb) -> None:
        """Count the next frame, ``(H, W, 3)``."""
        planes = rgb.reshape(-1, 3).T
        shares = np.stack([np.bincount(plane, minlength=256) for plane in planes]) / planes.shape[1]
        for distance in DISTANCES:
            if len(self._last) >= distance:
                self._sums[distance] += js_divergence(self._last[-distance], shares)
                self._counts[distance] += 1
        self._last.append(shares)

    @property
    def value(self) -> float | None:
        """The figure; None for fewer than five frames."""
        if not all(self._counts.values()):
            return None
        return float(np.mean([self._sums[d] / self._counts[d] for d in DISTANCES]))


def js_divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Jensen-Shannon divergence, 0...ln 2, of distributions in rows; the mean over the rows."""
    middle = (p + q) / 2
    total = 0.0
    for side in (p, q):
        some = side > 0  # 0 log 0 = 0
        total += float((side[some] * np.log(side[some] / middle[some])).sum()) / 2
    return total / len(p)


class Frame:
    """A frame of a film, ``(H, W, 3)`` sRGB codes, and what the metrics need of it."""

    def __init__(self, rgb: Rgb) -> None:
        self.rgb = rgb

    @cached_property
    def lab(self) -> Float:
        """L and ab, ``(H, W, 3)`` float32."""
        return srgb_to_lab(self.rgb)

    @cached_property
    def ab(self) -> Float:
        """``(H, W, 2)`` float32."""
        return np.ascontiguousarray(self.lab[..., 1:])

    @cached_property
    def unit(self) -> Float:
        """RGB from 0 to 1, float32."""
        return self.rgb.astype(np.float32) / np.float32(255)


class FilmTally:
    """Sums of all figures of one result of one film; they grow by four numbers a frame."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._cdc, self._drift = Cdc(), Drift()
        self._last: Frame | None = None

    def add(self, frame: Frame, truth: Frame | None, motion: Motion | None) -> None:
        """Count the next frame.

        Args:
            frame: of the result.
            truth: the true one; None where the result is the truth itself.
            motion: from the frame before; None for the first.
        """
        self._cdc.add(frame.rgb)
        self._drift.add(frame.lab)
        self._count("cf", colourfulness(frame.rgb))
        self._count("cf_abs", colourfulness(frame.rgb, absolute=True))
        if truth is not None:
            self._count("psnr", min(psnr(truth.rgb, frame.rgb), MOST_DECIBELS))
            self._count("psnr_ab", min(psnr(truth.ab, frame.ab), MOST_DECIBELS))
        if motion is not None and self._last is not None:
            self._count("warp", warp_error(motion, self._last.unit, frame.unit))
            self._count("warp_ab", warp_error(motion, self._last.ab, frame.ab))
        self._last = frame

    def score(self, name: str) -> FilmScore:
        """The figures."""
        means: dict[str, Any] = {key: self._sums[key] / self._counts[key] for key in self._sums}
        return FilmScore(name=name, cdc=self._cdc.value, drift=self._drift.value, **means)

    def _count(self, name: str, value: float) -> None:
        self._sums[name] = self._sums.get(name, 0.0) + value
        self._counts[name] = self._counts.get(name, 0) + 1
