"""Between R'G'B' and Y'CbCr once more, in float64 and from ITU-T H.273, to check results by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from photochrom.color import Codes
from photochrom.color.luma import WEIGHTS
from photochrom.video.color.tones import Tones


def luma_chroma(rgb: NDArray[np.float64], matrix: str) -> NDArray[np.float64]:
    """Y' 0...1, Cb and Cr -0.5...0.5 of R'G'B' 0...1, ``(..., 3)``: H.273."""
    red, blue = WEIGHTS[matrix]
    luma = rgb @ [red, 1 - red - blue, blue]
    cb = (rgb[..., 2] - luma) / (2 * (1 - blue))
    return np.stack([luma, cb, (rgb[..., 0] - luma) / (2 * (1 - red))], -1)


def to_rgb(luma: NDArray[np.float64], cb: Codes, cr: Codes, tones: Tones) -> NDArray[np.float64]:
    """R'G'B', beyond 0...1 where the codes say so, of planes of one size."""
    red, blue = WEIGHTS[tones.matrix]
    y = (luma - tones.black) / tones.luma_range
    b = y + (cb.astype(float) - tones.neutral) / tones.chroma_range * 2 * (1 - blue)
    r = y + (cr.astype(float) - tones.neutral) / tones.chroma_range * 2 * (1 - red)
    return np.stack([r, (y - red * r - blue * b) / (1 - red - blue), b], -1)
