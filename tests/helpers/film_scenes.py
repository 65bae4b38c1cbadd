"""Drawn scenes and a network that says what a test wants, for the tests of films."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom.models.card import Prediction

cv2: Any = pytest.importorskip("cv2", reason="needs OpenCV (extra video)")

Array = NDArray[Any]


def texture(height: int, width: int, seed: int = 0, coarse: float = 2) -> Array:
    """L of something with light and dark at every place, 20...80; ``(height, width)``."""
    noise = np.random.default_rng(seed).standard_normal((height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), coarse)
    return np.asarray(np.clip(50 + 13 * smooth / smooth.std(), 20, 80), np.float32)


def seen(big: Array, x: float, y: float, height: int = 64, width: int = 96) -> Array:
    """What a camera at x, y sees of a large picture."""
    at = np.float32([[1, 0, x], [0, 1, y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(big, at, (width, height), flags=flags))


def grain(L: Array, amount: float, seed: int) -> Array:
    """The same with the grain of a film, whose standard deviation is `amount`."""
    noise = np.random.default_rng(seed).standard_normal(L.shape)
    return np.asarray(np.clip(L + amount * noise, 0, 100), np.float32)


def quarter(planes: Array) -> Array:
    """``(h, w)`` or ``(c, h, w)`` on a network's grid, a quarter of the size."""
    *rest, height, width = planes.shape
    cells = planes.reshape(*rest, height // 4, 4, width // 4, 4)
    return np.asarray(cells.mean((-3, -1)), np.float32)


def flat(L: Array, a: float, b: float) -> Array:
    """The answer of a network that sees one colour everywhere."""
    height, width = L.shape
    ab = np.float32([a, b])[:, None, None]
    return np.ascontiguousarray(np.broadcast_to(ab, (2, height // 4, width // 4)))


def planes_of(frame: Any) -> list[Array]:
    """The planes of a decoded frame, without what fills up their rows."""
    found = []
    for plane, part in zip(frame.planes, frame.format.components, strict=False):
        dtype = np.uint8 if part.bits == 8 else np.uint16
        rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)
        found.append(rows[:, : plane.width].copy())
    return found


def shown(path: Path | str) -> list[tuple[Fraction, str]]:
    """When each frame of a film is shown, and a hash of its planes."""
    av = pytest.importorskip("av", reason="needs PyAV (extra video)")
    found = []
    with av.open(str(path)) as source:
        for frame in source.decode(video=0):
            codes = b"".join(plane.tobytes() for plane in planes_of(frame))
            found.append((frame.pts * frame.time_base, hashlib.sha256(codes).hexdigest()))
    return found


class Network:
    """Stands for a Colorizer: it predicts what `answer` says.

    Attributes:
        told: what it was asked: L of each call.
    """

    def __init__(
        self,
        answer: Callable[[Array, int], Array],
        hints: bool = False,
        features: Callable[[Array], Array] | None = None,
    ) -> None:
        """``answer(L, number of the call)`` gives ab, ``features(L)`` ``(C, h, w)`` on its grid."""
        self.model = SimpleNamespace(
            card=SimpleNamespace(hints=hints, multiple=1, temperature=1.0),
            fit=lambda height, width, size: (height, width),
            predict=self._predict,
        )
        self.told: list[Array] = []
        self._answer, self._features = answer, features

    def _predict(self, L: Array) -> Prediction:
        self.told.append(L[0, 0])
        features = None if self._features is None else self._features(L[0, 0])[None]
        ab = self._answer(L[0, 0], len(self.told) - 1)[None]
        return Prediction(ab, features=features)
