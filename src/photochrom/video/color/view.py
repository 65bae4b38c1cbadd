"""The region of a frame that the network sees: the picture, upright and without bars."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color import Float
from ...errors import ArgumentError
from ...hints import Hint

_FLAT = 1.5  # L: standard deviation up to which rows or columns at the edge are a bar
_LEVEL = 1.5  # L by which rows of one bar may differ
_EVEN = 0.02  # part of a side by which two bars may differ in width
_MOST = 0.4  # part of a side that one bar may take
_EDGE, _STEP = 0.4, 3.0  # part of a bar's edge along which there is picture, that much L from it
_CONTRAST = 3.0  # L: standard deviation from which there is a picture between the bars

Box = tuple[int, int, int, int]
"""First and last + 1 row, first and last + 1 column."""


@dataclass(frozen=True)
class View:
    """How a frame is shown to the network."""

    box: Box  # the picture within the bars
    turns: int = 0  # quarter turns counter-clockwise that make it upright

    @property
    def shape(self) -> tuple[int, int]:
        """``(h, w)`` of the upright picture."""
        top, bottom, left, right = self.box
        shape = bottom - top, right - left
        return shape[::-1] if self.turns % 2 else shape

    def of(self, plane: Float) -> Float:
        """The upright picture of a frame's plane ``(h, w)``."""
        top, bottom, left, right = self.box
        return np.ascontiguousarray(np.rot90(plane[top:bottom, left:right], self.turns))

    def back(self, planes: Float, shape: tuple[int, int]) -> Float:
        """Planes ``(2, h, w)`` of the upright picture as those of a frame, 0 in its bars."""
        top, bottom, left, right = self.box
        whole = np.zeros((len(planes), *shape), np.float32)
        whole[:, top:bottom, left:right] = np.rot90(planes, -self.turns, (1, 2))
        return whole

    def hint(self, hint: Hint, plane: tuple[int, ...], frame: tuple[int, int]) -> Hint:
        """A hint on a frame as one on its upright picture.

        Args:
            hint: in pixels of the upright frame with its bars.
            plane: ``(h, w)`` of a plane that `of` is called with.
            frame: ``(H, W)`` of the frame as it is stored.

        Raises:
            ArgumentError: it lies outside the picture.
        """
        height, width = self._turned(frame)
        shape, (top, left) = self.full_shape(plane, frame), self.corner(plane, frame)
        x, y = hint.x - left, hint.y - top
        inside = 0 <= hint.x < width and 0 <= hint.y < height
        if not inside or not (-1 < x < shape[1] and -1 < y < shape[0]):
            raise ArgumentError(
                f"the hint at {hint.x:g},{hint.y:g}",
                expected=f"a place in the picture, whose frames have {width}x{height} pixels",
                got="one in its bars" if inside else "one outside",
                fix="give the place in pixels of an upright frame",
            )
        return replace(hint, x=min(max(x, 0), shape[1] - 1), y=min(max(y, 0), shape[0] - 1))

    def full_shape(self, plane: tuple[int, ...], frame: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of the upright picture in a frame; arguments as of `hint`."""
        (height, width), (h, w) = self._turned(frame), self._turned(plane)
        return max(1, round(self.shape[0] * height / h)), max(1, round(self.shape[1] * width / w))

    def corner(self, plane: tuple[int, ...], frame: tuple[int, int]) -> tuple[int, int]:
        """Row and column of its first pixel in the upright frame; arguments as of `hint`."""
        (height, width), (h, w) = self._turned(frame), self._turned(plane)
        top, _, left, _ = self._upright(plane)
        return round(top * height / h), round(left * width / w)

    def _turned(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Rows and columns of the upright one."""
        return shape[::-1] if self.turns % 2 else shape

    def _upright(self, plane: tuple[int, ...]) -> Box:
        """The box, turned with the frame."""
        (top, bottom, left, right), (h, w) = self.box, plane
        for _ in range(self.turns):
            top, bottom, left, right, h, w = w - right, w - left, top, bottom, w, h
        return top, bottom, left, right


def box_in(L: Float, known: Box | None) -> Box:
    """Where the picture of a frame lies, within or beyond that of the whole film."""
    return picture_box(L) if known is None else wider(known, picture_box(L))


def quarter_turns(display: tuple[int, ...] | None) -> int:
    """Quarter turns counter-clockwise that a display matrix asks for, 0...3."""
    if display is None:
        return 0
    return round(-math.atan2(display[1], display[0]) / (math.pi / 2)) % 4


def picture_box(L: Float) -> Box:
    """Where the picture of a frame lies between even bars, above and below, left and right.

    Args:
        L: ``(h, w)``, 0...100.

    Returns:
        The whole frame where there are no bars, or no picture between them.
    """
    height, width = L.shape
    top, bottom = _bars(L)
    left, right = _bars(L[top : height - bottom].T)
    inside = L[top : height - bottom, left : width - right]
    if not (top or left) or float(inside.std()) < _CONTRAST:
        return 0, height, 0, width
    return top, height - bottom, left, width - right


def wider(one: Box, other: Box) -> Box:
    """The least box that holds two."""
    return (
        min(one[0], other[0]),
        max(one[1], other[1]),
        min(one[2], other[2]),
        max(one[3], other[3]),
    )


def common_box(planes: Iterable[Float]) -> Box | None:
    """The picture of a whole film, from L ``(h, w)`` of some frames; None where it has no bars."""
    found: Box | None = None
    for L in planes:
        if float(L.std()) < _CONTRAST:
            continue
        box = picture_box(L)
        found = box if found is None else wider(found, box)
        if found == (0, L.shape[0], 0, L.shape[1]):
            return None
    return found


def _bars(L: Float) -> tuple[int, int]:
    """Rows of the bars above and below; 0 and 0 where there are none or they are not even."""
    flat = L.std(1) < _FLAT
    means = L.mean(1)
    upper, lower = _run(flat, means), _run(flat[::-1], means[::-1])
    most, even = _MOST * len(L), max(2.0, _EVEN * len(L))
    if not (upper and lower) or max(upper, lower) > most or abs(upper - lower) > even:
        return 0, 0
    # Things in front of something dark, which leave it when they move, have no straight edge.
    if max(_edge(L, upper), _edge(L[::-1], lower)) < _EDGE:
        return 0, 0
    # The row at the edge is partly picture, by shrinking.
    return upper + 1, lower + 1


def _edge(L: Float, rows: int) -> float:
    """Part of the edge of a bar, so many rows wide, along which the picture begins."""
    step = np.abs(L[rows : rows + 3] - L[:rows].mean()).max(0)
    return float((step > _STEP).mean())


def _run(flat: NDArray[np.bool_], means: NDArray[Any]) -> int:
    """Rows from the first on that are flat and alike."""
    same = flat & (abs(means - means[0]) < _LEVEL)
    return int(np.argmin(same)) if not same.all() else len(same)
