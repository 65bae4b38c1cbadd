"""Motion between frames, and how far it can be trusted.

Where a pixel of one frame lies in another is found by dense inverse search (Kroeger et al. 2016,
OpenCV's DIS), forth and back, at half the working size: twice as fine as the network's grid. A
place is trusted where the way back leads home, where its neighbours move as it does (both after
Sundaram, Brox and Keutzer 2010) and where the picture there looks the same. Neighbours matter since
the search is too coarse for the outlines of what moves: colours would leak across them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color import Float

_ASTRAY = 0.3, 0.05  # pixels^2, and part of the squared motion, by which a way back may miss
_APART = 0.002, 0.01  # the same for the squared change of the motion from one pixel to the next
_OTHER_LIGHTNESS = 10.0  # L: a pixel that changes by so much more than its surroundings is another
_WAYS = (1, 0), (0, 1)  # along x and y
_LEAST = 12  # pixels: one side must have as many for a search
_SURROUNDINGS = 15  # pixels; changes of exposure are the same over such a square


@dataclass(frozen=True, eq=False)
class Places:
    """Where the pixels of a frame lie in another frame."""

    at: Float  # ``(h / 2, w / 2, 2)`` float32, x and y there, in pixels of half the working size
    trust: Float  # ``(h / 2, w / 2)`` float32, 0...1

    @classmethod
    def own(cls, shape: tuple[int, int]) -> Places:
        """Of a frame of the working size ``(h, w)`` in itself."""
        half = shape[0] // 2, shape[1] // 2
        return cls(_grid(*half), np.ones(half, np.float32))

    def of(self, planes: Float) -> Float:
        """What lies there.

        Args:
            planes: of the other frame, float32; at the working size, ``(h, w)`` or ``(h, w, c)``,
                or at half of it.

        Returns:
            The same shape, in this frame.
        """
        import cv2

        at = self.at
        if planes.shape[:2] != at.shape[:2]:
            at = enlarged(at, planes.shape[:2]) * np.float32(2) + np.float32(0.5)
        remap: Any = cv2.remap  # whose annotations have no map in one piece
        return np.asarray(
            remap(planes, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        )

    def then(self, further: Places) -> Places:
        """Where the pixels lie in a third frame; `further`: those of the other frame in it."""
        there = self.of(np.dstack([further.at, further.trust]))
        at = np.ascontiguousarray(there[..., :2])
        # What has left the other frame, or is yet to come into it, goes on as at its edge.
        for axis, count in enumerate(self.trust.shape[::-1]):
            way = self.at[..., axis]
            at[..., axis] += way - np.clip(way, np.float32(0), np.float32(count - 1))
        return Places(at, there[..., 2] * self.trust * _inside(at))


@dataclass(frozen=True, eq=False)
class Link:
    """Two frames next to each other in time."""

    back: Places  # places of the later frame's pixels in the earlier one
    forth: Places  # those of the earlier frame's in the later one


def link(before: Float, after: Float) -> Link:
    """How two frames hang together, by their L: ``(h, w)`` float32, 0...100, even sides."""
    old, new = halved(before), halved(after)
    codes = [np.clip(L * np.float32(2.55), 0, 255).astype(np.uint8) for L in (old, new)]
    back, forth = _flow(codes[1], codes[0]), _flow(codes[0], codes[1])
    return Link(_places(back, forth, new, old), _places(forth, back, old, new))


def halved(planes: Float) -> Float:
    """At half the size, by area."""
    import cv2

    height, width = planes.shape[:2]
    size = width // 2, height // 2
    return np.asarray(cv2.resize(planes, size, interpolation=cv2.INTER_AREA))


def enlarged(planes: Float, shape: tuple[int, ...]) -> Float:
    """At a larger size ``(h, w)``, linearly."""
    import cv2

    return np.asarray(cv2.resize(planes, shape[1::-1], interpolation=cv2.INTER_LINEAR))


def _flow(here: Any, there: Any) -> Float:
    import cv2

    if max(here.shape) < _LEAST:
        return np.zeros((*here.shape, 2), np.float32)
    # Without memory of earlier calls, so that a film that goes on after a break gets the same.
    search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    search.setFinestScale(1)  # the preset's own is for larger pictures
    return np.asarray(search.calc(here, there, None))


def _places(flow: Float, way_back: Float, L: Float, other: Float) -> Places:
    import cv2

    height, width = L.shape
    at = _grid(height, width) + flow
    found = Places(at, L).of(np.dstack([way_back, other]))
    missed = _squared(flow + found[..., :2])
    missed /= _squared(flow) * np.float32(_ASTRAY[1]) + np.float32(_ASTRAY[0])
    across, down = (np.asarray(cv2.Sobel(flow, -1, *way, ksize=1, scale=0.5)) for way in _WAYS)
    parted = _squared(across) + _squared(down)
    parted /= _squared(flow) * np.float32(_APART[1]) + np.float32(_APART[0])
    change = L - found[..., 2]
    change -= cv2.blur(change, (_SURROUNDINGS, _SURROUNDINGS))
    unlike = np.square(cv2.blur(change, (3, 3)) * np.float32(1 / _OTHER_LIGHTNESS))
    # Flat near 1, since over many frames the trust is a product.
    trust = np.exp(-(missed * missed + parted * parted + unlike * unlike))
    return Places(at, np.asarray(trust * _inside(at), np.float32))


def _inside(at: Float) -> NDArray[np.bool_]:
    """Which places ``(h, w, 2)`` lie in a frame of that size."""
    (height, width), half = at.shape[:2], np.float32(0.5)
    x, y = at[..., 0], at[..., 1]
    return np.asarray((x >= -half) & (x <= width - half) & (y >= -half) & (y <= height - half))


def _squared(vectors: Any) -> Float:
    """Length of vectors ``(h, w, 2)``, squared."""
    x, y = vectors[..., 0], vectors[..., 1]
    return np.asarray(x * x + y * y)


@cache
def _grid(height: int, width: int) -> Float:
    """x and y of every pixel: ``(h, w, 2)``."""
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    grid = np.dstack(np.meshgrid(x, y))
    grid.flags.writeable = False
    return grid
