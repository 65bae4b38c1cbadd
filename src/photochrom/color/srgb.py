"""sRGB (IEC 61966-2-1): its primaries, its transfer curve both ways, its codes of 8 and 16 bits."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError

Float = NDArray[np.float32]

DROPPED = 11
"""Bits of a float32's mantissa that `byte_table` does without."""

_KNEE = np.float32(0.0031308)
EIGHT_BITS = ((np.arange(65536, dtype=np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
"""uint16 code -> uint8 code, rounded."""
EIGHT_BITS.flags.writeable = False


def rgb_to_xyz(
    primaries: tuple[tuple[float, float], ...] = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
) -> NDArray[np.float64]:
    """From linear R, G and B, of these chromaticities and the white D65, to XYZ relative to it."""
    x, y = np.array([*primaries, (0.3127, 0.3290)]).T
    columns = np.stack([x, y, 1 - x - y]) / y
    relative = columns[:, :3] / columns[:, 3:]
    return np.asarray(relative * np.linalg.solve(relative, np.ones(3)))  # rows sum to 1


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
        return np.take(linear_table(rgb.dtype.itemsize), rgb)
    if rgb.dtype.kind != "f":
        raise bad_type(rgb.dtype)
    return decode_formula(rgb).astype(np.float32)


def decode_formula(v: NDArray[Any]) -> NDArray[Any]:
    """Floats 0...1 to linear light, in their own precision."""
    return np.where(v > 0.04045, ((np.maximum(v, 0) + 0.055) / 1.055) ** 2.4, v / 12.92)


def encode(linear: Float, room: tuple[Float, Float] | None = None) -> Float:
    """Linear light to sRGB-encoded values 0...1; what is beyond white is clipped.

    Args:
        linear: float32 of any shape.
        room: two arrays of that shape to work in.
    """
    # The two pieces meet at the knee, so each is taken on its side of it and the two are added:
    # choosing by a mask is several times slower. So is np.power, by exp and log.
    encoded, below = room or (np.empty_like(linear), np.empty_like(linear))
    np.clip(linear, _KNEE, np.float32(1), out=encoded)
    np.subtract(linear, encoded, out=below)
    np.log(encoded, out=encoded)
    encoded *= np.float32(1 / 2.4)
    np.exp(encoded, out=encoded)
    encoded *= np.float32(1.055)
    encoded -= np.float32(0.055)
    below *= np.float32(12.92)
    encoded += below
    np.maximum(encoded, 0, out=encoded)  # black may come out as -3e-8
    return encoded


@cache
def linear_table(itemsize: int) -> Float:
    """Linear light of every code of 1 or 2 bytes."""
    top = 256**itemsize - 1
    return decode_formula(np.arange(top + 1) / top).astype(np.float32)


@cache
def byte_table() -> NDArray[np.uint8]:
    """8-bit code of a float32 in 0...1, by its bits without the last `DROPPED`.

    The twelve bits of the mantissa that are left make the look-up right within 0.02 of a code.
    """
    one = np.float32(1).view(np.uint32) >> DROPPED
    middle = (np.arange(one + 1, dtype=np.uint32) << DROPPED) + (1 << (DROPPED - 1))
    linear = np.minimum(middle.view(np.float32), 1)
    return np.rint(encode(linear) * 255).astype(np.uint8)


def bad_type(dtype: Any) -> ArgumentError:
    return ArgumentError(
        "a picture's values are of the wrong type",
        expected="uint8, uint16 or float 0...1",
        got=str(dtype),
    )


def of_type(samples: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Samples as uint8 or uint16, white staying white."""
    if samples.dtype == dtype:
        return samples
    return to_8_bits(samples) if dtype == np.uint8 else samples.astype(np.uint16) * np.uint16(257)


def to_8_bits(samples: NDArray[Any]) -> NDArray[Any]:
    """uint16 samples rounded to uint8 (uint8 as it is); a code of 257 k becomes k exactly."""
    return samples if samples.dtype == np.uint8 else EIGHT_BITS[samples]
