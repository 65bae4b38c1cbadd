"""Tones of a film: what the numbers of its tags mean, and which films are refused."""

from __future__ import annotations

import pytest

from photochrom.errors import ArgumentError, VideoError
from photochrom.video.color.tones import Tones


@pytest.mark.parametrize(
    ("space", "height", "matrix"),
    [
        (1, 480, "bt709"),
        (2, 719, "bt601"),
        (2, 720, "bt709"),
        (4, 1080, "fcc"),
        (5, 1080, "bt601"),
        (6, 1080, "bt601"),
        (7, 480, "smpte240m"),
        (9, 480, "bt2020nc"),
    ],
)
def test_the_matrix_of_ffmpegs_numbers(space: int, height: int, matrix: str) -> None:
    tags = {0: False, 1: False, 2: True}
    for color_range, full in tags.items():
        tones = Tones.from_tags(space, color_range, 2, height=height, depth=10)
        assert tones == Tones(matrix, full, 10)


def test_the_numbers_are_those_of_pyav() -> None:
    reformatter = pytest.importorskip("av.video.reformatter", reason="needs PyAV (extra video)")
    assert reformatter.ColorRange.JPEG == 2
    assert reformatter.ColorTrc.SMPTE2084 == 16
    assert reformatter.ColorTrc.LINEAR == 8
    assert reformatter.ColorTrc.SMPTE428 == 17


@pytest.mark.parametrize(("space", "transfer"), [(0, 2), (8, 1), (10, 1), (14, 1), (9, 16), (1, 8)])
def test_films_that_are_refused(space: int, transfer: int) -> None:
    with pytest.raises(VideoError, match="cannot be coloured as it is"):
        Tones.from_tags(space, 1, transfer, height=1080, depth=10)


@pytest.mark.parametrize(("matrix", "depth"), [("rgb", 8), ("bt709", 9), ("bt709", 16)])
def test_tones_that_are_none(matrix: str, depth: int) -> None:
    with pytest.raises(ArgumentError, match="a film's tones"):
        Tones(matrix, False, depth)


def test_code_ranges() -> None:
    limited, full = Tones("bt709", False, 10), Tones("bt709", True, 8)
    assert (limited.black, limited.luma_range, limited.neutral) == (64, 876, 512)
    assert (limited.chroma_range, full.chroma_range) == (896, 255)
    assert (full.black, full.luma_range, full.neutral) == (0, 255, 128)
