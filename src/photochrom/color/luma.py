"""Between Y' and L, and the colours of a given luma.

The grey of a strong colour's luma is darker than the colour. So the L of a grey and a and b do not
make a colour to take Cb and Cr from: hue and chroma would shift once they meet Y'. Sought is the
colour that has this a and b *and* this luma. A colour outside the gamut gives up chroma first,
along its hue, as in `photochrom.color`. That takes a search. For films it is made once for a
matrix, at the nodes of a table over L, a and b (`chroma_of`); for JPEG files, whose Y' may follow
the curve of a colour profile, once for each colour of the picture (`chroma_codes`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import TO_RGB, Codes, Float, lightness
from .srgb import decode, rgb_to_xyz

WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "bt601": (0.299, 0.114),
    "bt2020nc": (0.2627, 0.0593),
    "smpte240m": (0.212, 0.087),
    "fcc": (0.30, 0.11),
}
"""Of R' and B' in Y', for each matrix (ITU-T H.273, table 4)."""

_BT2020_PRIMARIES = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))

_FINE = 4096  # steps of the tables between Y' and L
_LAYERS = 51  # of the table over L, a and b: L 0, 2 ... 100 ...
_REACH, _STEP = 112, 4  # ... and a and b -112, -108 ... 112
_NODES = 2 * _REACH // _STEP + 1
_HUES = 121  # from -pi to pi, for which the end of the gamut is sought ...
_HALVINGS = 12  # ... in so many steps
_APPROACHES = 6  # to the L of the colour of a luma


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


def chroma_codes(luma: NDArray[np.uint8], ab: Float, curve: bytes | None = None) -> Codes:
    """Cb and Cr as a JPEG file has them, of the colours that have this luma and this a and b.

    Args:
        luma: ``(n,)`` codes of Y', of full range (ITU-T T.871: matrix BT.601).
        ab: ``(2, n)`` float32.
        curve: of Y', where it is not sRGB's: see `_Tones`.

    Returns:
        ``(2, n)`` uint8, 128 where a = b = 0. A colour outside the gamut has less chroma.
    """
    tones = _Tones(curve)
    table = _chroma_table("bt601", curve).reshape(-1, 2)
    a, b = np.clip((ab + np.float32(_REACH)) / np.float32(_STEP), 0, _NODES - 1.001)
    height = np.take(tones.codes_L * np.float32((_LAYERS - 1.001) / 100), luma)
    (i, x), (j, y), (k, z) = ((n := t.astype(np.intp), t - n) for t in (a, b, height))
    first = (k * _NODES + j) * _NODES + i
    pair = np.zeros((luma.size, 2), np.float32)
    for corner in range(8):
        right, below, above = corner & 1, corner >> 1 & 1, corner >> 2
        weight = (x if right else 1 - x) * (y if below else 1 - y) * (z if above else 1 - z)
        at = first + (above * _NODES + below) * _NODES + right
        pair += np.take(table, at, axis=0) * weight[:, None].astype(np.float32)
    chroma = _within(pair.T, np.asarray(luma, np.float32) / np.float32(255), "bt601") * (
        np.abs(ab).max(0) > 0
    )
    return np.asarray(np.clip(np.rint(chroma * 255 + 128), 0, 255), np.uint8)


def _within(chroma: Float, luma: Float, matrix: str) -> Float:
    """Cb and Cr ``(2, n)``, smaller where R'G'B' would be beyond 0...1 with this luma ``(n,)``."""
    red, blue = WEIGHTS[matrix]
    b, r = chroma[0] * np.float32(2 - 2 * blue), chroma[1] * np.float32(2 - 2 * red)
    g = -(np.float32(blue) * b + np.float32(red) * r) / np.float32(1 - red - blue)
    high, low = np.maximum(np.maximum(r, g), b), np.minimum(np.minimum(r, g), b)
    luma = np.clip(luma, np.float32(1e-5), np.float32(1 - 1e-5))
    return np.asarray(chroma / np.maximum(1, np.maximum(high / (1 - luma), -low / luma)))


class _Tones:
    """The relation of luma, linear light and L: a tone curve that is sRGB's or another.

    Args:
        curve: linear light 0...1 of each of 256 codes, rising, as the bytes of float32; None:
            sRGB's.
    """

    def __init__(self, curve: bytes | None) -> None:
        codes = np.linspace(0, 1, 256, dtype=np.float32)
        self.srgb = curve is None
        self.linear = decode(codes) if curve is None else np.frombuffer(curve, np.float32)
        f = np.where(self.linear > 216 / 24389, np.cbrt(self.linear), 0)
        f = np.where(f > 0, f, self.linear * np.float32(841 / 108) + np.float32(4 / 29))
        self.codes_L = (116 * f - 16).astype(np.float32)
        self._codes = codes

    def encode(self, linear: Float) -> Float:
        """R'G'B' of linear light; beyond 0...1 they go on."""
        if not self.srgb:
            light = np.concatenate([[-1], self.linear, [3]])
            return np.asarray(np.interp(linear, light, [-1, *self._codes, 2]), np.float32)
        power = np.maximum(linear, np.float32(0.0031308)) ** np.float32(1 / 2.4)
        curve = np.float32(1.055) * power - np.float32(0.055)
        return np.asarray(np.where(linear > 0.0031308, curve, np.float32(12.92) * linear))

    def lightness(self, luma: Float) -> Float:
        """L of greys of a luma; beyond 0...1 it goes on."""
        if self.srgb:
            return lightness(luma)
        ends = np.concatenate([[-100], self.codes_L, [200]])
        return np.asarray(np.interp(luma, [-1, *self._codes, 2], ends), np.float32)

    def luma(self, L: Float) -> Float:
        """Luma of greys of an L, 0...100."""
        if self.srgb:
            return luma_of(L)
        return np.asarray(np.interp(L, self.codes_L, self._codes), np.float32)


def _colours(L: Float, ab: Float, matrix: str, tones: _Tones) -> Float:
    """R'G'B' less luma, ``(3, n)``, of the colours with the luma of greys of this L.

    Args:
        L: ``(n,)`` float32, of the greys.
        ab: ``(2, n)`` float32; where outside the gamut, so is the result.
        matrix: as in `Tones`.
        tones: the curve of luma.
    """
    red, blue = WEIGHTS[matrix]
    own, step = L.copy(), np.zeros_like(L)
    error, slope = step, np.ones_like(L)
    for number in range(_APPROACHES):  # the secant method: how L of the luma's grey grows with L
        rgb = tones.encode(_linear(own, ab, matrix))
        before = error
        error = L - tones.lightness(red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2])
        if number:
            moved = np.where(np.abs(step) > 1e-4, step, np.float32(1))
            grown = np.where(np.abs(step) > 1e-4, (before - error) / moved, slope)
            slope = np.clip(grown, np.float32(0.2), np.float32(5))
        step = error / slope
        own += step
    rgb = tones.encode(_linear(own, ab, matrix))
    return np.asarray(rgb - (red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2]))


def _most_chroma(L: Float, hues: Float, matrix: str, tones: _Tones) -> Float:
    """The gamut's greatest chroma of each hue (radians) at the luma of greys of this L."""
    luma = tones.luma(L)
    direction = np.stack([np.cos(hues), np.sin(hues)])
    low, high = np.zeros_like(L), np.full_like(L, 1.5 * _REACH)
    for _ in range(_HALVINGS):
        middle = (low + high) / np.float32(2)
        rgb = _colours(L, direction * middle, matrix, tones) + luma
        inside = (rgb.max(0) <= 1) & (rgb.min(0) >= 0)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return low


@cache
def _chroma_table(matrix: str, curve: bytes | None = None) -> Float:
    """Cb and Cr, ``(layers, nodes of b, nodes of a, 2)`` float32, -0.5...0.5, 0 where a = b = 0."""
    tones = _Tones(curve)
    red, blue = WEIGHTS[matrix]
    nodes = np.arange(-_REACH, _REACH + 1, _STEP, dtype=np.float32)
    a, b = (grid.ravel() for grid in np.meshgrid(nodes, nodes))
    chroma, hue = np.hypot(a, b), np.arctan2(b, a)
    layers = np.linspace(0, 100, _LAYERS, dtype=np.float32)
    hues = np.linspace(-np.pi, np.pi, _HUES, dtype=np.float32)
    most = _most_chroma(np.repeat(layers, _HUES), np.tile(hues, _LAYERS), matrix, tones)
    table = np.empty((_LAYERS, _NODES, _NODES, 2), np.float32)
    for L, limit, layer in zip(layers, most.reshape(_LAYERS, _HUES), table, strict=True):
        share = np.minimum(1, np.interp(hue, hues, limit) / np.maximum(chroma, 1))
        ab = (np.stack([a, b]) * share).astype(np.float32)
        rgb = _colours(np.full_like(a, L), ab, matrix, tones)
        pair = np.stack([rgb[2] / (2 - 2 * blue), rgb[0] / (2 - 2 * red)]) * (chroma > 0)
        layer[:] = pair.T.reshape(layer.shape)
    return table


def _linear(L: Float, ab: Float, matrix: str) -> Float:
    """Linear R, G and B of Lab, ``(3, n)``, beyond 0...1 where outside the gamut."""
    y = (L + 16) / np.float32(116)
    f = np.stack([y + ab[0] / np.float32(500), y, y - ab[1] / np.float32(200)])
    xyz = np.where(f > 6 / 29, f * f * f, (f - np.float32(4 / 29)) * np.float32(108 / 841))
    return np.asarray(_from_xyz(matrix) @ xyz)


@cache
def _from_xyz(matrix: str) -> Float:
    """From X, Y and Z relative to D65 to linear R, G and B."""
    rgb = np.linalg.inv(rgb_to_xyz(_BT2020_PRIMARIES)) if matrix == "bt2020nc" else TO_RGB
    return rgb.astype(np.float32)


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
