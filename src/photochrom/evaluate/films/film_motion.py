"""Motion from frame to frame, and the error of colours along it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...color import Float
from ...errors import MissingExtraError

SMALLEST = 16
"""Pixels of a frame's shorter side: on less the optical flow is not computed."""


class Motion(NamedTuple):
    """Where the pixels of a frame are in the next one."""

    places: Float  # ``(H, W, 2)`` float32, x and y in the next frame
    # ``(H, W)``; whether the pixel is there at all, and its motion to be trusted
    seen: NDArray[np.bool_]


class MotionTracker:
    """Motion from frame to frame, by OpenCV's DIS optical flow on the grey frames."""

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


def opencv() -> Any:
    """The module cv2; MissingExtraError if it is not installed."""
    try:
        import cv2
    except ImportError:
        what = "measuring films"
        raise MissingExtraError.of("opencv-python-headless", "video", what) from None
    return cv2


def _squared(vectors: Float) -> Float:
    return np.asarray((vectors**2).sum(-1))
