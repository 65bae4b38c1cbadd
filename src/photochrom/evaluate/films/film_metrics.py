"""The metrics of films, a frame at a time. Definitions and units: docs/evaluation.md."""

from __future__ import annotations

from collections import deque
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color import Float, srgb_to_lab
from ..image_metrics import MOST_DECIBELS, colourfulness, psnr
from .film_drift import Drift
from .film_motion import Motion, warp_error
from .film_report import FilmScore

Rgb = NDArray[np.uint8]

BT709 = (0.2126, 0.7152, 0.0722)
BT601 = (0.299, 0.587, 0.114)
"""Weights of R, G and B in luma (ITU-R BT.709 and BT.601)."""

DISTANCES = (1, 2, 4)
"""Frames between the two whose colours CDC compares (NTIRE 2023 video colorization challenge)."""


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
