"""Between Y' and L, and the colours of a given luma.

The grey of a strong colour's luma is darker than the colour. So a frame's L, which is that of its
grey, and a and b do not make a colour to take Cb and Cr from: hue and chroma would shift once they
meet Y'. Sought is the colour that has this a and b *and* this luma. A colour outside the gamut
gives up chroma first, along its hue, as in `photochrom.color`. That takes a search; it is made
once for a matrix, at the nodes of a table over L, a and b.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..color import Float, lightness
from .tones import WEIGHTS

_PRIMARIES = {"bt2020nc": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))}
_BT709_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_D65 = (0.3127, 0.3290)

_FINE = 4096  # steps of the tables between Y' and L
_LAYERS = 51  # of the table over L, a and b: L 0, 2 ... 100 ...
_REACH, _STEP = 112, 4  # ... and a and b -112, -108 ... 112
_NODES = 2 * _REACH // _STEP + 1
_HUES = 121  # from -pi to pi, for which the end of the gamut is sought ...
_HALVINGS = 12  # ... in so many steps


def lightness_of(luma: NDArray[Any]) -> Float:
    """L 0...100 of greys of a luma, 0...1; any shape."""
    return _nearest(_lightness_table(), luma)


def luma_of(L: Float) -> Float:
    """Luma 0...1 of greys of an L, 0...100; any shape."""
    return _nearest(_luma_table(), L / np.float32(100))


def chroma_of(L: Float, ab: Float, matrix: str) -> tuple[Float, Float]:
    """Cb and Cr of the colours that have this a and b, and the luma of a grey of this L.

    Args:
        L: ``(h, w)`` float32, 0...100, of the grey.
        ab: ``(2, h, w)`` float32.
        matrix: as in `Tones`.

    Returns:
        Two planes ``(h, w)`` float32, -0.5...0.5, 0 where a = b = 0.
    """
    import cv2

    a, b = (np.clip((p + np.float32(_REACH)) / np.float32(_STEP), 0, _NODES - 1) for p in ab)
    height = np.clip(L * np.float32((_LAYERS - 1) / 100), 0, _LAYERS - 1)
    layer = np.minimum(np.floor(height), np.float32(_LAYERS - 2))
    table = _chroma_table(matrix).reshape(-1, _NODES, 2)  # one layer under the other
    b += layer * np.float32(_NODES)
    below = cv2.remap(table, a, b, cv2.INTER_LINEAR)
    b += np.float32(_NODES)
    rise = cv2.subtract(cv2.remap(table, a, b, cv2.INTER_LINEAR), below)
    part = np.asarray(height - layer, np.float32)  # of the way to the layer above
    cb, cr = (p + part * q for p, q in zip(cv2.split(below), cv2.split(rise), strict=True))
    return cb, cr


def _colours(L: Float, ab: Float, matrix: str) -> Float:
    """R'G'B' less luma, ``(3, n)``, of the colours with the luma of greys of this L.

    Args:
        L: ``(n,)`` float32, of the greys.
        ab: ``(2, n)`` float32; where outside the gamut, so is the result.
        matrix: as in `Tones`.
    """
    red, blue = WEIGHTS[matrix]
    low, high = np.zeros_like(L), np.full_like(L, 100)
    for _ in range(_HALVINGS):
        middle = (low + high) / np.float32(2)
        rgb = _encoded(middle, ab, matrix)
        luma = red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2]
        dark = lightness(luma) < L
        low, high = np.where(dark, middle, low), np.where(dark, high, middle)
    return np.asarray(rgb - luma)


def _most_chroma(L: Float, hues: Float, matrix: str) -> Float:
    """The gamut's greatest chroma of each hue (radians) at the luma of greys of this L."""
    luma = luma_of(L)
    direction = np.stack([np.cos(hues), np.sin(hues)])
    low, high = np.zeros_like(L), np.full_like(L, 1.5 * _REACH)
    for _ in range(_HALVINGS):
        middle = (low + high) / np.float32(2)
        rgb = _colours(L, direction * middle, matrix) + luma
        inside = (rgb.max(0) <= 1) & (rgb.min(0) >= 0)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return low


@cache
def _chroma_table(matrix: str) -> Float:
    """Cb and Cr, ``(layers, nodes of b, nodes of a, 2)`` float32, -0.5...0.5, 0 where a = b = 0."""
    red, blue = WEIGHTS[matrix]
    nodes = np.arange(-_REACH, _REACH + 1, _STEP, dtype=np.float32)
    a, b = (grid.ravel() for grid in np.meshgrid(nodes, nodes))
    chroma, hue = np.hypot(a, b), np.arctan2(b, a)
    layers = np.linspace(0, 100, _LAYERS, dtype=np.float32)
    hues = np.linspace(-np.pi, np.pi, _HUES, dtype=np.float32)
    most = _most_chroma(np.repeat(layers, _HUES), np.tile(hues, _LAYERS), matrix)
    table = np.empty((_LAYERS, _NODES, _NODES, 2), np.float32)
    for L, limit, layer in zip(layers, most.reshape(_LAYERS, _HUES), table, strict=True):
        share = np.minimum(1, np.interp(hue, hues, limit) / np.maximum(chroma, 1))
        ab = (np.stack([a, b]) * share).astype(np.float32)
        rgb = _colours(np.full_like(a, L), ab, matrix)
        pair = np.stack([rgb[2] / (2 - 2 * blue), rgb[0] / (2 - 2 * red)]) * (chroma > 0)
        layer[:] = pair.T.reshape(layer.shape)
    return table


def _encoded(L: Float, ab: Float, matrix: str) -> Float:
    """R'G'B' of Lab, ``(3, n)``, beyond 0...1 where outside the gamut."""
    y = (L + 16) / np.float32(116)
    f = np.stack([y + ab[0] / np.float32(500), y, y - ab[1] / np.float32(200)])
    xyz = np.where(f > 6 / 29, f**3, (f - np.float32(4 / 29)) * np.float32(108 / 841))
    linear = _from_xyz(matrix) @ xyz
    power = np.maximum(linear, np.float32(0.0031308)) ** np.float32(1 / 2.4)
    curve = np.float32(1.055) * power - np.float32(0.055)
    return np.where(linear > 0.0031308, curve, np.float32(12.92) * linear)


@cache
def _from_xyz(matrix: str) -> Float:
    """From X, Y and Z relative to D65 to linear R, G and B."""
    xy = np.array(_PRIMARIES.get(matrix, _BT709_PRIMARIES)).T
    x, y = np.column_stack([xy, _D65])
    columns = np.stack([x, y, 1 - x - y]) / y
    relative = columns[:, :3] / columns[:, 3:]
    return np.asarray(np.linalg.inv(relative * np.linalg.solve(relative, np.ones(3))), np.float32)


@cache
def _lightness_table() -> Float:
    """L over luma 0...1."""
    return lightness(np.linspace(0, 1, _FINE))


@cache
def _luma_table() -> Float:
    """Luma over L / 100."""
    fine = np.linspace(0, 1, 16 * _FINE)
    L = np.linspace(0, 100, _FINE)
    return np.interp(L, lightness(fine), fine).astype(np.float32)


def _nearest(table: Float, values: NDArray[Any]) -> Float:
    """What a table over 0...1 has nearest to each value."""
    places = values * np.float32(_FINE - 1)
    places += np.float32(0.5)
    return np.take(table, places.astype(np.intp), mode="clip")
