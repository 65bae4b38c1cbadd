"""Colours: sRGB <-> CIELAB (D65), and the recombination that keeps lightness.

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

from ..errors import ArgumentError
from .srgb import (
    DROPPED,
    bad_type,
    byte_table,
    decode,
    decode_formula,
    encode,
    linear_table,
    rgb_to_xyz,
    to_8_bits,
)

Float = NDArray[np.float32]
Codes = NDArray[Any]  # uint8 or uint16

DELTA = 6 / 29
SLOPE = 3 * DELTA**2  # of the inverse's linear piece; the cube's own slope at DELTA
_NOISE = np.float32(2e-6)  # float32 rounding of a colour on sRGB's boundary, in linear light
_HALVINGS = 10
BLOCK = 65536
"""Pixels worked on at a time: a dozen float32 planes of this many fit a core's cache."""


TO_XYZ = rgb_to_xyz()
TO_RGB = np.linalg.inv(TO_XYZ)
_TO_RGB_32 = TO_RGB.astype(np.float32)
_AB_TO_F = np.array([[1 / 500], [-1 / 200]], np.float32)  # f(X) - f(Y) and f(Z) - f(Y)


@cache
def _f_table(itemsize: int) -> Float:
    """f(Y) = (L + 16) / 116 of every grey code."""
    top = 256**itemsize - 1
    return _f(decode_formula(np.arange(top + 1) / top)).astype(np.float32)


@cache
def _lightness_table(itemsize: int) -> Float:
    return 116 * _f_table(itemsize) - 16


def _f(t: NDArray[Any]) -> NDArray[Any]:
    return np.where(t > DELTA**3, np.cbrt(t), t / SLOPE + 4 / 29)


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
        raise ArgumentError.wrong_shape("an RGB array", "(..., 3)", rgb.shape)
    f = _f(decode(rgb) @ TO_XYZ.T.astype(np.float32))
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
        raise ArgumentError.wrong_shape("a Lab array", "(..., 3)", lab.shape)
    if dtype not in (np.uint8, np.uint16, np.float32):
        raise bad_type(dtype)
    flat = lab.reshape(-1, 3).T.astype(np.float32, order="C")
    out, room = np.empty((flat.shape[1], 3), dtype), _room()
    for start in range(0, len(out), BLOCK):
        part, target = flat[:, start : start + BLOCK], out[start : start + BLOCK]
        planes = room[:, : len(target)]
        planes[0] = planes[1] = (np.clip(part[0], 0, 100) + 16) / np.float32(116)
        _f_inverse(planes[1], planes[2], planes[3])
        outside = _encode_block(planes, part[1:], target)
        mapped = _into_gamut(planes[:, outside], part[1:, outside])
        target[outside] = _codes(mapped, dtype).T
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
        return (116 * _f(decode_formula(grey)) - 16).astype(np.float32)
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
        raise ArgumentError.wrong_shape("an RGB picture", "(height, width, 3)", rgb.shape)
    _check_codes(rgb)
    if np.array_equal(rgb[..., 0], rgb[..., 1]) and np.array_equal(rgb[..., 0], rgb[..., 2]):
        return np.ascontiguousarray(rgb[..., 0])
    out = np.empty(rgb.shape[:2], np.uint16)
    table, weights = linear_table(rgb.dtype.itemsize), TO_XYZ[1].astype(np.float32)
    rows = max(1, BLOCK // rgb.shape[1])
    for top in range(0, len(rgb), rows):
        part = rgb[top : top + rows]
        y = np.take(table, part[..., 0])
        y *= weights[0]
        for channel in (1, 2):
            linear = np.take(table, part[..., channel])
            linear *= weights[channel]
            y += linear
        out[top : top + rows] = _quantise(encode(np.minimum(y, 1)), np.uint16)
    return out


def recombine(
    grey: Codes,
    ab: Float,
    dtype: type[np.uint8 | np.uint16] | None = None,
    out: Any = None,
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

    Returns:
        ``(H, W, 3)`` RGB.

    Raises:
        ArgumentError: shapes or types that do not fit.
    """
    _check_codes(grey)
    if ab.shape != (2, *grey.shape):
        raise ArgumentError.wrong_shape("chroma for this picture", str((2, *grey.shape)), ab.shape)
    if out is None:
        out = np.empty((*grey.shape, 3), dtype or grey.dtype)
    _check_codes(out)
    if out.shape != (*grey.shape, 3) or not out.flags.c_contiguous:
        raise ArgumentError.wrong_shape(
            "the room for the result", f"{(*grey.shape, 3)}, contiguous", out.shape
        )
    codes, flat_ab, flat = grey.reshape(-1), ab.reshape(2, -1), out.reshape(-1, 3)
    f, linear = _f_table(grey.dtype.itemsize), linear_table(grey.dtype.itemsize)
    room, outside = _room(), []
    for start in range(0, codes.size, BLOCK):
        part = slice(start, min(start + BLOCK, codes.size))
        planes = room[:, : part.stop - start]
        # mode="wrap" lets numpy write straight into `out`; no code can be out of range.
        np.take(f, codes[part], out=planes[0], mode="wrap")
        np.take(linear, codes[part], out=planes[1], mode="wrap")
        outside.append(_encode_block(planes, flat_ab[:, part], flat[part]) + start)
    # All pixels beyond the gamut at once: they are few, and halving is many small steps.
    beyond = np.concatenate(outside) if outside else np.empty(0, np.intp)
    for start in range(0, beyond.size, BLOCK):
        some = beyond[start : start + BLOCK]
        planes = room[:, : some.size]
        planes[0], planes[1] = f[codes[some]], linear[codes[some]]
        flat[some] = _codes(_into_gamut(planes, flat_ab[:, some]), out.dtype).T
    return out


def keep_grey(rgb: NDArray[np.uint16], grey: NDArray[np.uint16]) -> None:
    """Give the last two bits of blue to the grey code, so that `grey_of` finds it exactly.

    Args:
        rgb: ``(H, W, 3)`` from `recombine`, changed in place; grey pixels stay as they are.
        grey: ``(H, W)``, as given to it.
    """
    rgb[..., 2] ^= (rgb[..., 2] ^ grey) & np.uint16(3)


def grey_of(rgb: Codes) -> Codes:
    """The grey codes that a picture was coloured from, exactly.

    For 8 bits the colours are to come from `colortable`, for 16 to have been through `keep_grey`;
    of other pictures it is `neutral` within one code.

    Args:
        rgb: ``(H, W, 3)`` uint8 or uint16.

    Returns:
        ``(H, W)`` of the same type.
    """
    grey = neutral(rgb)
    if rgb.dtype == np.uint8:
        return to_8_bits(grey)
    # Rounding R, G and B moves the grey by one code here and there; its last two bits say where.
    off = ((rgb[..., 2] - grey + np.uint16(1)) & np.uint16(3)).astype(np.int32) - 1
    found = grey.astype(np.int32) + np.where(off == 2, 0, off)
    return np.clip(found, 0, 65535).astype(np.uint16)


def _room() -> Float:
    """Working memory for `_encode_block`; fresh pages for every block cost more than the sums."""
    return np.empty((13, BLOCK), np.float32)


def _encode_block(planes: Float, ab: Float, out: NDArray[Any]) -> NDArray[np.intp]:
    """Write the sRGB codes of `n` pixels into `out`, ``(n, 3)``; return who is outside the gamut.

    ``planes`` is ``(13, n)``: f(Y) and linear Y come first and stay, the others are overwritten.
    """
    np.multiply(ab, _AB_TO_F, out=planes[2:4])
    rgb = _linear_rgb(planes)
    low, high = rgb.min(0, out=planes[4]), rgb.max(0, out=planes[5])
    outside = np.flatnonzero((low < -_NOISE) | (high > 1 + _NOISE))
    np.clip(rgb, 0, 1, out=rgb)
    for channel, codes in enumerate(_codes(rgb, out.dtype, (planes[2:5], planes[5:8]))):
        out[:, channel] = codes
    return outside


def _codes(linear: Float, dtype: Any, room: tuple[Float, Float] | None = None) -> NDArray[Any]:
    """sRGB codes of linear light 0...1; `room` is two arrays of its shape to work in."""
    if dtype != np.uint8:
        return _quantise(encode(linear, room), dtype)
    return np.take(byte_table(), linear.view(np.uint32) >> DROPPED)


def _linear_rgb(planes: Float) -> Float:
    """Linear RGB, ``(3, n)``, of f(Y), linear Y, a / 500 and -b / 200.

    Written as a difference from grey, so that zero chroma gives Y in every channel. Two or three
    planes go through each step together: threads wait for each other between the steps.

    ``planes`` is ``(13, n)``: those four come first and stay, the others are overwritten, the last
    three with the result.
    """
    t = np.add(planes[2:4], planes[0], out=planes[4:6])
    _f_inverse(t, planes[6:8], planes[8:10])
    t -= planes[1]
    rgb: Float = planes[10:13]
    np.multiply(t[0], _TO_RGB_32[:, :1], out=rgb)
    rgb += np.multiply(t[1], _TO_RGB_32[:, 2:], out=planes[6:9])
    rgb += planes[1]
    return rgb


def _f_inverse(t: Float, upper: Float, cube: Float) -> None:
    """Inverse of CIELAB's f, in place: t^3 above 6/29, its tangent there below."""
    np.clip(t, np.float32(DELTA), np.float32(9), out=upper)  # faster than np.maximum
    t -= upper  # zero above 6/29
    t *= np.float32(SLOPE)
    np.multiply(upper, upper, out=cube)
    cube *= upper
    t += cube


def _into_gamut(planes: Float, ab: Float) -> Float:
    """Linear RGB of very nearly the most chroma along the same hue inside sRGB, ``(3, n)``.

    Bisection: grey (share 0 of the chroma) is inside, the whole chroma is not. The result has at
    most 1/1024 of the whole chroma less than it could. `planes` is as for `_encode_block`.
    """
    whole = ab * _AB_TO_F
    inside = np.zeros(ab.shape[1], np.float32)
    for halving in range(1, _HALVINGS + 1):
        share = inside + np.float32(0.5**halving)
        np.multiply(whole, share, out=planes[2:4])
        rgb = _linear_rgb(planes)
        fits = (rgb.min(0, out=planes[4]) >= 0) & (rgb.max(0, out=planes[5]) <= 1)
        inside += fits * np.float32(0.5**halving)
    np.multiply(whole, inside, out=planes[2:4])
    return np.clip(_linear_rgb(planes), 0, 1)


def _quantise(encoded: Float, dtype: Any) -> NDArray[Any]:
    if np.dtype(dtype).kind == "f":
        return encoded.astype(dtype)
    encoded *= np.float32(np.iinfo(dtype).max)
    encoded += np.float32(0.5)
    return encoded.astype(dtype)


def _check_codes(codes: NDArray[Any]) -> None:
    if codes.dtype not in (np.uint8, np.uint16):
        raise bad_type(codes.dtype)
