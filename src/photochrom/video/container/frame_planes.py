"""Y', Cb and Cr of decoded frames, as arrays over their memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...color import Codes

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


def luma(frame: VideoFrame) -> Codes:
    """Y' of a frame of `VideoReader.frames`.

    Returns:
        ``(H, W)`` uint8, or uint16 where the film has more than 8 bits. It lies in the frame's own
        memory and is not to be written to.
    """
    plane = frame.planes[0]
    dtype = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    rows: Codes = np.frombuffer(memoryview(plane), dtype).reshape(frame.height, -1)
    rows = rows[:, : frame.width]
    rows.flags.writeable = False
    return rows[::-1] if plane.line_size < 0 else rows


def chroma(frame: VideoFrame) -> tuple[Codes, Codes] | None:
    """Cb and Cr of a frame of `VideoReader.frames`, at their own size; None if it has none."""
    if len(frame.planes) < 2:
        return None
    dtype = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    found = []
    for plane in frame.planes[1:3]:
        rows: Codes = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
        found.append(rows[::-1] if plane.line_size < 0 else rows)
    if len(found) == 1:  # NV12 and its like: Cb and Cr by turns
        both = found[0][:, : 2 * frame.planes[1].width]
        pair = both[:, ::2], both[:, 1::2]
        return pair[::-1] if frame.format.name in ("nv21", "nv42") else pair
    width = frame.planes[1].width
    return found[0][:, :width], found[1][:, :width]
