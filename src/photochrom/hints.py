"""Hints: colours the user fixes at places of the picture."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .color import Float, srgb_to_lab
from .errors import ArgumentError

_FORM = "x,y,#rrggbb or x,y,#rrggbb,radius, in pixels of the picture"
_FIX = "for example 120,80,#c0392b or 120,80,#c0392b,15"

# Propagation, in units where 1 is "another object"; chosen by eye on portraits and street scenes:
_REACH = 1.5  # of the longer side: costs 1 through an even surface
_GRAIN = 2.0  # L; what a surface may change from pixel to pixel for nothing ...
_STEP_LIGHTNESS = 12.0  # ... and the L beyond it that costs 1
_PATCHES = 4.0  # ab; the same for predicted colours from cell to cell ...
_STEP_CHROMA = 25.0
_OTHER_LIGHTNESS = 50.0  # L and ab that differ this much from those under the hint count 1 too
_OTHER_CHROMA = 22.0
_FAR = 4.5  # where it counts nothing any more, and need not be measured
_SETTLED = 1e-2  # change of a sweep that changes no colour one could see
_WIDER = 6.0  # squared distance at which what a network says with hints counts for 1 / e


@dataclass(frozen=True)
class Hint:
    """One colour at one place.

    Attributes:
        x, y: pixels of the full picture, from the left and from the top.
        color: sRGB, three integers 0...255. Only its chroma counts; lightness is the picture's.
        radius: of the disc it covers, in pixels of the full picture; None: a small spot.
        page: number of the page it is for, from 0; None: every page.
    """

    x: float
    y: float
    color: tuple[int, int, int]
    radius: float | None = None
    page: int | None = None

    def __post_init__(self) -> None:
        numbers = (self.x, self.y, 1.0 if self.radius is None else self.radius)
        if not all(math.isfinite(v) for v in numbers) or numbers[2] <= 0:
            raise _bad(f"x={self.x}, y={self.y}, radius={self.radius}")
        if len(self.color) != 3 or not all(0 <= v <= 255 for v in self.color):
            raise _bad(f"color={self.color}")

    @property
    def ab(self) -> Float:
        """The colour's a and b: ``(2,)`` float32."""
        return np.asarray(srgb_to_lab(np.array([self.color], np.uint8))[0, 1:])

    @classmethod
    def parse(cls, text: str) -> Hint:
        """A hint from ``x,y,#rrggbb`` or ``x,y,#rrggbb,radius``.

        Raises:
            ArgumentError: `text` is not of that form.
        """
        match text.split(","):
            case [x, y, color]:
                return cls(_number(x, text), _number(y, text), _color(color, text))
            case [x, y, color, radius]:
                place = _number(x, text), _number(y, text)
                return cls(*place, _color(color, text), _number(radius, text))
        raise _bad(repr(text))


def parse_json(text: str) -> list[Hint]:
    """Hints from a JSON list of ``{"x": 1, "y": 2, "color": "#rrggbb", "radius": 3}``.

    Raises:
        ArgumentError: `text` is not such a list; ``radius`` may be absent.
    """
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(f"text that is not JSON ({error})") from None
    if not isinstance(items, list):
        raise _bad(f"JSON of a {type(items).__name__}, not a list")
    hints = []
    for item in items:
        if not isinstance(item, dict) or not {"x", "y", "color"} <= set(item) <= _KEYS:
            raise _bad(json.dumps(item))
        radius = item.get("radius")
        place = _number(item["x"], str(item)), _number(item["y"], str(item))
        size = None if radius is None else _number(radius, str(item))
        hints.append(Hint(*place, _color(item["color"], str(item)), size))
    return hints


_KEYS = {"x", "y", "color", "radius"}


def rasterise(
    hints: Iterable[Hint], shape: tuple[int, int], size: tuple[int, int]
) -> tuple[Float, Float]:
    """Hints as the network takes them.

    Args:
        hints: later ones lie over earlier ones.
        shape: ``(H, W)`` of the full picture.
        size: ``(h, w)`` of the model's input.

    Returns:
        Hint map ``(1, 2, h, w)``, ab, and hint mask ``(1, 1, h, w)``, 0 or 1; both float32. Every
        hint covers at least one cell.

    Raises:
        ArgumentError: a hint lies outside the picture.
    """
    hint_map, mask = np.zeros((1, 2, *size), np.float32), np.zeros((1, 1, *size), np.float32)
    for hint in hints:
        disc = _disc(hint, shape, size)
        hint_map[0, :, disc] = hint.ab
        mask[0, 0, disc] = 1
    return hint_map, mask


def propagate(
    ab: Float,
    L: Float,
    hints: Sequence[Hint],
    shape: tuple[int, int],
    steered: Float | None = None,
) -> Float:
    """Carry hints over the surfaces they lie on.

    From each hint, the distance to every pixel is measured along the path that crosses the least
    change of lightness and predicted colour (a geodesic distance, as in Bai and Sapiro 2007), and
    a pixel is further away the less its own L and predicted colour are like those under the hint.
    Where that distance is small, chroma turns into the hint's. A network that takes hints itself
    spreads them by what it knows of things, but further than the thing that was meant: what it
    says with hints counts within a wider reach of them, and beyond it what it says without.

    Args:
        ab: ``(2, h', w')`` chroma predicted without hints, on a grid not larger than `L`.
        L: ``(h, w)`` at the model's size.
        hints: in pixels of the full picture.
        shape: ``(H, W)`` of the full picture.
        steered: ``(2, h', w')``, predicted with the hints, by a network that takes them.

    Returns:
        ``(2, h', w')`` float32.

    Raises:
        ArgumentError: a hint lies outside the picture.
    """
    return Surfaces(ab, L, shape).carry(hints, steered)


class Surfaces:
    """The surfaces of a picture, for several calls of `propagate` that differ in their hints only.

    Args:
        ab, L, shape: as in `propagate`.
    """

    def __init__(self, ab: Float, L: Float, shape: tuple[int, int]) -> None:
        self._ab, self._L, self._shape = ab, L, shape
        self._rows, self._columns = (
            np.arange(L.shape[i]) * ab.shape[1 + i] // L.shape[i] for i in (0, 1)
        )
        self._fine = self._refined(ab)
        self._costs = _cost(L, self._fine, 0), _cost(L, self._fine, 1)
        # Squared distances from the places of the last call's hints: the dearest step.
        self._known: dict[tuple[float, float, float | None], Float] = {}

    def carry(self, hints: Sequence[Hint], steered: Float | None = None) -> Float:
        """See `propagate`."""
        known, self._known = self._known, {}
        squares = []
        for hint in hints:
            place = hint.x, hint.y, hint.radius
            square = known[place] if place in known else self._distance(hint)
            self._known[place] = square
            squares.append(square)
        change = np.zeros_like(self._fine)
        if steered is not None:
            beyond = np.ones(self._L.shape, np.float32)
            for square in squares:
                beyond *= 1 - np.exp(-np.square(square / np.float32(_WIDER)))
            change = (self._refined(steered) - self._fine) * (1 - beyond)
        # Between hints a pixel listens to each in inverse proportion to its squared distance, so
        # that every hint has its own place to itself.
        moved = np.zeros_like(self._fine)
        total = np.full(self._L.shape, 1e-9, np.float32)
        for hint, square in zip(hints, squares, strict=True):
            weight = 1 / (square + np.float32(1e-4))
            moved += weight * np.exp(-square) * (hint.ab[:, None, None] - self._fine - change)
            total += weight
        change += moved / total
        coarse = _mean_of_runs(_mean_of_runs(change, self._rows, 1), self._columns, 2)
        return np.asarray(self._ab + coarse, np.float32)

    def _refined(self, ab: Float) -> Float:
        """Chroma of the model's grid at the size of L."""
        fine: Float = ab[:, self._rows[:, None], self._columns]
        return fine

    def _distance(self, hint: Hint) -> Float:
        """Squared distance of every pixel from a hint, ``(h, w)``."""
        disc = _disc(hint, self._shape, self._L.shape)
        square = _geodesic(disc, *self._costs) ** 2
        square += ((self._L - self._L[disc].mean()) / _OTHER_LIGHTNESS) ** 2
        mean = self._fine[:, disc].mean(1)[:, None, None]
        square += ((self._fine - mean) ** 2).sum(0) / _OTHER_CHROMA**2
        return square


def _mean_of_runs(planes: Float, cell: NDArray[np.intp], axis: int) -> Float:
    """Means along `axis` over the pixels of each cell; `cell` says whose a pixel is, ascending."""
    sums = np.add.reduceat(planes, np.flatnonzero(np.diff(cell, prepend=-1)), axis)
    counts = np.bincount(cell).astype(np.float32)
    return np.asarray(sums / (counts if axis == 2 else counts[:, None]))


def _disc(hint: Hint, shape: tuple[int, int], size: tuple[int, ...]) -> NDArray[np.bool_]:
    height, width = shape
    if not (0 <= hint.x < width and 0 <= hint.y < height):
        raise ArgumentError(
            "a hint lies outside the picture",
            expected=f"x in 0...{width - 1} and y in 0...{height - 1}",
            got=f"{hint.x:g},{hint.y:g}",
            fix="give the place in pixels of the full picture",
        )
    # In cells of the model's input, whose aspect may differ from the picture's.
    scale_y, scale_x = size[0] / height, size[1] / width
    radius = 0.012 * max(shape) if hint.radius is None else hint.radius
    rows = (np.arange(size[0]) + 0.5 - (hint.y + 0.5) * scale_y) / max(radius * scale_y, 0.7)
    columns = (np.arange(size[1]) + 0.5 - (hint.x + 0.5) * scale_x) / max(radius * scale_x, 0.7)
    disc = rows[:, None] ** 2 + columns[None] ** 2 <= 1
    disc[min(int(hint.y * scale_y), size[0] - 1), min(int(hint.x * scale_x), size[1] - 1)] = True
    return disc


def _cost(L: Float, ab: Float, axis: int) -> Float:
    """Cost of going from each pixel's predecessor along `axis` to it, ``(h, w)``."""
    edge = np.abs(np.diff(_blurred(L), axis=axis, prepend=np.float32(0)))
    colour = np.hypot(*np.diff(ab, axis=axis + 1, prepend=np.float32(0)))
    cost = 1 / (_REACH * max(L.shape)) + np.maximum(edge - _GRAIN, 0) / _STEP_LIGHTNESS
    cost += np.maximum(colour - _PATCHES, 0) / _STEP_CHROMA
    return np.asarray(cost, np.float32)  # the first row or column has no predecessor to come from


def _blurred(L: Float) -> Float:
    """L without its finest texture: weights 1 2 1 both ways."""
    padded = np.pad(L, 1, mode="edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    return np.asarray((rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / np.float32(16))


def _geodesic(seed: NDArray[np.bool_], down: Float, right: Float) -> Float:
    """Length of the cheapest path from `seed` to each pixel, by sweeps in four directions."""
    distance = np.where(seed, np.float32(0), np.float32(_FAR))
    sums = np.cumsum(down, 0), np.cumsum(right, 1)
    for _ in range(64):
        before = distance
        for axis, path in enumerate(sums):
            ahead = path + np.minimum.accumulate(distance - path, axis)
            back = np.flip(np.minimum.accumulate(np.flip(distance + path, axis), axis), axis) - path
            distance = np.minimum(ahead, back)
        if float((before - distance).max()) < _SETTLED:
            break
    return distance


def _number(value: object, whole: str) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # anything else is the user's mistake
    except (TypeError, ValueError, OverflowError):
        raise _bad(repr(whole)) from None


def _color(value: object, whole: str) -> tuple[int, int, int]:
    text = str(value).strip()
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise _bad(repr(whole))
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue


def _bad(got: str) -> ArgumentError:
    return ArgumentError("a hint cannot be read", expected=_FORM, got=got, fix=_FIX)
