"""Colour and display tags of video streams: primaries, matrix, range, rotation, aspect."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from av.buffer import Buffer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

LIMITED, FULL = 1, 2  # AVColorRange
_BT709, _UNSPECIFIED, _SMPTE170M = 1, 2, 6  # AVColorSpace
_HD = 720  # rows from which an untagged film is taken to be BT.709
_NO_MATRIX = {0, _UNSPECIFIED, 3}  # RGB, unspecified, reserved
# Codecs whose grey is limited when they do not say; elsewhere grey means 0...255.
_VIDEO_STANDARDS = {"h264", "hevc", "av1", "libdav1d", "vp8", "vp9", "vvc", "mpeg2video", "mpeg4"}

# Formats with Y' alone in the first plane, the bits at the low end.
_PLANAR = re.compile(r"(?:yuv[aj]?4\d\dp|gray)(?:8|(10|12)le)?|nv(?:12|16|21|24)")


@dataclass(frozen=True)
class Tags:
    """The tags of a film, as FFmpeg's numbers.

    Attributes:
        primaries, transfer: AVColorPrimaries and AVColorTransferCharacteristic; 2 is unspecified.
        matrix: AVColorSpace. Where the film does not say (or is RGB), BT.709 from 720 rows on,
            else BT.601: colour is made for one of them, so the result has to name it.
        range: AVColorRange, 1 (limited) or 2 (full).
        aspect: width to height of one pixel; None where the film does not say.
        display: the display matrix, nine numbers as FFmpeg has them: how a player turns and flips
            the pictures. None if they are shown as they are.
    """

    primaries: int = 2
    transfer: int = 2
    matrix: int = _BT709
    range: int = LIMITED
    aspect: Fraction | None = None
    display: tuple[int, ...] | None = None

    @classmethod
    def of(cls, frame: VideoFrame, stream: VideoStream) -> Tags:
        """The tags of a film, from its first frame."""
        name = frame.format.name
        matrix, color_range = frame.colorspace, frame.color_range
        if matrix in _NO_MATRIX:
            matrix = _BT709 if frame.height >= _HD else _SMPTE170M
        if name.startswith("yuvj"):
            color_range = FULL
        elif is_converted_from_rgb(frame):
            color_range = LIMITED
        elif color_range not in (LIMITED, FULL):
            codec = stream.codec_context.name
            full = is_grey(name) and codec not in _VIDEO_STANDARDS
            color_range = FULL if full else LIMITED
        display = cast("Buffer | None", frame.side_data.get("DISPLAYMATRIX"))
        return cls(
            primaries=frame.color_primaries,
            transfer=frame.color_trc,
            matrix=matrix,
            range=color_range,
            aspect=stream.sample_aspect_ratio or None,
            display=None if display is None else struct.unpack("=9i", bytes(display)),
        )


def is_grey(name: str) -> bool:
    """Whether a pixel format has no colour."""
    return name.startswith(("gray", "ya", "mono"))


def is_converted_from_rgb(frame: VideoFrame) -> bool:
    """Whether a frame's Y' has to be computed from red, green and blue."""
    name = frame.format.name
    return not is_grey(name) and (frame.format.is_rgb or not name.startswith(_YUV))


_YUV = (
    "yuv",
    "uyv",
    "yvyu",
    "nv",
    "p0",
    "p2",
    "p4",
    "y2",
    "v30",
    "v410",
    "ayuv",
    "vuy",
    "vyu",
    "xv",
)


def planar_format(name: str, bits: int) -> tuple[str, int]:
    """The format in which a film's frames are handed out, and its depth.

    Returns:
        `name` itself if Y' can be read from it as it is, else a planar format of 8, 10 or 12 bits
        to convert to; and the bits of its Y'.
    """
    match = _PLANAR.fullmatch(name)
    if match:
        return name, int(match[1] or 8)
    depth = 8 if bits <= 8 else 10 if bits <= 10 else 12
    return ("gray" if is_grey(name) else "yuv420p") + ("" if depth == 8 else f"{depth}le"), depth
