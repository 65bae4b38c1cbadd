"""Planes of a coloured frame at full size, from chroma at the model's size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color import Codes, Float
from ..color.planes import chroma_planes, is_in_color, working_L
from ..color.tones import Tones
from ..container.encoders import Encoding
from ..container.frame_planes import chroma, luma
from ..container.video_reader import VideoReader
from .segment_file import SegmentWriter

Ab = NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Colored:
    """A frame and its colour."""

    frame: Any  # of `VideoReader.frames`
    L: Float  # ``(h, w)`` float32, at the working size
    # ``(2, h, w)``. What float16 rounds off, 0.03 at most, is far below a step of Cb and Cr, and it
    # halves what waits in memory and what travels to other machines.
    ab: Ab
    kept: bool = False  # whether the frame's own colours stay


class Painter:
    """Looks at frames at the working size, and writes them with their colours.

    Args:
        video: the film.
        encoding: of the result.
        size: ``(h, w)``, the working size.
        wide: before and after side by side.

    Attributes:
        size: ``(h, w)``, the working size.
    """

    def __init__(
        self, video: VideoReader, encoding: Encoding, size: tuple[int, int], wide: bool
    ) -> None:
        self.size, self._wide = size, wide
        tags = video.tags
        self._tones = Tones.from_tags(
            tags.matrix,
            tags.range,
            tags.transfer,
            height=video.shape[0],
            depth=video.depth,
            name=str(video.path),
        )
        self._chroma = encoding.chroma_shape(video)
        self._wide_chroma = encoding.chroma_shape(video, wide=True)

    def look(self, frame: Any) -> Float:
        """L of a frame at the working size, ``(h, w)`` float32."""
        return working_L(luma(frame), self.size, self._tones)

    def grey(self, frame: Any) -> Codes:
        """A frame's Y' as grey sRGB codes, ``(H, W)`` uint8."""
        light = (luma(frame).astype(np.float32) - self._tones.black) / self._tones.luma_range
        return np.rint(np.clip(light, 0, 1) * 255).astype(np.uint8)

    def in_color(self, frame: Any) -> bool:
        """Whether a frame has colours of its own."""
        return is_in_color(chroma(frame), self._tones.depth)

    def write(self, writer: SegmentWriter, item: Colored) -> None:
        """Encode one frame."""
        writer.write(*self._planes(item), pts_of(item.frame))

    def _planes(self, item: Colored) -> tuple[Codes, Codes, Codes]:
        Y = luma(item.frame)
        ab = item.ab.astype(np.float32)
        own = chroma(item.frame) if item.kept else None
        if own is None:
            cb, cr = chroma_planes(Y, item.L, ab, self._chroma, self._tones)
        else:
            cb, cr = (at_size(plane, self._chroma) for plane in own)
        if not self._wide:
            return Y, cb, cr
        grey = np.full_like(cb, self._tones.neutral)
        # Of an odd width the middle column of Cb and Cr belongs to both pictures.
        left = self._wide_chroma[1] - cb.shape[1]
        cb, cr = (np.hstack([grey[:, :left], plane]) for plane in (cb, cr))
        return np.hstack([Y, Y]), cb, cr


def at_size(plane: Codes, shape: tuple[int, int]) -> Codes:
    """A plane of Cb or Cr at another size, by area."""
    import cv2

    if plane.shape == shape:
        return plane
    return np.asarray(cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_AREA))


def pts_of(frame: Any) -> int:
    """When a frame of `VideoReader.frames`, which gives a time to each, is shown."""
    assert frame.pts is not None
    return int(frame.pts)
