"""Single frames of a film as pictures."""

from __future__ import annotations

from pathlib import Path

from PIL import Image


def write_still(film: Path, target: Path, seconds: float) -> None:
    """Write a frame of a film as a PNG file.

    Args:
        film: of any kind that FFmpeg reads.
        target: replaced.
        seconds: from the start; the next frame is taken, or the first if there is none.

    Raises:
        VideoError: the film cannot be read.
        MissingExtraError: PyAV is not installed.
    """
    from ...video.container.video_reader import VideoReader

    with VideoReader(film) as video:
        frame = next(video.frames(video.pts_at(seconds)), None) or next(video.frames())
        rgb = frame.to_ndarray(format="rgb24")
    Image.fromarray(rgb).save(target, "PNG", compress_level=1)


def duration(film: Path) -> float:
    """Seconds that a film lasts; 0 if it does not say.

    Raises:
        VideoError: the film cannot be read.
        MissingExtraError: PyAV is not installed.
    """
    from ...video.container.video_reader import VideoReader

    with VideoReader(film) as video:
        return float(video.duration or 0)
