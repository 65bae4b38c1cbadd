"""A key frame: a frame that has its colour from the network and can lend it to others.

What is lent is not ab itself but ab / (L + 16), which stays the same when a surface is lit more or
less (X, Y and Z all grow by one factor k, so a, b and L + 16 grow by its cube root): fades, flashes
and uneven exposure keep the colours of the film.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..color import Float
from .motion import Places

_SHINE = 1.5  # times as much chroma as at the key frame is the most that more light gives
_AROUND = 9  # pixels; light is compared over such a square, not grain by grain


@dataclass(frozen=True, eq=False)
class Key:
    """A key frame with its colour.

    Attributes:
        L: ``(h, w)`` float32, 0...100.
        tint: ``(h, w, 3)`` float32: ab / (light + 16), and the light, which is L without grain.
        evidence: ``(h, w)`` float32: how many predictions the colour stands for.
    """

    L: Float
    tint: Float
    evidence: Float

    @classmethod
    def of(cls, L: Float, ab: Float, evidence: Float) -> Key:
        """From ab ``(2, h, w)``."""
        light = _light(L)
        return cls(L, np.dstack([*(ab / (light + 16)), light]), evidence)

    def seen(self, places: Places, L: Float) -> Float:
        """Its colour in another frame with lightness `L`: ``(h, w, 2)``."""
        tint = places.of(self.tint)
        light = np.minimum(_light(L) + 16, _SHINE * (tint[..., 2] + 16))
        return np.asarray(tint[..., :2] * light[..., None])


def _light(L: Float) -> Float:
    import cv2

    return np.asarray(cv2.blur(L, (_AROUND, _AROUND)))
