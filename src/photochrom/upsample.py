"""Changing sizes: grey goes down by area, chroma comes up along the edges of L.

A network decides chroma on a small grid. Two steps bring it to the picture's size:

1. *Joint bilateral upsampling* (Kopf et al. 2007) from the grid to the model's input size: a
   pixel takes the chroma of those of its sixteen neighbouring cells whose L is like its own. Then
   twice the difference between the cells' chroma and the mean of what was put into them is added
   back, so that no chroma is lost or invented.
2. *A local linear model* (the guided filter's, He, Sun and Tang 2010; at low resolution as in
   their fast guided filter of 2015) from there to full size: around each point ab = slope * L +
   offset. The slope is the guided filter's; the offset is chosen so that the model meets the
   chroma it was given, where the filter would smooth it. Slope and offset vary slowly and are
   enlarged linearly; L at full size brings the edges.

``benchmarks/upsample.py`` measures both against bilinear enlarging; the constants were
chosen by such measurements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .color import BLOCK, Codes, Float, lightness
from .errors import ArgumentError

_SIGMA_SPACE = 0.6  # cells
_SIGMA_LIGHTNESS = 8.0  # L
_BACK_PROJECTIONS = 2
_WIDEST = 1 << 16  # columns up to which slopes and offsets are enlarged once for all rows
_TIMES = 4  # up to which means over whole pixels are taken by adding every second, third ... one
_RIDGE = 200.0  # L^2: variance of L below which a neighbourhood counts as flat
_PINNED = 0.75  # cells around a pin, to which its correction reaches: standard deviation ...
_ALIKE = 8.0  # ... and of L


def shrink(grey: Codes, height: int, width: int) -> Float:
    """A grey picture at the model's size, by area.

    The mean is taken of the sRGB codes, whose steps are nearly those of L.

    Args:
        grey: ``(H, W)`` grey codes, uint8 or uint16.
        height, width: of the result, in pixels; where larger than the picture's, linearly.

    Returns:
        L, ``(height, width)`` float32, 0...100.
    """
    codes = resized(grey[None], (height, width))[0]
    return lightness(codes / np.float32(np.iinfo(grey.dtype).max))


def resized(planes: NDArray[Any], size: tuple[int, int]) -> Float:
    """Planes at another size: by area where a side gets shorter, linearly where longer.

    Sides are shortened before others are lengthened, so that nothing in between is larger than
    the larger of source and result.

    Args:
        planes: ``(n, H, W)``, any real dtype.
        size: ``(h, w)``.

    Returns:
        ``(n, h, w)`` float32.
    """
    axes = sorted((1, 2), key=lambda axis: size[axis - 1] / planes.shape[axis])
    for axis in axes:
        count = size[axis - 1]
        change = _area if count <= planes.shape[axis] else _lerp
        planes = change(planes, count, axis)
    return planes


class Pin(NamedTuple):
    """A pixel that gets the very chroma of its place in the model's picture."""

    # row, column: of the full picture
    row: int
    column: int
    L: float  # there, 0...100


class GuidedChroma:
    """Chroma of a whole picture, made a few rows at a time.

    Args:
        L: ``(h, w)`` float32, the picture at the model's size, 0...100.
        ab: ``(2, h', w')`` float32, chroma on the model's grid, not larger than `L`.
        shape: ``(H, W)`` of the picture.
        pins: pixels for which the linear model is corrected, where they lie in structures that are
            finer than the model's picture; what is near and of their L is corrected with them.

    Raises:
        ArgumentError: shapes that do not fit.
    """

    def __init__(
        self, L: Float, ab: Float, shape: tuple[int, int], pins: Sequence[Pin] = ()
    ) -> None:
        if L.ndim != 2 or ab.ndim != 3 or len(ab) != 2 or np.any(ab.shape[1:] > np.array(L.shape)):
            raise ArgumentError(
                "guided upsampling",
                expected="L (h, w) and ab (2, h', w'), h' <= h and w' <= w",
                got=f"{L.shape} and {ab.shape}",
            )
        chroma = joint_bilateral(L, ab)
        slope = _slope(L, chroma)
        model = np.concatenate([slope, chroma - slope * L])
        self._model, self._shape = model, shape
        if shape[1] <= _WIDEST:
            self._expanded = _lerp(model, shape[1], 2)  # (4, h, W)
            self._below = np.diff(self._expanded, axis=1, append=self._expanded[:, -1:])
        self._pins = list(pins)
        self._reach = [max(_PINNED * n / m, _PINNED) for n, m in zip(shape, L.shape, strict=True)]
        self._corrections = self._missing(chroma) if pins else chroma[:, 0, :0]

    def _missing(self, chroma: Float) -> Float:
        """What each pin adds around it, ``(2, n)``, so that all together they meet the chroma."""
        (height, width), size = self._shape, chroma.shape[1:]
        rows, columns, L = np.array(self._pins, np.float32).T
        here = [self._value(pin) for pin in self._pins]
        wanted = [
            chroma[:, p.row * size[0] // height, p.column * size[1] // width] for p in self._pins
        ]
        shares = self._weight(*(v[:, None] - v for v in (rows, columns, L)))
        shares += np.float32(1e-3) * np.eye(len(L), dtype=np.float32)  # two on one pixel
        return np.asarray(np.linalg.solve(shares, np.array(wanted) - np.array(here)).T, np.float32)

    def _value(self, pin: Pin) -> Float:
        """Chroma of a pixel by the linear model: ``(2,)``."""
        for columns, model in self._models(pin.row, pin.row + 1):
            if columns.start <= pin.column < columns.stop:
                there = model[:, 0, pin.column - columns.start]
        return np.asarray(there[:2] * np.float32(pin.L) + there[2:])

    def _weight(self, down: Float, across: Float, L: Float) -> Float:
        """How much a pin's correction counts at a distance in rows, columns and L."""
        reach = *self._reach, _ALIKE
        squares = ((d / np.float32(r)) ** 2 for d, r in zip((down, across, L), reach, strict=True))
        return np.asarray(np.exp(sum(squares) * np.float32(-0.5)))

    def _correct(self, top: int, grey: Codes, out: Float) -> None:
        """Add what pins add to some rows; args as of `rows`."""
        down, across = (int(np.ceil(3 * reach)) for reach in self._reach)
        for pin, correction in zip(self._pins, self._corrections.T, strict=True):
            rows = slice(max(pin.row - down - top, 0), max(pin.row + down + 1 - top, 0))
            columns = slice(max(pin.column - across, 0), pin.column + across + 1)
            tones = lightness(grey[rows, columns])
            y, x = np.ogrid[: tones.shape[0], : tones.shape[1]]
            y, x = y + (top + rows.start - pin.row), x + (columns.start - pin.column)
            weight = self._weight(y, x, tones - np.float32(pin.L))
            out[:, rows, columns] += correction[:, None, None] * weight

    def rows(self, top: int, grey: Codes, out: Float | None = None) -> Float:
        """Chroma of some rows.

        Args:
            top: first row.
            grey: ``(n, W)`` grey codes of those rows.
            out: optional ``(2, n, W)`` float32 to write into.

        Returns:
            ``(2, n, W)`` float32, ab. Colours may lie outside sRGB.
        """
        count, width = grey.shape
        out = np.empty((2, count, width), np.float32) if out is None else out
        step = max(1, BLOCK // width)
        for first in range(0, count, step):
            here = slice(first, min(first + step, count))
            for columns, model in self._models(top + here.start, top + here.stop):
                part = out[:, here, columns]
                np.multiply(model[:2], lightness(grey[here, columns]), out=part)
                part += model[2:]
        self._correct(top, grey, out)
        return out

    def _models(self, first: int, last: int) -> Iterator[tuple[slice, Float]]:
        """Slopes and offsets of some rows, ``(4, n, columns)``, for one slice of columns each."""
        height, width = self._shape
        row, weight = _lerp_positions(self._model.shape[1], height, first, last)
        if width <= _WIDEST:
            model = np.take(self._expanded, row, axis=1)
            below = np.take(self._below, row, axis=1)
            below *= weight[:, None]
            model += below
            yield slice(0, width), model
            return
        below = np.take(self._model, np.minimum(row + 1, self._model.shape[1] - 1), axis=1)
        rows = np.take(self._model, row, axis=1)
        rows += (below - rows) * weight[:, None]
        for left in range(0, width, _WIDEST):
            right = min(left + _WIDEST, width)
            yield slice(left, right), _lerp(rows, width, 2, left, right)


def joint_bilateral(L: Float, ab: Float) -> Float:
    """Joint bilateral upsampling with back-projection, the first of the two steps.

    Args:
        L: ``(h, w)`` float32, 0...100.
        ab: ``(n, h', w')`` float32, chroma or other planes, on a grid not larger than `L`.

    Returns:
        ``(n, h, w)`` float32.
    """
    size, grid = L.shape, ab.shape[1:]
    if grid == size:
        return ab.astype(np.float32)
    coarse = _area(_area(L, grid[1], 1), grid[0], 0)
    rows, row_nearness = _taps(grid[0], size[0])
    columns, column_nearness = _taps(grid[1], size[1])
    cells = np.concatenate([coarse[None], ab])
    total, chroma = np.zeros(size, np.float32), np.zeros((len(ab), *size), np.float32)
    near, weight = np.empty((len(cells), *size), np.float32), np.empty(size, np.float32)
    tone = np.float32(-0.5 / _SIGMA_LIGHTNESS**2)
    for j in range(4):
        across = np.take(cells, columns[j], axis=2)
        for i in range(4):
            np.take(across, rows[i], axis=1, out=near, mode="clip")
            np.subtract(L, near[0], out=weight)
            weight *= weight
            weight *= tone
            np.exp(weight, out=weight)
            # A pixel unlike all of its neighbours takes the nearest ones' chroma.
            weight += np.float32(1e-6)
            weight *= row_nearness[i][:, None]
            weight *= column_nearness[j]
            total += weight
            near[1:] *= weight
            chroma += near[1:]
    chroma /= total
    for _ in range(_BACK_PROJECTIONS):
        missing = ab - _area(_area(chroma, grid[1], 2), grid[0], 1)
        chroma += _bicubic(missing, size)
    return chroma


def _slope(L: Float, ab: Float) -> Float:
    """The guided filter's slope of ab against L over 3x3 pixels, averaged over 3x3 of them."""
    mean_L, mean_ab = _mean3(L[None]), _mean3(ab)
    covariance = _mean3(L * ab) - mean_L * mean_ab
    variance = _mean3(L[None] ** 2) - mean_L**2
    return _mean3(covariance / (variance + np.float32(_RIDGE)))


def _mean3(planes: Float) -> Float:
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return np.asarray((rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]) / np.float32(9))


def _taps(count: int, size: int) -> tuple[list[NDArray[np.intp]], list[Float]]:
    """For `size` pixels over `count` cells: their four nearest cells and how near those count."""
    position = (np.arange(size) + 0.5) * count / size - 0.5
    first = np.floor(position).astype(np.intp) - 1
    cells = [np.clip(first + i, 0, count - 1) for i in range(4)]
    distances = (position - first - i for i in range(4))
    return cells, [np.exp(-0.5 * (d / _SIGMA_SPACE) ** 2).astype(np.float32) for d in distances]


def _lerp_positions(
    count: int, size: int, first: int = 0, last: int | None = None
) -> tuple[NDArray[np.intp], Float]:
    """The sample before each of some pixels, and the next one's weight.

    Args:
        count: number of samples.
        size: number of pixels over them.
        first, last: the pixels that are asked for; None: up to the end.
    """
    pixels = np.arange(first, size if last is None else last)
    position = np.clip((pixels + 0.5) * count / size - 0.5, 0, count - 1)
    before = np.minimum(position.astype(np.intp), max(count - 2, 0))
    return before, (position - before).astype(np.float32)


def _lerp(
    planes: NDArray[Any], size: int, axis: int, first: int = 0, last: int | None = None
) -> Float:
    """Enlarge along one axis, linearly; of the result, the pixels from `first` to `last`."""
    before, weight = _lerp_positions(planes.shape[axis], size, first, last)
    weight = weight.reshape(-1, *[1] * (planes.ndim - 1 - axis))
    # np.take, unlike indexing, keeps the order in memory.
    left = np.take(planes, before, axis).astype(np.float32, copy=False)
    right = np.take(planes, np.minimum(before + 1, planes.shape[axis] - 1), axis)
    right = right - left
    right *= weight
    left += right
    return left


def _area(planes: NDArray[Any], size: int, axis: int) -> Float:
    """Shrink along one axis: the mean over each new pixel, with the parts of pixels at its ends."""
    along = np.moveaxis(planes, axis, 0)
    times, rest = divmod(len(along), size)
    if times <= _TIMES and not rest:
        sums = along[::times].astype(np.float32)
        for first in range(1, times):
            sums += along[first::times]
        sums *= np.float32(1 / times)
        return np.ascontiguousarray(np.moveaxis(sums, 0, axis))
    start = np.arange(size) * len(along) / size
    whole = start.astype(np.intp)
    if axis < planes.ndim - 1:  # much faster than reduceat, which is for neighbours in memory
        kind = np.uint32 if planes.dtype.kind == "u" else np.float32
        parts = (along[a:b].sum(0, dtype=kind) for a, b in pairwise([*whole, len(along)]))
        sums = np.stack(list(parts)).astype(np.float32, copy=False)
    else:
        sums = np.add.reduceat(along, whole, 0, dtype=np.float32)
    part = (start - whole)[1:].astype(np.float32)
    before = along[whole[1:]] * part.reshape(-1, *[1] * (along.ndim - 1))
    sums[:-1] += before
    sums[1:] -= before
    return np.ascontiguousarray(np.moveaxis(sums * np.float32(size / len(along)), 0, axis))


def _bicubic(planes: Float, size: tuple[int, ...]) -> Float:
    images = (Image.fromarray(np.ascontiguousarray(plane, np.float32)) for plane in planes)
    cubic = Image.Resampling.BICUBIC
    return np.stack([np.asarray(i.resize((size[1], size[0]), cubic)) for i in images])
