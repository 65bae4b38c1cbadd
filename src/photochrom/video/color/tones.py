"""Code ranges, matrices and transfer curves of the planes of a film.

Treated alike: the primaries of PAL, NTSC and BT.709; every transfer curve (HLG too) and sRGB's.
The matrix of BT.2020 means its primaries. PQ and other curves far from sRGB's are refused, for
there equal steps of Y' are nowhere near equal steps of L.

Matrix coefficients, code ranges and FFmpeg's numbers: ITU-T H.273, tables 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...color.luma import WEIGHTS
from ...errors import ArgumentError, VideoError

_SPACES = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020nc"}
_UNSPECIFIED = 2
_HD = 720  # rows from which an untagged film is taken to be BT.709
_FULL = 2  # AVCOL_RANGE_JPEG
_CURVES = {8: "linear light", 9: "log", 10: "log", 16: "PQ (HDR10)", 17: "SMPTE 428-1"}


@dataclass(frozen=True)
class Tones:
    """What the numbers in a film's Y'CbCr planes mean.

    Raises:
        ArgumentError: `matrix` or `depth` is another.
    """

    matrix: str = "bt709"  # ``bt709``, ``bt601``, ``bt2020nc``, ``smpte240m`` or ``fcc``
    # codes from 0 to the top, not 16...235 and 16...240 (times 2^(depth - 8))
    full_range: bool = False
    depth: int = 8  # bits per value: 8 (in uint8), 10 or 12 (in the low bits of uint16)

    def __post_init__(self) -> None:
        if self.matrix not in WEIGHTS or self.depth not in (8, 10, 12):
            raise ArgumentError(
                "a film's tones",
                expected=f"one of {', '.join(WEIGHTS)} with 8, 10 or 12 bits",
                got=f"{self.matrix} with {self.depth} bits",
                fix="convert the film first",
            )

    @classmethod
    def from_tags(
        cls,
        space: int,
        color_range: int,
        transfer: int,
        *,
        height: int,
        depth: int,
        name: str = "the film",
    ) -> Tones:
        """From FFmpeg's numbers, as a PyAV frame gives them.

        Args:
            space: AVColorSpace; 2 (unspecified) is BT.709 from 720 rows on, else BT.601.
            color_range: AVColorRange; unspecified is limited.
            transfer: AVColorTransferCharacteristic.
            height: rows of the frame.
            depth: bits per value.
            name: of the film, for messages.

        Raises:
            VideoError: Y' of such a film is no grey picture, or its curve is far from sRGB's.
            ArgumentError: `depth` is not 8, 10 or 12.
        """
        if transfer in _CURVES:
            raise _foreign(name, "a transfer curve for ordinary screens", _CURVES[transfer])
        if space == _UNSPECIFIED:
            return cls("bt709" if height >= _HD else "bt601", color_range == _FULL, depth)
        if space not in _SPACES:
            raise _foreign(
                name, "a Y'CbCr matrix of BT.709, 601 or 2020", f"FFmpeg's number {space}"
            )
        return cls(_SPACES[space], color_range == _FULL, depth)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the planes."""
        return np.dtype(np.uint8 if self.depth == 8 else np.uint16)

    @property
    def black(self) -> int:
        """Y' code of black."""
        return 0 if self.full_range else 16 << (self.depth - 8)

    @property
    def luma_range(self) -> int:
        """Codes from black to white."""
        return (1 << self.depth) - 1 if self.full_range else 219 << (self.depth - 8)

    @property
    def neutral(self) -> int:
        """Cb and Cr code of grey."""
        return 1 << (self.depth - 1)

    @property
    def chroma_range(self) -> int:
        """Codes from the lowest to the highest Cb or Cr."""
        return (1 << self.depth) - 1 if self.full_range else 224 << (self.depth - 8)


def _foreign(name: str, expected: str, got: str) -> VideoError:
    return VideoError(
        f"{name} cannot be coloured as it is",
        expected=expected,
        got=got,
        fix="convert it first: ffmpeg -i IN -vf zscale=t=linear:npl=100,tonemap=hable,"
        "zscale=p=bt709:t=bt709:m=bt709:r=tv,format=yuv420p -crf 12 -c:a copy OUT.mkv",
    )
