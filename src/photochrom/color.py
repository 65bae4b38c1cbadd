"""sRGB <-> CIELAB (D65) and the recombination that keeps lightness.

One set of formulas for every caller:

- sRGB transfer function and primaries: IEC 61966-2-1 (primaries of ITU-R BT.709, white D65 with
  chromaticity x = 0.3127, y = 0.3290), the matrix derived from them below.
- CIELAB: CIE 15:2004, white D65, with the exact constants (6/29)^3 and (29/6)^2 / 3.

*Grey codes*: a black-and-white picture is kept as its sRGB-encoded values (uint8 or uint16) from
beginning to end, because that is exact and small; L is a table look-up away. A coloured or toned
picture is taken to the grey of the same L (`neutral`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArgumentError

Float = NDArray[np.float32]
Codes = NDArray[Any]  # uint8 or uint16

_DELTA = 6 / 29
_SLOPE = 3 * _DELTA**2  # of the inverse's linear piece; the cube's own slope at _DELTA
_NOISE = np.float32(2e-6)  # float32 rounding of a colour on sRGB's boundary, in linear light
_HALVINGS = 10
BLOCK = 65536
"""Pixels worked on at a time: a dozen float32 planes of this many fit a core's cache."""


def _rgb_to_xyz() -> NDArray[np.float64]:
    primaries = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])
    x, y = primaries.T
    columns = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    wx, wy = 0.3127, 0.3290
    white = np.array([wx / wy, 1.0, (1 - wx - wy) / wy])
    scaled = columns * np.linalg.solve(columns, white)
    return np.asarray(scaled / white[:, None])  # relative to the white: every row sums to 1


_TO_XYZ = _rgb_to_xyz()
_TO_RGB = np.linalg.inv(_TO_XYZ)


def decode(rgb: NDArray[Any]) -> Float:
    """sRGB-encoded values to linear light.

    Args:
        rgb: any shape; uint8 0...255, uint16 0...65535 or float 0...1.

    Returns:
        float32 of the same shape, 0...1.

    Raises:
        ArgumentError: another type.
    """
    if rgb.dtype in (np.uint8, np.uint16):
        return np.take(_linear_table(rgb.dtype.itemsize), rgb)
    if rgb.dtype.kind != "f":
        raise _bad_type(rgb.dtype)
    return _decode_formula(rgb).astype(np.float32)


def _decode_formula(v: NDArray[Any]) -> NDArray[Any]:
    return np.where(v > 0.04045, ((np.maximum(v, 0) + 0.055) / 1.055) ** 2.4, v / 12.92)


def _encode_formula(linear: Float) -> Float:
    encoded = np.power(linear, np.float32(1 / 2.4))
    encoded *= np.float32(1.055)
    encoded -= np.float32(0.055)
    dark = linear <= np.float32(0.0031308)
    if dark.any():
        np.multiply(linear, np.float32(12.92), out=encoded, where=dark)
    return encoded


@cache
def _linear_table(itemsize: int) -> Float:
    top = 256**itemsize - 1
    return _decode_formula(np.arange(top + 1) / top).astype(np.float32)


@cache
def _f_table(itemsize: int) -> Float:
    """f(Y) = (L + 16) / 116 of every grey code."""
    top = 256**itemsize - 1
    return _f(_decode_formula(np.arange(top + 1) / top)).astype(np.float32)


@cache
def _lightness_table(itemsize: int) -> Float:
    return 116 * _f_table(itemsize) - 16


@cache
def _byte_table() -> NDArray[np.uint8]:
    """8-bit code of the linear value (i / 65535)^2.

    Indexed by the square root because the steps of sRGB are nearly even there: the look-up is
    within 0.003 of a code of the formula, everywhere.
    """
    linear = (np.arange(65536) / 65535) ** 2
    return np.rint(_encode_formula(linear.astype(np.float32)) * 255).astype(np.uint8)


def _f(t: NDArray[Any]) -> NDArray[Any]:
    return np.where(t > _DELTA**3, np.cbrt(t), t / _SLOPE + 4 / 29)


def srgb_to_lab(rgb: NDArray[Any]) -> Float:
    """sRGB to CIELAB.

    Args:
        rgb: ``(..., 3)``; uint8, uint16, or float 0...1.

    Returns:
        ``(..., 3)`` float32: L 0...100, a and b about -110...110.

    Raises:
        ArgumentError: another type or shape.
    """
    if rgb.ndim < 1 or rgb.shape[-1] != 3:
        raise _bad_shape("an RGB array", "(..., 3)", rgb.shape)
    f = _f(decode(rgb) @ _TO_XYZ.T.astype(np.float32))
    lab = np.empty(rgb.shape, np.float32)
    lab[..., 0] = 116 * f[..., 1] - 16
    lab[..., 1] = 500 * (f[..., 0] - f[..., 1])
    lab[..., 2] = 200 * (f[..., 1] - f[..., 2])
    return lab


def lab_to_srgb(lab: Float, dtype: type[np.uint8 | np.uint16 | np.float32] = np.uint8) -> Any:
    """CIELAB to sRGB; a colour outside sRGB loses chroma, never lightness or hue.

    Args:
        lab: ``(..., 3)`` float; L 0...100.
        dtype: ``numpy.uint8``, ``numpy.uint16`` or ``numpy.float32`` (0...1).

    Returns:
        ``(..., 3)`` of `dtype`.

    Raises:
        ArgumentError: another type or shape.
    """
    if lab.ndim < 1 or lab.shape[-1] != 3:
        raise _bad_shape("a Lab array", "(..., 3)", lab.shape)
    if dtype not in (np.uint8, np.uint16, np.float32):
        raise _bad_type(dtype)
    flat = lab.reshape(-1, 3).astype(np.float32)
    out, scratch = np.empty(flat.shape, dtype), Scratch()
    for start in range(0, len(flat), BLOCK):
        part = flat[start : start + BLOCK]
        planes, target = scratch.planes[:, : len(part)], out[start : start + BLOCK]
        planes[0] = planes[1] = (np.clip(part[:, 0], 0, 100) + 16) / np.float32(116)
        _f_inverse(planes[1], planes[2])
        outside = _encode_block(planes, part[:, 1], part[:, 2], target)
        target[outside] = _codes(_into_gamut(planes[:4, outside]), dtype)
    return out.reshape(lab.shape)


def lightness(grey: NDArray[Any]) -> Float:
    """L of a grey picture.

    Args:
        grey: any shape; grey codes uint8 or uint16, or the same scaled to float 0...1.

    Returns:
        float32 of the same shape, 0...100.

    Raises:
        ArgumentError: another type.
    """
    if grey.dtype.kind == "f":
        return (116 * _f(_decode_formula(grey)) - 16).astype(np.float32)
    _check_codes(grey)
    return np.take(_lightness_table(grey.dtype.itemsize), grey)


def neutral(rgb: Codes) -> Codes:
    """The grey codes that have the same L as an RGB picture.

    Args:
        rgb: ``(H, W, 3)`` uint8 or uint16.

    Returns:
        ``(H, W)``. Where R = G = B throughout, those very codes in the type given (exact);
        otherwise uint16, so that the tones of a sepia or cyanotype print are not rounded to 8 bits.
    """
    if rgb.ndim != 3 or rgb.shape[-1] != 3:
        raise _bad_shape("an RGB picture", "(height, width, 3)", rgb.shape)
    _check_codes(rgb)
    if np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 0], rgb[..., 2]):
        return np.ascontiguousarray(rgb[..., 0])
    out = np.empty(rgb.shape[:2], np.uint16)
    table, weights = _linear_table(rgb.dtype.itemsize), _TO_XYZ[1].astype(np.float32)
    rows = max(1, BLOCK // rgb.shape[1])
    for top in range(0, len(rgb), rows):
        part = rgb[top : top + rows]
        y = np.take(table, part[..., 0])
        y *= weights[0]
        for channel in (1, 2):
            linear = np.take(table, part[..., channel])
            linear *= weights[channel]
            y += linear
        out[top : top + rows] = _quantise(_encode_formula(np.minimum(y, 1)), np.uint16)
    return out


def recombine(
    grey: Codes,
    ab: Float,
    dtype: type[np.uint8 | np.uint16] | None = None,
    out: Any = None,
    scratch: Scratch | None = None,
) -> Any:
    """Full-size L and full-size chroma to RGB, L kept.

    A pixel outside sRGB loses chroma along its hue until it is inside; L is never changed, so
    zero chroma gives ``R = G = B =`` the grey code, bit for bit.

    Args:
        grey: ``(H, W)`` grey codes, uint8 or uint16.
        ab: ``(2, H, W)`` float32, CIELAB a and b.
        dtype: of the result; `grey`'s own when None.
        out: optional contiguous array of the result's shape to write into, uint8 or uint16;
            `dtype` does not matter then.
        scratch: working memory, for callers who recombine a picture in many strips.

    Returns:
        ``(H, W, 3)`` RGB.

    Raises:
        ArgumentError: shapes or types that do not fit.
    """
    _check_codes(grey)
    if ab.shape != (2, *grey.shape):
        raise _bad_shape("chroma for this picture", str((2, *grey.shape)), ab.shape)
    if out is None:
        out = np.empty((*grey.shape, 3), dtype or grey.dtype)
    _check_codes(out)
    if out.shape != (*grey.shape, 3) or not out.flags.c_contiguous:
        raise _bad_shape("the room for the result", f"{(*grey.shape, 3)}, contiguous", out.shape)
    codes, a, b, flat = grey.reshape(-1), ab[0].reshape(-1), ab[1].reshape(-1), out.reshape(-1, 3)
    f, linear = _f_table(grey.dtype.itemsize), _linear_table(grey.dtype.itemsize)
    scratch, outside = scratch or Scratch(), []
    for start in range(0, codes.size, BLOCK):
        part = slice(start, min(start + BLOCK, codes.size))
        planes = scratch.planes[:, : part.stop - start]
        fy, y = planes[0], planes[1]
        # mode="clip" lets numpy write straight into `out`; no code can be out of range.
        np.take(f, codes[part], out=fy, mode="clip")
        np.take(linear, codes[part], out=y, mode="clip")
        outside.append(_encode_block(planes, a[part], b[part], flat[part]) + start)
    # All pixels beyond the gamut at once: they are few, and halving is many small steps.
    beyond = np.concatenate(outside) if outside else np.empty(0, np.intp)
    for start in range(0, beyond.size, BLOCK):
        some = beyond[start : start + BLOCK]
        colour = np.stack([f[codes[some]], linear[codes[some]], a[some] / 500, b[some] / -200])
        flat[some] = _codes(_into_gamut(colour.astype(np.float32, copy=False)), out.dtype)
    return out


class Scratch:
    """Working memory for `recombine`; fresh pages for every strip would cost more than the sums.

    Not for use by two threads at once.
    """

    def __init__(self) -> None:
        self.planes: Float = np.empty((10, BLOCK), np.float32)


def _encode_block(planes: Float, a: Float, b: Float, out: NDArray[Any]) -> NDArray[np.intp]:
    """Write the sRGB codes of `n` pixels into `out`, ``(n, 3)``; return who is outside the gamut.

    ``planes`` is ``(10, n)``: f(Y) and linear Y in the first two, the others are overwritten.
    """
    da, db = planes[2:4]
    np.multiply(a, np.float32(1 / 500), out=da)
    np.multiply(b, np.float32(-1 / 200), out=db)
    rgb = _linear_rgb(planes[:4], planes[4:7], planes[7:10])
    low, high = planes[4], planes[5]
    np.minimum(np.minimum(rgb[0], rgb[1], out=low), rgb[2], out=low)
    np.maximum(np.maximum(rgb[0], rgb[1], out=high), rgb[2], out=high)
    outside = np.empty(0, np.intp)
    if low.min() < 0 or high.max() > 1:
        outside = np.flatnonzero((low < -_NOISE) | (high > 1 + _NOISE))
        np.clip(rgb, 0, 1, out=rgb)
    for channel in range(3):
        out[:, channel] = _codes(rgb[channel], out.dtype)
    return outside


def _codes(linear: Float, dtype: Any) -> NDArray[Any]:
    """sRGB codes of linear light 0...1, which is overwritten; channels come last."""
    if dtype != np.uint8:
        return _quantise(_encode_formula(linear), dtype).T
    np.sqrt(linear, out=linear)
    linear *= np.float32(65535)
    linear += np.float32(0.5)
    return np.take(_byte_table(), linear.astype(np.uint16)).T


def _linear_rgb(colour: Float, work: Float, rgb: Float) -> Float:
    """Linear RGB, ``(3, n)``, of ``colour`` = f(Y), linear Y, a / 500, -b / 200, ``(4, n)``.

    Written as a difference from grey, so that zero chroma gives Y in every channel.
    """
    fy, y, da, db = colour
    dx, dz, product = work
    np.subtract(_f_inverse(np.add(fy, da, out=dx), product), y, out=dx)
    np.subtract(_f_inverse(np.add(fy, db, out=dz), product), y, out=dz)
    for channel, (x_weight, _, z_weight) in enumerate(_TO_RGB.astype(np.float32)):
        np.multiply(dx, x_weight, out=rgb[channel])
        rgb[channel] += np.multiply(dz, z_weight, out=product)
        rgb[channel] += y
    return rgb


def _f_inverse(t: Float, work: Float) -> Float:
    """Inverse of CIELAB's f, in place: t^3 above 6/29, its tangent there below."""
    upper = np.maximum(t, np.float32(_DELTA), out=work)
    t -= upper  # zero above 6/29
    t *= np.float32(_SLOPE)
    cube = upper * upper
    cube *= upper
    t += cube
    return t


def _into_gamut(colour: Float) -> Float:
    """Linear RGB of very nearly the most chroma along the same hue inside sRGB, ``(3, n)``.

    Bisection: grey (share 0 of the chroma) is inside, the whole chroma is not. The result has at
    most 1/1024 of the whole chroma less than it could.
    """
    n = colour.shape[1]
    work, rgb = np.empty((2, 3, n), np.float32)
    part = np.empty((4, n), np.float32)
    part[:2] = colour[:2]
    inside = np.zeros(n, np.float32)
    for halving in range(1, _HALVINGS + 1):
        share = inside + np.float32(0.5**halving)
        np.multiply(colour[2:], share, out=part[2:])
        _linear_rgb(part, work, rgb)
        np.copyto(inside, share, where=(rgb.min(0) >= 0) & (rgb.max(0) <= 1))
    np.multiply(colour[2:], inside, out=part[2:])
    return np.clip(_linear_rgb(part, work, rgb), 0, 1)


def _quantise(encoded: Float, dtype: Any) -> NDArray[Any]:
    if np.dtype(dtype).kind == "f":
        return encoded.astype(dtype)
    encoded *= np.float32(np.iinfo(dtype).max)
    encoded += np.float32(0.5)
    return encoded.astype(dtype)


def _check_codes(codes: NDArray[Any]) -> None:
    if codes.dtype not in (np.uint8, np.uint16):
        raise _bad_type(codes.dtype)


def _bad_type(dtype: Any) -> ArgumentError:
    return ArgumentError(
        "a picture's values are of the wrong type",
        expected="uint8, uint16 or float 0...1",
        got=str(dtype),
        fix="convert them first",
    )


def _bad_shape(what: str, expected: str, got: tuple[int, ...]) -> ArgumentError:
    return ArgumentError(
        f"{what} has the wrong shape", expected=expected, got=str(got), fix="reshape it first"
    )
