"""Key frames: coloured by the network; the frames between take their colours from them.

Stored is not ab itself but ab / (L + 16), which stays the same when a surface is lit more or
less (X, Y and Z all grow by one factor k, so a, b and L + 16 grow by its cube root): fades, flashes
and uneven exposure keep the colours of the film.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...color import Float
from .motion import Places

_SHINE = 1.5  # times as much chroma as at the key frame is the most that more light gives
_AROUND = 9  # pixels; light is compared over such a square, not grain by grain


@dataclass(frozen=True, eq=False)
class KeyFrame:
    """A key frame with its colour, exact in float16, as it is stored.

    Attributes:
        L: ``(h, w)`` float32, 0...100.
        tint: ``(h, w, 3)`` float32: ab / (light + 16), and the light, which is L without grain.
    """

    L: Float
    tint: Float

    @classmethod
    def of(cls, L: Float, ab: Float) -> KeyFrame:
        """From ab ``(2, h, w)``."""
        light = light_of(L)
        tint = np.dstack([*(ab / (light + 16)), light])
        return cls(*(planes.astype(np.float16).astype(np.float32) for planes in (L, tint)))

    def own(self) -> Float:
        """Its colour: ``(2, h, w)``."""
        return self._lit(self.tint, self.tint[..., 2] + 16)

    def seen(self, places: Places, light: Float) -> Float:
        """Its colour in another frame, whose light is given: ``(2, h, w)``."""
        tint = places.of(self.tint)
        return self._lit(tint, np.minimum(light + 16, np.float32(_SHINE) * (tint[..., 2] + 16)))

    @staticmethod
    def _lit(tint: Float, light: Float) -> Float:
        ab = np.empty((2, *light.shape), np.float32)
        for plane, part in zip(ab, (tint[..., 0], tint[..., 1]), strict=True):
            np.multiply(part, light, out=plane)
        return ab


def light_of(L: Float) -> Float:
    """L ``(h, w)`` without grain."""
    import cv2

    return np.asarray(cv2.blur(L, (_AROUND, _AROUND)))
