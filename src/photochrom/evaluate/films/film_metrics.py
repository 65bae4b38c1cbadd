"""The metrics of films, a frame at a time. Definitions and units: docs/evaluation.md."""

from __future__ import annotations

from collections import deque
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...color import Float, srgb_to_lab
from ...errors import MissingExtraError
from ..image_metrics import MOST_DECIBELS, colourfulness, psnr
from .film_report import FilmScore

Rgb = NDArray[np.uint8]

BT709 = (0.2126, 0.7152, 0.0722)
BT601 = (0.299, 0.587, 0.114)
"""Weights of R, G and B in luma (ITU-R BT.709 and BT.601)."""

DISTANCES = (1, 2, 4)
"""Frames between the two whose colours CDC compares (NTIRE 2023 video colorization challenge)."""

SMALLEST = 16
"""Pixels of a frame's shorter side: on less the optical flow is not computed."""


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


class Motion(NamedTuple):
    """Where the pixels of a frame are in the next one.

    Attributes:
        places: ``(H, W, 2)`` float32, x and y in the next frame.
        seen: ``(H, W)``; whether the pixel is there at all, and its motion to be trusted.
    """

    places: Float
    seen: NDArray[np.bool_]


class MotionTracker:
    """Motion from frame to frame, by OpenCV's DIS optical flow on the grey frames.

    Raises:
        MissingExtraError: without OpenCV.
    """

    def __init__(self) -> None:
        cv2 = opencv()
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._last: NDArray[np.uint8] | None = None

    def push(self, grey: NDArray[np.uint8]) -> Motion | None:
        """The motion from the frame before to this one, ``(H, W)``; None for the first frame."""
        last, self._last = self._last, grey
        if last is None:
            return None
        return motion(self._flow.calc(last, grey, None), self._flow.calc(grey, last, None))


def motion(flow: Float, back: Float) -> Motion:
    """The motion with its occlusion mask, after Lai et al. (2018).

    A pixel does not count where flow and backward flow disagree,
    ``|flow + back|^2 > 0.01 (|flow|^2 + |back|^2) + 0.5``, or at a motion boundary,
    ``|gradient of flow|^2 > 0.01 |flow|^2 + 0.002``; nor, other than there, where it leaves the
    picture.

    Args:
        flow: ``(H, W, 2)`` float32, x and y, from a frame to the next one, in pixels.
        back: the same from the next one to this one.
    """
    height, width = flow.shape[:2]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
    places = grid + flow
    inside = ((places >= 0) & (places <= [width - 1, height - 1])).all(-1)
    there = warped(back, places)
    size = _squared(flow)
    seen = _squared(flow + there) <= 0.01 * (size + _squared(there)) + 0.5
    gradient = np.zeros_like(size)
    gradient[:, :-1] += _squared(np.diff(flow, axis=1))
    gradient[:-1] += _squared(np.diff(flow, axis=0))
    return Motion(places, inside & seen & (gradient <= 0.01 * size + 0.002))


def warped(image: Float, places: Float) -> Float:
    """Values at `places`, ``(H, W, 2)``, of an image of two to four channels, bilinearly."""
    cv2 = opencv()
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.remap(image, places, None, cv2.INTER_LINEAR, borderMode=edge))


def warp_error(motion: Motion, before: Float, after: Float) -> float:
    """Mean squared difference of a frame and the next one, warped onto it.

    Args:
        motion: from `before` to `after`.
        before, after: ``(H, W, 2 or 3)`` float32.

    Returns:
        The mean over the pixels seen and the channels; over all pixels if none is seen.
    """
    squares = (warped(after, motion.places) - before) ** 2
    return float((squares[motion.seen] if motion.seen.any() else squares).mean(dtype=np.float64))


class Frame:
    """A frame of a film, ``(H, W, 3)`` sRGB codes, and what the metrics need of it."""

    def __init__(self, rgb: Rgb) -> None:
        self.rgb = rgb

    @cached_property
    def ab(self) -> Float:
        """``(H, W, 2)`` float32."""
        return np.ascontiguousarray(srgb_to_lab(self.rgb)[..., 1:])

    @cached_property
    def unit(self) -> Float:
        """RGB from 0 to 1, float32."""
        return self.rgb.astype(np.float32) / np.float32(255)


class Drift:
    """How far the colours of one shot run away, in units of ab.

    Of the first and of the last 25 frames (half of the film, if it is shorter) come four means: of
    chroma, of its 95th percentile, of b in the bluest and of a in the reddest 2 % of the pixels.
    The figure is the largest change of the four. Of a film whose content changes it tells only in
    comparison with the truth's own, or with each frame coloured alone.
    """

    def __init__(self) -> None:
        self._frames: list[Float] = []

    def add(self, ab: Float) -> None:
        """Count the next frame, ``(H, W, 2)``."""
        a, b = ab[..., 0].ravel(), ab[..., 1].ravel()
        chroma, some = np.hypot(a, b), max(1, a.size // 50)
        blue = np.partition(b, some - 1)[:some].mean()
        red = np.partition(a, a.size - some)[-some:].mean()
        figures = [chroma.mean(), np.percentile(chroma, 95), blue, red]
        self._frames.append(np.array(figures, np.float32))

    @property
    def value(self) -> float | None:
        """The figure; None for a single frame."""
        count = min(25, len(self._frames) // 2)
        if not count:
            return None
        first, last = (np.mean(part, 0) for part in (self._frames[:count], self._frames[-count:]))
        return float(np.abs(last - first).max())


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
        self._drift.add(frame.ab)
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


def opencv() -> Any:
    """The module cv2.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import cv2
    except ImportError:
        what = "measuring films"
        raise MissingExtraError.of("opencv-python-headless", "video", what) from None
    return cv2


def _squared(vectors: Float) -> Float:
    return np.asarray((vectors**2).sum(-1))
