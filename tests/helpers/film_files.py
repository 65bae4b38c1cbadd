"""Small films for the tests of the evaluation, written with PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

av = pytest.importorskip("av", reason="reads and writes films with PyAV (extra video)")

Array = NDArray[Any]


def colour_frames(count: int = 8, height: int = 48, width: int = 64) -> list[Array]:
    """A pattern of colours that moves, one pixel a frame."""
    y, x = np.mgrid[:height, : width + count]
    big = np.stack([3 * x % 200, 5 * y % 256, (2 * x + 3 * y) % 256], -1).astype(np.uint8)
    return [np.ascontiguousarray(big[:, t : t + width]) for t in range(count)]


def write_film(path: Path, frames: Sequence[Array]) -> Path:
    """A film without loss, in FFV1 and RGB."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for rgb in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_planes(path: Path, shape: tuple[int, int], codes: Array, matrix: int | None) -> Path:
    """A film of one frame: Y', Cb, Cr of flat stripes, ``(3, n)``, by a matrix of FFmpeg's."""
    height, width = shape
    planes = np.repeat(codes.astype(np.uint8), width // codes.shape[1], axis=1)
    picture = np.repeat(planes[:, None], height, axis=1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv444p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "yuv444p")
        if matrix is not None:
            stream.codec_context.colorspace = matrix
            frame.colorspace = matrix
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """A file with sound alone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
