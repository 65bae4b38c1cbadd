"""The luma of a grey JPEG, kept beside its picture so that the coloured result can copy it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...color import Codes
from ...color.srgb_curve import decode_formula
from ..samples import upright
from .segments import GreyJpeg

if TYPE_CHECKING:
    from .coefficients import ColorJpeg


@dataclass(frozen=True, eq=False)
class JpegLuma:
    """The Y' of a grey JPEG, in the file's own bytes.

    Its pixels cannot be turned: planes given and taken here are upright, and `orientation` says
    how the file's are stored.

    Attributes:
        file: the source; of one with colour components, the luma.
        orientation: 1...8, as in EXIF.
        tones: sRGB code, uint16, of each of the 256 codes of Y'; None: they are sRGB codes.
        curve: linear light of each code, for `luma.chroma_codes`; None: sRGB's.
        profile: an RGB profile with this curve, for the result; None: sRGB.
        fail_on: how strict libvips is to be with the file.
        chroma: gives Cb and Cr, ``(H', W')`` uint8 of the size of `half`; None before colouring.
    """

    file: GreyJpeg | ColorJpeg
    orientation: int = 1
    tones: Codes | None = None
    curve: bytes | None = None
    profile: bytes | None = None
    fail_on: str = "error"
    chroma: Callable[[], tuple[Codes, Codes]] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, upright."""
        height, width = self.file.height, self.file.width
        return (width, height) if self.orientation > 4 else (height, width)

    @cached_property
    def half(self) -> Codes:
        """Codes of Y' at half size, rounded up: what each pixel of Cb and Cr lies under; upright.

        Raises:
            pyvips.Error: the scans are damaged.
        """
        return upright(self.file.decode_half(self.fail_on), self.orientation)

    def full(self) -> Codes:
        """Codes of Y'; as `half`."""
        return upright(self.file.decode(self.fail_on), self.orientation)

    def grey(self, luma: Codes) -> Codes:
        """sRGB grey codes of codes of Y': uint8, or uint16 where the file has its own tones."""
        return luma if self.tones is None else self.tones[luma]

    def with_chroma(self, chroma: Callable[[], tuple[Codes, Codes]]) -> JpegLuma:
        """This luma with colour."""
        return replace(self, chroma=chroma)


def linear_curve(tones: Codes) -> bytes:
    """Linear light of sRGB codes, as `luma.chroma_codes` takes it."""
    linear = decode_formula(tones / np.float64(65535))
    return np.maximum.accumulate(linear).astype(np.float32).tobytes()
