"""Motion between frames at the working size, and how far it can be trusted.

Where a pixel of one frame lies in another is found by dense inverse search (Kroeger et al. 2016,
OpenCV's DIS), forth and back. A place is trusted where the way back leads home (Sundaram, Brox and
Keutzer 2010) and where the picture there looks the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..color import Float

_ASTRAY = 1.0, 0.05  # pixels^2, and part of the squared motion, by which a way back may miss
_OTHER_LIGHTNESS = (
    10.0  # L: a pixel that differs by this much more than its surroundings is another
)
_SURROUNDINGS = 31  # pixels; changes of exposure are the same over such a square


@dataclass(frozen=True, eq=False)
class Places:
    """Where the pixels of a frame lie in another frame.

    Attributes:
        at: ``(h, w, 2)`` float32, x and y there.
        trust: ``(h, w)`` float32, 0...1.
    """

    at: Float
    trust: Float

    @classmethod
    def own(cls, shape: tuple[int, int]) -> Places:
        """Of a frame in itself."""
        return cls(_grid(*shape), np.ones(shape, np.float32))

    def of(self, planes: Float) -> Float:
        """What lies there.

        Args:
            planes: ``(h, w)`` or ``(h, w, c)`` float32 of the other frame.

        Returns:
            The same shape, in this frame.
        """
        import cv2

        remap: Any = cv2.remap  # whose annotations have no map in one piece
        border = cv2.BORDER_REPLICATE
        return np.asarray(remap(planes, self.at, None, cv2.INTER_LINEAR, borderMode=border))

    def then(self, further: Places) -> Places:
        """Where the pixels lie in a third frame; `further`: those of the other frame in it."""
        there = self.of(np.dstack([further.at, further.trust]))
        return Places(np.ascontiguousarray(there[..., :2]), there[..., 2] * self.trust)


@dataclass(frozen=True, eq=False)
class Link:
    """Two frames next to each other in time.

    Attributes:
        back: places of the later frame's pixels in the earlier one.
        forth: those of the earlier frame's in the later one.
    """

    back: Places
    forth: Places


def link(before: Float, after: Float) -> Link:
    """How two frames hang together.

    Args:
        before, after: L ``(h, w)`` float32, 0...100.
    """
    old, new = _codes(before), _codes(after)
    back, forth = _flow(new, old), _flow(old, new)
    return Link(_places(back, forth, after, before), _places(forth, back, before, after))


def _codes(L: Float) -> Any:
    """For the search of motion: uint8, without grain, which has a motion of its own."""
    import cv2

    return np.clip(cv2.GaussianBlur(L, (5, 5), 0) * np.float32(2.55), 0, 255).astype(np.uint8)


def _flow(here: Any, there: Any) -> Float:
    import cv2

    # Without memory of earlier calls, so that a film that goes on after a break gets the same.
    search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(search.calc(here, there, None))


def _places(flow: Float, way_back: Float, L: Float, other: Float) -> Places:
    import cv2

    height, width = L.shape
    at = _grid(height, width) + flow
    found = Places(at, L).of(np.dstack([way_back, other]))
    missed = np.square(flow + found[..., :2]).sum(-1)
    allowed = _ASTRAY[0] + _ASTRAY[1] * np.square(flow).sum(-1)
    change = L - found[..., 2]
    change -= cv2.blur(change, (_SURROUNDINGS, _SURROUNDINGS))
    change = np.square(cv2.blur(change, (5, 5)) / np.float32(_OTHER_LIGHTNESS))
    # Flat near 1, since over many frames the trust is a product.
    trust = np.exp(-np.square(missed / allowed) - np.square(change))
    inside = (at >= -0.5) & (at <= (width - 0.5, height - 0.5))
    return Places(at, np.asarray(trust * inside.all(-1), np.float32))


@cache
def _grid(height: int, width: int) -> Float:
    """x and y of every pixel: ``(h, w, 2)``."""
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    grid = np.dstack(np.meshgrid(x, y))
    grid.flags.writeable = False
    return grid
