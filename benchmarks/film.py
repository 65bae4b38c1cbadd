"""A grey film to measure on: photographs seen by a moving camera, with cuts, grain and sound.

    python -m benchmarks.film TARGET.mp4 WIDTH HEIGHT SECONDS

H.264 in MP4. Needs scikit-image (group ``dev``) and the extra ``video``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from skimage import data

from photochrom._io import replacing

RATE = 24
SHOT = 2.5  # seconds
GRAIN = 3  # standard deviation in codes, of specks two or three pixels wide
# The camera in each shot: part of the picture that is seen, its place on the diagonal, both from
# and to, and whether something flies by.
CAMERA = (
    (0.90, 0.65, 0.5, 0.5, False),  # zoom
    (0.80, 0.80, 0.1, 0.9, False),  # pan
    (0.80, 0.80, 0.5, 0.5, True),  # at rest
    (0.90, 0.70, 1.0, 0.0, True),  # all at once
)


def make_film(target: Path, size: tuple[int, int], seconds: float) -> None:
    """Write the film; `size`: width and height, even."""
    hum = np.sin(np.arange(48000 // RATE) * 2 * np.pi * 240 / 48000, dtype=np.float32) / 8
    with replacing(target) as temporary, av.open(str(temporary), "w", "mp4") as output:
        options = {"crf": "18", "preset": "veryfast"}
        pictures = output.add_stream("libx264", RATE, options=options, pix_fmt="yuv420p")
        pictures.width, pictures.height = size
        sound = output.add_stream("aac", 48000, layout="stereo")
        neutral = np.full((size[1] // 2, size[0]), 128, np.uint8)
        for number, Y in enumerate(_views(size, round(seconds * RATE))):
            frame = av.VideoFrame.from_ndarray(np.vstack([Y, neutral]), "yuv420p")
            frame.pts = number
            output.mux(pictures.encode(frame))
            samples = av.AudioFrame.from_ndarray(np.stack([hum, hum]), "fltp", "stereo")
            samples.sample_rate, samples.pts = 48000, number * len(hum)
            output.mux(sound.encode(samples))
        output.mux(pictures.encode(None))
        output.mux(sound.encode(None))


def _views(size: tuple[int, int], count: int) -> Iterator[Any]:
    """Y' of the frames: in each shot the camera looks at another photograph."""
    width, height = size
    photographs = [
        cv2.cvtColor(picture(), cv2.COLOR_RGB2GRAY)
        for picture in (data.astronaut, data.coffee, data.chelsea, data.rocket)
    ]
    rng = np.random.default_rng(0)
    specks = rng.normal(0, 1, (height + 256, width + 256)).astype(np.float32)
    specks = cv2.GaussianBlur(specks, (5, 5), 1)
    specks *= GRAIN / specks.std()
    limited = np.rint(16 + np.arange(256) * 219 / 255).astype(np.uint8)
    piece = np.zeros((height, width), np.float32)
    cv2.ellipse(piece, (width // 2, height // 2), (width // 9, height // 5), 0, 0, 360, 1.0, -1)
    for number in range(count):
        t = number / RATE / SHOT
        shot, t = int(t), t % 1
        one, other = (photographs[(shot + i) % len(photographs)] for i in (0, 1))
        way = (shot + shot // len(photographs)) % len(CAMERA)  # another one each time round
        zoom, last_zoom, place, last_place, flies = CAMERA[way]
        view = _view(one, size, zoom + (last_zoom - zoom) * t, place + (last_place - place) * t)
        if flies:
            across = np.array([[1, 0, (t - 0.5) * width * 0.6], [0, 1, 0]], np.float32)
            seen = cv2.warpAffine(piece, across, size)
            view += seen * (cv2.warpAffine(_view(other, size, 0.5, 0.5), across, size) - view)
        top, left = rng.integers(0, 256, 2)
        view += specks[top : top + height, left : left + width]
        yield limited[np.clip(view, 0, 255).astype(np.uint8)]


def _view(photograph: Any, size: tuple[int, int], zoom: float, place: float) -> Any:
    """A part of a photograph, `zoom` of what fits into it, at `place` on its diagonal."""
    rows, columns = photograph.shape
    scale = zoom * min(columns / size[0], rows / size[1])
    x, y = place * (columns - scale * size[0]), place * (rows - scale * size[1])
    matrix = np.array([[scale, 0, x], [0, scale, y]], np.float32)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(photograph.astype(np.float32), matrix, size, flags=flags)


if __name__ == "__main__":
    make_film(Path(sys.argv[1]), (int(sys.argv[2]), int(sys.argv[3])), float(sys.argv[4]))
