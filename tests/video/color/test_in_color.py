"""Frames that are in colour already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom import Colorizer, VideoOptions, colorize_video
from photochrom.video.color.planes import is_in_color
from tests.helpers.film_scenes import planes_of, seen, texture
from tests.helpers.tiny_models import photochrom
from tests.helpers.video_files import av

Array = NDArray[Any]
SHAPE = 24, 32


def planes(cb: Any, cr: Any, noise: float = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    both = [np.zeros(SHAPE) + plane + noise * rng.standard_normal(SHAPE) for plane in (cb, cr)]
    return both[0].round().astype(np.uint8), both[1].round().astype(np.uint8)


def test_what_counts_as_colour() -> None:
    x = np.linspace(0, 1, SHAPE[1])
    assert not is_in_color(None, 8)
    assert not is_in_color(planes(128, 128), 8)
    assert not is_in_color(planes(128, 128, noise=2), 8)  # a tape's
    assert not is_in_color(planes(128 - 14 * x, 128 + 10 * x), 8)  # sepia
    assert is_in_color(planes(128 + 30 * np.sin(9 * x), 128 + 20 * np.cos(5 * x)), 8)
    title = np.where(np.arange(SHAPE[1]) < 4, 60, 0)
    assert is_in_color(planes(128, 128 + title), 8)  # one red word
    deep = tuple(plane.astype(np.uint16) * 4 for plane in planes(128, 128 + title))
    assert is_in_color(deep, 10)  # type: ignore[arg-type]


@pytest.mark.parametrize("in_color", ["keep", "recolor"])
def test_a_coloured_part_is_kept(tmp_path: Path, in_color: str) -> None:
    model = photochrom(tmp_path / "tiny.onnx", hints=True)
    film = tmp_path / "a.mkv"
    scene, x = texture(80, 140), np.linspace(0, 6, 32)
    hues = [128 + 40 * np.sin(x), 128 + 40 * np.cos(x)]
    with av.open(str(film), "w") as output:
        stream = output.add_stream("ffv1", 25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for number in range(30):
            frame = av.VideoFrame(64, 48, "yuv420p")
            values = [
                16 + 2.19 * seen(scene, 5, 5, 48, 64),
                *(hues if number >= 15 else (128, 128)),
            ]
            for plane, codes in zip(frame.planes, values, strict=True):
                rows = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)
                rows[:, : plane.width] = np.round(codes)
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    options = VideoOptions(codec="ffv1", in_color=in_color)
    made = colorize_video(
        film, tmp_path / "b.mkv", video_options=options, colorizer=Colorizer(model, threads=1)
    )
    assert made.kept == (15 if in_color == "keep" else 0)
    with av.open(str(film)) as one, av.open(str(tmp_path / "b.mkv")) as other:
        for number, pair in enumerate(zip(one.decode(video=0), other.decode(video=0), strict=True)):
            before, after = map(planes_of, pair)
            np.testing.assert_array_equal(before[0], after[0])
            same = all(np.array_equal(before[i], after[i]) for i in (1, 2))
            assert same == (in_color == "keep" and number >= 15)
