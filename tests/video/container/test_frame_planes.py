"""Luma of frames in every pixel format, and what a film does not say of its tones."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.video.container.frame_planes import luma
from photochrom.video.container.video_reader import VideoReader
from tests.helpers.video_files import FFV1, Recipe, av, make_film, picture

RAW = Recipe(codec="rawvideo", times=tuple(range(0, 4 * 512, 512)))


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        *(("gray", 8), ("gray10le", 10), ("gray12le", 12), ("yuv420p", 8), ("yuv422p", 8)),
        *(("yuv444p", 8), ("yuv440p", 8), ("yuv420p10le", 10), ("yuv422p10le", 10)),
        *(("yuv444p10le", 10), ("yuv420p12le", 12), ("yuv422p12le", 12), ("yuv444p12le", 12)),
        ("yuva420p", 8),
    ],
)
@pytest.mark.parametrize("size", [(48, 64), (45, 61)])
def test_luma_passes_untouched(
    tmp_path: Path, name: str, depth: int, size: tuple[int, int]
) -> None:
    recipe = dataclasses.replace(FFV1, pixel_format=name, size=size, times=(0, 512, 1024))
    with VideoReader(make_film(tmp_path / "a.mkv", recipe)) as clip:
        assert (clip.format, clip.depth, clip.shape) == (name, depth, size)
        for i, frame in enumerate(clip.frames()):
            grey = luma(frame)
            assert grey.dtype == (np.uint8 if depth == 8 else np.uint16)
            assert not grey.flags.writeable
            np.testing.assert_array_equal(grey, picture(recipe, i, depth))


def test_nv12_passes_untouched(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RAW, pixel_format="nv12")
    with VideoReader(make_film(tmp_path / "a.nut", recipe)) as clip:
        assert clip.format == "nv12"
        np.testing.assert_array_equal(luma(next(clip.frames())), picture(recipe, 0, 8))


@pytest.mark.parametrize(
    ("name", "depth", "scale"),
    [("yuv420p9le", 10, 2), ("gray16le", 12, 1 / 16), ("yuv420p16le", 12, 1 / 16)],
)
def test_other_depths_are_converted(tmp_path: Path, name: str, depth: int, scale: float) -> None:
    recipe = dataclasses.replace(FFV1, pixel_format=name, times=(0, 512))
    with VideoReader(make_film(tmp_path / "a.mkv", recipe)) as clip:
        assert (clip.format, clip.depth) == (name, depth)
        bits = {2: 9}.get(int(scale), 16)
        source = picture(recipe, 0, bits) * scale
        assert np.abs(luma(next(clip.frames())) - source).max() <= 1


@pytest.mark.parametrize(("codec", "name"), [("rawvideo", "rgb24"), ("ffv1", "bgr0")])
def test_rgb_is_converted_to_limited_range(tmp_path: Path, codec: str, name: str) -> None:
    recipe = dataclasses.replace(RAW, codec=codec, pixel_format=name)
    with VideoReader(make_film(tmp_path / "a.nut", recipe)) as clip:
        assert (clip.format, clip.depth) == (name, 8)
        assert (clip.tags.matrix, clip.tags.range) == (6, 1)
        wanted = 16 + picture(recipe, 0, 8).astype(float) * 219 / 255
        assert np.abs(luma(next(clip.frames())) - wanted).max() <= 1


@pytest.mark.parametrize("name", ["yuyv422", "uyvy422"])
def test_packed_yuv_keeps_its_luma(tmp_path: Path, name: str) -> None:
    recipe = dataclasses.replace(RAW, pixel_format=name)
    film = make_film(tmp_path / "a.nut", recipe)
    with av.open(str(film)) as source:
        packed = bytes(next(p for p in source.demux(video=0) if p.size))
    first = 0 if name == "yuyv422" else 1
    wanted = np.frombuffer(packed, np.uint8).reshape(48, 128)[:, first::2]
    with VideoReader(film) as clip:
        np.testing.assert_array_equal(luma(next(clip.frames())), wanted)


@pytest.mark.parametrize(
    ("recipe", "matrix", "color_range"),
    [
        (FFV1, 6, 1),
        (dataclasses.replace(FFV1, size=(720, 64), times=(0,)), 1, 1),
        (dataclasses.replace(FFV1, pixel_format="gray"), 6, 2),
        (Recipe(codec="mjpeg", pixel_format="yuvj420p"), 5, 2),
        (Recipe(tags={"colorspace": 9, "color_range": 2}), 9, 2),
    ],
)
def test_what_is_not_said_is_guessed(
    tmp_path: Path, recipe: Recipe, matrix: int, color_range: int
) -> None:
    with VideoReader(make_film(tmp_path / "a.mkv", recipe)) as clip:
        assert (clip.tags.matrix, clip.tags.range) == (matrix, color_range)
