"""Colour photographs and tinted prints, told from the tones of prints."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import Picture, open_picture
from photochrom.picture import is_in_color
from photochrom.picture.comparison import WIDTH, before_after
from tests.helpers.grey_jpegs import scene
from tests.helpers.picture_files import colour

TONES = {
    "neutral": (1.0, 1.0, 1.0, 0.0),
    "sepia": (0.8, 0.95, 1.2, 0.0),
    "cyanotype": (1.5, 1.1, 0.8, 0.0),
    "split toned": (1.0, 1.0, 1.0, 0.06),
}


def print_of(tone: str) -> NDArray[np.uint8]:
    grey = scene(320, 240) / 255
    *powers, split = TONES[tone]
    planes = [grey**power for power in powers]
    planes[0] = planes[0] + split * (grey - 0.5)
    planes[2] = planes[2] - split * (grey - 0.5)
    return np.clip(np.dstack(planes) * 255, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("quality", [None, 90, 60])
def test_the_tone_of_a_print_is_no_colour(tone: str, quality: int | None) -> None:
    assert not is_in_color(saved(print_of(tone), quality))


def saved(rgb: NDArray[np.uint8], quality: int | None) -> Picture:
    if quality is None:
        return Picture(rgb)
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality)
    return open_picture(file.getvalue())


@pytest.mark.parametrize("tone", ["neutral", "sepia"])
@pytest.mark.parametrize("quality", [None, 90])
def test_a_hand_tinted_print_is_in_colour(tone: str, quality: int | None) -> None:
    rgb = print_of(tone).astype(float)
    rgb[100:140, 60:100] *= [1.15, 0.8, 0.8]  # 2 % of the area
    assert is_in_color(saved(np.clip(rgb, 0, 255).astype(np.uint8), quality))


def test_a_colour_photograph_is_in_colour() -> None:
    assert is_in_color(Picture(colour()))
    assert is_in_color(Picture(colour("uint16")))
    assert not is_in_color(Picture(scene(90, 61)))


@pytest.mark.parametrize(("width", "height"), [(300, 200), (900, 100), (5000, 60), (40, 900)])
def test_before_and_after(width: int, height: int) -> None:
    before = np.full((height, width, 3), [200, 150, 100], np.uint8)
    both = before_after(before, before // 2).pixels
    panorama = width >= 2 * height
    scale = min(1, (WIDTH if panorama else (WIDTH - 6) // 2) / width)
    columns, rows = round(width * scale), round(height * scale)
    expected = (2 * rows + 6, columns) if panorama else (rows, 2 * columns + 6)
    assert np.abs(np.array(both.shape[:2]) - expected).max() <= 1
    np.testing.assert_array_equal(both[0, 0], [200, 150, 100])
    np.testing.assert_array_equal(both[-1, -1], [100, 75, 50])
