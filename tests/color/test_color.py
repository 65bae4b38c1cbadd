"""sRGB <-> CIELAB, and the grey of a toned picture."""

import numpy as np
import pytest

from photochrom.color import lab_to_srgb, lightness, neutral, recombine, srgb_to_lab
from photochrom.color.srgb import decode
from photochrom.errors import ArgumentError
from tests.helpers.srgb_formulas import DEPTHS, ROUNDING, Y_WEIGHTS, Array, light


def f(t: Array) -> Array:
    return np.where(t > (6 / 29) ** 3, np.cbrt(t), t * (29 / 6) ** 2 / 3 + 4 / 29)


def cube(steps: int) -> Array:
    axis = np.linspace(0, 255, steps).round().astype(np.uint8)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)


# --- conversion --------------------------------------------------------------------------------


def test_weights_of_y_follow_from_the_primaries() -> None:
    xy = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])
    columns = np.stack([xy[:, 0], xy[:, 1], 1 - xy.sum(1)]) / xy[:, 1]
    white = np.array([0.3127, 0.3290, 1 - 0.3127 - 0.3290]) / 0.3290
    np.testing.assert_allclose(np.linalg.solve(columns, white), Y_WEIGHTS, atol=1e-8)


def test_lab_is_that_of_an_independent_library() -> None:
    """scikit-image rounds its matrix to six places, which makes up to 0.015 of a and b."""
    color = pytest.importorskip("skimage.color", reason="needs scikit-image (group dev)")
    rgb = cube(33)
    np.testing.assert_allclose(srgb_to_lab(rgb), color.rgb2lab(rgb), atol=0.02)


def test_lab_of_known_colours() -> None:
    """White, black and red."""
    lab = srgb_to_lab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]], np.uint8))
    np.testing.assert_allclose(lab[:2], [[100, 0, 0], [0, 0, 0]], atol=1e-4)
    np.testing.assert_allclose(lab[2], [53.24, 80.09, 67.20], atol=0.01)


def test_floats_are_the_same_colours_as_codes() -> None:
    rgb = cube(17)
    expected = srgb_to_lab(rgb)
    np.testing.assert_allclose(srgb_to_lab(rgb / 255), expected, atol=2e-3)
    np.testing.assert_allclose(srgb_to_lab((rgb / 255).astype(np.float32)), expected, atol=2e-3)
    np.testing.assert_allclose(srgb_to_lab(rgb.astype(np.uint16) * 257), expected, atol=1e-4)


def test_bytes_come_back_exactly() -> None:
    rgb = np.concatenate([cube(33), np.random.default_rng(1).integers(0, 256, (100_000, 3))])
    rgb = rgb.astype(np.uint8)
    np.testing.assert_array_equal(lab_to_srgb(srgb_to_lab(rgb)), rgb)


def test_16_bits_come_back_within_a_code() -> None:
    rgb = np.random.default_rng(2).integers(0, 65536, (100_000, 3)).astype(np.uint16)
    again = lab_to_srgb(srgb_to_lab(rgb), np.uint16)
    assert again.dtype == np.uint16
    assert np.abs(again.astype(int) - rgb).max() <= 1


def test_floats_come_back() -> None:
    rgb = np.random.default_rng(3).random((10_000, 3)).astype(np.float32)
    again = lab_to_srgb(srgb_to_lab(rgb), np.float32)
    assert again.dtype == np.float32
    np.testing.assert_allclose(light(again), light(rgb), atol=2 * ROUNDING)


@pytest.mark.parametrize("shape", [(3,), (0, 3), (2, 0, 3), (2, 5, 3)])
def test_any_shape_that_ends_in_three(shape: tuple[int, ...]) -> None:
    rgb = np.full(shape, 100, np.uint8)
    assert srgb_to_lab(rgb).shape == shape
    np.testing.assert_array_equal(lab_to_srgb(srgb_to_lab(rgb)), rgb)


def test_lightness_beyond_its_range_is_clipped() -> None:
    lab = np.array([[-5, 0, 0], [-5, 40, 40], [120, 0, 0], [120, -60, 60]], np.float32)
    np.testing.assert_array_equal(lab_to_srgb(lab), [[0] * 3, [0] * 3, [255] * 3, [255] * 3])


def test_lightness_is_the_l_of_lab() -> None:
    for depth in DEPTHS:
        codes = np.arange(np.iinfo(depth).max + 1, dtype=depth)
        L = lightness(codes)
        np.testing.assert_allclose(L, 116 * f(light(codes / codes.max())) - 16, atol=2e-5)
        np.testing.assert_allclose(lightness(codes / codes.max()), L, atol=2e-5)
        np.testing.assert_allclose(srgb_to_lab(np.stack([codes] * 3, -1))[:, 0], L, atol=5e-4)


# --- the grey of a toned picture ---------------------------------------------------------------


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_grey_of_a_toned_picture_has_its_lightness(depth: type) -> None:
    rng, top = np.random.default_rng(11), np.iinfo(depth).max
    tone = np.array([1.0, 0.86, 0.68])  # sepia
    rgb = (rng.integers(0, top + 1, (300, 400, 1)) * tone).astype(depth)
    grey = neutral(rgb)
    assert grey.dtype == np.uint16
    y = light(rgb / top) @ Y_WEIGHTS
    low, high = (light((grey.astype(float) + side) / 65535) for side in (-0.51, 0.51))
    assert (low - 1e-7 <= y).all()
    assert (y <= high + 1e-7).all()


def test_one_toned_pixel_makes_the_grey_16_bits() -> None:
    rgb = np.full((4, 4, 3), 77, np.uint8)
    assert neutral(rgb).dtype == np.uint8
    rgb[2, 3] = 77, 76, 77
    grey = neutral(rgb)
    assert grey.dtype == np.uint16
    assert (grey[0] == 77 * 257).all()
    assert 76 * 257 < grey[2, 3] < 77 * 257


# --- mistakes ----------------------------------------------------------------------------------

ZERO = np.zeros((2, 4, 5), np.float32)
MISTAKES = {
    "decode whole numbers": lambda: decode(np.zeros(3, int)),
    "srgb_to_lab grey": lambda: srgb_to_lab(np.zeros((4, 5), np.uint8)),
    "srgb_to_lab one number": lambda: srgb_to_lab(np.uint8(3)),
    "srgb_to_lab booleans": lambda: srgb_to_lab(np.zeros((4, 3), bool)),
    "lab_to_srgb two planes": lambda: lab_to_srgb(np.zeros((4, 2), np.float32)),
    "lab_to_srgb to int32": lambda: lab_to_srgb(np.zeros((4, 3), np.float32), np.int32),  # type: ignore[arg-type]
    "lightness int64": lambda: lightness(np.zeros((4, 5), np.int64)),
    "neutral alpha": lambda: neutral(np.zeros((4, 5, 4), np.uint8)),
    "neutral grey": lambda: neutral(np.zeros((4, 5), np.uint8)),
    "neutral floats": lambda: neutral(np.zeros((4, 5, 3), np.float32)),
    "recombine floats": lambda: recombine(np.zeros((4, 5), np.float32), ZERO),
    "recombine sizes": lambda: recombine(np.zeros((5, 4), np.uint8), ZERO),
    "recombine planes last": lambda: recombine(
        np.zeros((4, 5), np.uint8), np.zeros((4, 5, 2), np.float32)
    ),
    "recombine to int16": lambda: recombine(np.zeros((4, 5), np.uint8), ZERO, np.int16),  # type: ignore[arg-type]
    "recombine into too little": lambda: recombine(
        np.zeros((4, 5), np.uint8), ZERO, out=np.zeros((4, 4, 3), np.uint8)
    ),
    "recombine into gaps": lambda: recombine(
        np.zeros((4, 5), np.uint8), ZERO, out=np.zeros((4, 10, 3), np.uint8)[:, ::2]
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_refused(mistake: str) -> None:
    with pytest.raises(ArgumentError, match=r"expected .*, got ."):
        MISTAKES[mistake]()
