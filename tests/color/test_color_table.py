"""Colours looked up, against those that are worked out for each pixel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom.color import grey_of, lab_to_srgb, lightness, recombine, srgb_to_lab
from photochrom.color.color_table import _BLOCK, ColorTable, chroma_table, rgb_of
from photochrom.color.luma import chroma_codes

Array = NDArray[Any]


def looked_up(table: ColorTable, grey: Array, ab: Array) -> Array:
    out = np.full((*grey.shape, 3), 77, np.uint8)
    table.recombine(grey, table.places(ab), out)
    return out


def colours(seed: int, reach: float, shape: tuple[int, int] = (200, 500)) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    grey = random.integers(0, 256, shape).astype(np.uint8)
    return grey, random.uniform(-reach, reach, (2, *shape)).astype(np.float32)


def test_zero_chroma_gives_every_grey_back() -> None:
    grey = np.arange(256, dtype=np.uint8)[None]
    for least in (0.0, 0.1, -0.1):  # less chroma than the first level has
        rgb = looked_up(ColorTable(rgb_of), grey, np.full((2, 1, 256), least, np.float32))
        np.testing.assert_array_equal(rgb, np.repeat(grey[..., None], 3, 2))


@pytest.mark.parametrize("reach", [2, 30, 128, 500])
def test_the_difference_cannot_be_seen(reach: int) -> None:
    """Chroma is right within half a level, a sixth of S_C; 8 bits themselves take as much."""
    grey, ab = colours(reach, reach)
    rgb, exact = looked_up(ColorTable(rgb_of), grey, ab), recombine(grey, ab)
    chroma = np.hypot(*srgb_to_lab(exact)[..., 1:].transpose(2, 0, 1))
    off = (srgb_to_lab(rgb) - srgb_to_lab(exact))[..., 1:]
    # Rounding to 8 bits moves very dark colours, and those at sRGB's boundary, further.
    usual = (grey > 60) & (np.abs(ab).max(0) < 128)
    limit = (1 / 6) * np.sqrt(2) * (1 + 0.045 * chroma) + 1.5
    assert (np.hypot(off[..., 0], off[..., 1]) < limit)[usual].mean() > 0.999
    assert np.abs(off[usual]).mean() < 0.7
    assert np.abs(off[usual].mean(0)).max() < 0.05  # no hue is favoured


@pytest.mark.parametrize("reach", [2, 30, 128, 500])
def test_lightness_is_as_exact_as_without_it(reach: int) -> None:
    grey, ab = colours(reach, reach)
    off = [
        np.abs(srgb_to_lab(rgb)[..., 0] - lightness(grey))
        for rgb in (looked_up(ColorTable(rgb_of), grey, ab), recombine(grey, ab))
    ]
    assert off[0].max() <= off[1].max() + 0.02
    assert off[0].mean() <= off[1].mean() + 0.002


def test_hue_is_kept_far_outside_srgb() -> None:
    """Where the chroma is more than any level's, too, as long as a and b are."""
    angles = np.linspace(0, 2 * np.pi, 720, dtype=np.float32)[None]
    grey = np.full(angles.shape, 119, np.uint8)
    ab = 250 * np.stack([np.cos(angles), np.sin(angles)])
    got = srgb_to_lab(looked_up(ColorTable(rgb_of), grey, ab))[..., 1:]
    turned = np.angle((got[..., 0] + 1j * got[..., 1]) * np.exp(-1j * angles), deg=True)
    assert np.abs(turned).max() < 2


@pytest.mark.parametrize("apart", [4, 20])  # so that later blocks have many new colours, or few
def test_a_full_table_gives_what_an_empty_one_does(apart: int) -> None:
    """In one block or many, in any order, and from threads that fill it at the same time."""
    grey, ab = colours(1, 60, (900, 400))
    assert grey.size > 2 * _BLOCK
    ab = np.round(ab / apart) * apart
    whole, warm = looked_up(ColorTable(rgb_of), grey, ab), ColorTable(rgb_of)
    for top in range(0, 900, 100):
        rows = slice(top, top + 100)
        np.testing.assert_array_equal(
            looked_up(ColorTable(rgb_of), grey[rows], ab[:, rows]), whole[rows]
        )
    for top in (200, 0, 700, 200):
        rows = slice(top, top + 100)
        np.testing.assert_array_equal(looked_up(warm, grey[rows], ab[:, rows]), whole[rows])
    shared = ColorTable(rgb_of)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: looked_up(shared, grey, ab), range(16)))
    for rgb in found:
        np.testing.assert_array_equal(rgb, whole)


def test_no_pixels() -> None:
    for shape in [(0, 5), (5, 0)]:
        assert looked_up(ColorTable(rgb_of), *colours(2, 10, shape)).shape == (*shape, 3)


def test_a_colour_comes_out_as_asked() -> None:
    grey = np.full((1, 3), 150, np.uint8)
    ab = np.array([[[40.0, -30, 0]], [[20.0, 35, -25]]], np.float32)
    lab = np.stack([lightness(grey), *ab], -1)
    exact = lab_to_srgb(lab).astype(int)
    assert np.abs(looked_up(ColorTable(rgb_of), grey, ab).astype(int) - exact).max() <= 2


def test_the_grey_codes_can_be_had_back_exactly() -> None:
    grey, ab = colours(5, 120)
    np.testing.assert_array_equal(grey_of(looked_up(ColorTable(rgb_of), grey, ab)), grey)


def test_chroma_of_a_jpeg_is_looked_up_too() -> None:
    grey, ab = colours(6, 40)
    planes = np.zeros((2, *grey.shape), np.uint8)
    table = chroma_table()
    table.recombine(grey, table.places(ab), np.moveaxis(planes, 0, -1))
    exact = chroma_codes(grey.reshape(-1), ab.reshape(2, -1)).reshape(planes.shape)
    assert np.abs(planes.astype(int) - exact).max() <= 3
    assert np.abs(planes.astype(int) - exact).mean() < 0.4
    none = np.zeros((2, *grey.shape), np.float32)
    table.recombine(grey, table.places(none), np.moveaxis(planes, 0, -1))
    assert (planes == 128).all()
