"""Arrays of samples: turned, converted between 8 and 16 bits, or computed when they are needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..color import Codes
from ..errors import ArgumentError


class Deferred(NamedTuple):
    """Pixels that are computed when they are first asked for.

    Attributes:
        shape: of what `make` returns.
        dtype: of what `make` returns: uint8 or uint16.
        make: gives ``Picture.pixels``.
    """

    shape: tuple[int, ...]
    dtype: Any
    make: Callable[[], Codes]

    @property
    def ndim(self) -> int:
        """Two for grey, three for RGB."""
        return len(self.shape)


def upright(samples: Codes, orientation: int) -> Codes:
    """``(H, W)`` or ``(H, W, C)`` samples turned as an EXIF orientation of 1...8 demands."""
    if orientation == 1:
        return samples
    if orientation > 4:
        samples = samples.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return np.ascontiguousarray(samples)


def of_type(samples: Codes, dtype: Any) -> Codes:
    """Samples as uint8 or uint16, white staying white."""
    if samples.dtype == dtype:
        return samples
    return to_8_bits(samples) if dtype == np.uint8 else samples.astype(np.uint16) * np.uint16(257)


def to_8_bits(samples: Codes) -> Codes:
    """uint16 samples rounded to uint8 (uint8 as it is); a code of 257 k becomes k exactly."""
    return samples if samples.dtype == np.uint8 else EIGHT_BITS[samples]


EIGHT_BITS = ((np.arange(65536, dtype=np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
"""uint16 code -> uint8 code, rounded."""
EIGHT_BITS.flags.writeable = False


def bad_array(array: Codes, expected: str, got: str | None = None) -> ArgumentError:
    return ArgumentError(
        "the array is no picture",
        expected=expected,
        got=got or f"{array.dtype} {array.shape}",
        fix="pass H x W x channels of sRGB samples",
    )
