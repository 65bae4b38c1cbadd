"""sRGB <-> CIELAB and the recombination that keeps lightness.

`light`, `f` and the weights of Y are written once more here, in float64 and from the standards,
so that the laws are checked by other means than the code's own.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from photochrom.color import (
    BLOCK,
    grey_of,
    keep_grey,
    lab_to_srgb,
    lightness,
    neutral,
    recombine,
    srgb_to_lab,
)
from photochrom.color.srgb import decode
from photochrom.errors import ArgumentError

Array = NDArray[Any]
DEPTHS = [np.uint8, np.uint16]
# Of Y, from the primaries of ITU-R BT.709 and white x = 0.3127, y = 0.3290; see the test below.
Y_WEIGHTS = np.array([0.21263901, 0.71516868, 0.07219232])
ROUNDING = 2e-6  # in linear light: what float32 may cost


def light(encoded: Array) -> Array:
    """Linear light of sRGB values 0...1."""
    encoded = np.asarray(encoded, np.float64)
    curve = ((np.maximum(encoded, 0) + 0.055) / 1.055) ** 2.4
    return np.where(encoded > 0.04045, curve, encoded / 12.92)


def f(t: Array) -> Array:
    return np.where(t > (6 / 29) ** 3, np.cbrt(t), t * (29 / 6) ** 2 / 3 + 4 / 29)


def angle(ab: Array, other: Array) -> Array:
    """Degrees between colours, ``(..., 2)``."""
    first, second = (x[..., 0] + 1j * x[..., 1] for x in (ab, other))
    return np.degrees(np.abs(np.angle(first / second)))


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


# --- recombination -----------------------------------------------------------------------------


@pytest.mark.parametrize("depth", DEPTHS)
def test_zero_chroma_gives_every_grey_back_bit_for_bit(depth: type) -> None:
    codes = np.arange(np.iinfo(depth).max + 1).astype(depth).reshape(16, -1)
    rgb = recombine(codes, np.zeros((2, *codes.shape), np.float32))
    assert rgb.dtype == depth
    for channel in range(3):
        np.testing.assert_array_equal(rgb[..., channel], codes)
    assert neutral(rgb).dtype == depth
    np.testing.assert_array_equal(neutral(rgb), codes)


def test_depth_can_change() -> None:
    codes = np.arange(256, dtype=np.uint8)[None]
    zero = np.zeros((2, 1, 256), np.float32)
    np.testing.assert_array_equal(recombine(codes, zero, np.uint16)[..., 0], codes * np.uint16(257))
    wide = codes * np.uint16(257)
    np.testing.assert_array_equal(recombine(wide, zero, np.uint8)[..., 2], codes)


def assert_lightness_kept(grey: Array, rgb: Array) -> None:
    """L(codes - a half) <= L of the grey <= L(codes + a half): rounding is all that is lost."""
    top = np.iinfo(rgb.dtype).max
    y = light(grey / np.iinfo(grey.dtype).max)
    half, codes = 0.5 + 0.01, rgb.astype(np.float64)
    low, high = (light((codes + side) / top) @ Y_WEIGHTS for side in (-half, half))
    assert (low - ROUNDING <= y).all()
    assert (y <= high + ROUNDING).all()


# float32 with few digits: the hard cases are the ends of the range, not the tails of numbers.
CHROMA = st.one_of(
    st.sampled_from([-128.0, -(2.0**-10), 0.0, 2.0**-10, 128.0]), st.floats(-128, 128, width=16)
)


@st.composite
def pictures(draw: st.DrawFn) -> tuple[Array, Array]:
    depth = draw(st.sampled_from(DEPTHS))
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=5))
    ends = st.sampled_from([0, 1, 2, np.iinfo(depth).max - 1, np.iinfo(depth).max])
    codes = st.one_of(ends, st.integers(0, np.iinfo(depth).max))
    grey = draw(hnp.arrays(depth, shape, elements=codes))
    return grey, draw(hnp.arrays(np.float32, (2, *shape), elements=CHROMA))


@settings(deadline=None, max_examples=300)
@given(pictures())
@example((np.zeros((1, 2), np.uint16), np.full((2, 1, 2), 128, np.float32)))
def test_no_pixel_changes_its_lightness(picture: tuple[Array, Array]) -> None:
    grey, ab = picture
    assert_lightness_kept(grey, recombine(grey, ab))


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("reach", [2, 30, 128, 500])
def test_no_pixel_of_many_changes_its_lightness(depth: type, reach: int) -> None:
    """As above, over more colours than hypothesis would try, half of them very dark."""
    rng, top = np.random.default_rng(reach), np.iinfo(depth).max
    grey = rng.integers(0, top + 1, (200, 500)).astype(depth)
    grey[::2] = rng.integers(0, top // 40, (100, 500))
    ab = rng.uniform(-reach, reach, (2, 200, 500)).astype(np.float32)
    assert_lightness_kept(grey, recombine(grey, ab))


@settings(deadline=None, max_examples=300)
@given(L=st.floats(0, 100, width=32), a=CHROMA, b=CHROMA)
@example(L=np.float32(32.3), a=79.0, b=-107.0)  # blue, beside the gamut's sharpest corner
def test_lab_to_srgb_keeps_hue_and_never_adds_chroma(L: float, a: float, b: float) -> None:
    lab = np.array([L, a, b], np.float32)
    rgb = lab_to_srgb(lab, np.float32)
    assert rgb.min() >= 0
    assert rgb.max() <= 1
    again = srgb_to_lab(rgb)
    asked, given_ = np.hypot(a, b), np.hypot(*again[1:])
    assert abs(again[0] - np.clip(L, 0, 100)) < 3e-3
    assert given_ <= asked + 5e-3
    if given_ > 2:
        assert angle(again[1:], lab[1:]) < 0.1


def test_the_grey_codes_of_16_bits_can_be_had_back_exactly() -> None:
    random = np.random.default_rng(8)
    grey = random.integers(0, 65536, (300, 500)).astype(np.uint16)
    grey[0, :6] = [0, 1, 2, 65533, 65534, 65535]
    ab = random.normal(0, 30, (2, 300, 500)).astype(np.float32)
    rgb = recombine(grey, ab)
    assert (neutral(rgb) != grey).any()
    before = rgb.copy()
    keep_grey(rgb, grey)
    assert np.abs(rgb.astype(int) - before).max() <= 3
    np.testing.assert_array_equal(grey_of(rgb), grey)


def test_hue_is_kept_in_16_bits_and_chroma_never_larger() -> None:
    rng = np.random.default_rng(5)
    grey = rng.integers(0, 65536, (1, 100_000)).astype(np.uint16)
    ab = rng.uniform(-128, 128, (2, 1, 100_000)).astype(np.float32)
    ab *= rng.random(ab.shape[1:], np.float32)
    result, asked = srgb_to_lab(recombine(grey, ab))[0, :, 1:], ab[:, 0].T
    chroma = np.hypot(*result.T)
    assert (chroma <= np.hypot(*asked.T) + 0.005).all()
    assert (chroma > 5).sum() > 50_000
    assert angle(result, asked)[chroma > 5].max() < 0.05


def test_hue_is_kept_in_8_bits_within_quantisation() -> None:
    rng = np.random.default_rng(6)
    grey = rng.integers(0, 256, (1, 100_000)).astype(np.uint8)
    ab = rng.uniform(-128, 128, (2, 1, 100_000)).astype(np.float32)
    result, asked = srgb_to_lab(recombine(grey, ab))[0, :, 1:], ab[:, 0].T
    chroma = np.hypot(*result.T)
    assert (chroma <= np.hypot(*asked.T) + 1).all()
    assert angle(result, asked)[chroma > 20].max() < 3


def test_a_colour_outside_keeps_nearly_all_the_chroma_there_is() -> None:
    """Against bisection to the end, in float64."""
    rng = np.random.default_rng(7)
    L, ab = rng.uniform(0, 100, 50_000), rng.uniform(-128, 128, (2, 50_000))
    fy = (L + 16) / 116
    inverse = np.linalg.inv(_matrix())

    def fits(share: Array) -> Array:
        t = np.stack([fy + share * ab[0] / 500, fy, fy - share * ab[1] / 200])
        rgb = inverse @ np.where(t > 6 / 29, t**3, 3 * (6 / 29) ** 2 * (t - 4 / 29))
        return np.asarray(((rgb > -1e-9) & (rgb < 1 + 1e-9)).all(0))

    inside, outside = np.zeros_like(L), np.ones_like(L)
    for _ in range(40):
        middle = (inside + outside) / 2
        inside, outside = (
            np.where(fits(middle), middle, inside),
            np.where(fits(middle), outside, middle),
        )
    best = np.where(fits(np.ones_like(L)), 1, inside) * np.hypot(*ab)
    got = srgb_to_lab(lab_to_srgb(np.stack([L, *ab], -1).astype(np.float32), np.float32))
    lost = best - np.hypot(got[:, 1], got[:, 2])
    assert (lost <= np.hypot(*ab) / 1024 + 0.005).all()


def _matrix() -> Array:
    """Linear sRGB to XYZ over white."""
    xy = np.array([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]])
    columns = np.stack([xy[:, 0], xy[:, 1], 1 - xy.sum(1)]) / xy[:, 1]
    white = np.array([0.3127, 0.3290, 1 - 0.3127 - 0.3290]) / 0.3290
    return columns * np.linalg.solve(columns, white) / white[:, None]


def test_colours_inside_lose_nothing() -> None:
    rng = np.random.default_rng(8)
    rgb = rng.integers(1000, 64500, (40, 500, 3)).astype(np.uint16)
    ab = np.ascontiguousarray(srgb_to_lab(rgb)[..., 1:].transpose(2, 0, 1))
    again = recombine(neutral(rgb), ab).astype(int)
    # One code from rounding, more where a dark channel is the difference of bright ones.
    assert np.abs(light(again / 65535) - light(rgb / 65535)).max() < 4e-5
    small = rng.integers(0, 256, (40, 500, 3)).astype(np.uint8)
    ab = np.ascontiguousarray(srgb_to_lab(small)[..., 1:].transpose(2, 0, 1))
    inside = (small > 8).all(-1) & (small < 250).all(-1)
    np.testing.assert_array_equal(recombine(neutral(small), ab, np.uint8)[inside], small[inside])


@pytest.mark.parametrize("depth", DEPTHS)
def test_blocks_leave_no_seams(depth: type) -> None:
    """A picture of more than one block is that of its rows, each less than a block."""
    rng = np.random.default_rng(9)
    shape = (3, BLOCK // 2 + 77)
    grey = rng.integers(0, np.iinfo(depth).max + 1, shape).astype(depth)
    ab = rng.uniform(-90, 90, (2, *shape)).astype(np.float32)
    whole = recombine(grey, ab)
    rows = [recombine(grey[i : i + 1], ab[:, i : i + 1]) for i in range(3)]
    np.testing.assert_array_equal(whole, np.concatenate(rows))
    lab = srgb_to_lab(whole)
    toned = neutral(whole)
    np.testing.assert_array_equal(toned, np.concatenate([neutral(row) for row in rows]))
    whole_again = lab_to_srgb(lab)
    np.testing.assert_array_equal(
        whole_again, np.concatenate([lab_to_srgb(lab[i : i + 1]) for i in range(3)])
    )


def test_room_can_be_given() -> None:
    rng = np.random.default_rng(10)
    room = np.zeros((9, 7, 3), np.uint8)
    for top in (2, 0, 5):
        grey = rng.integers(0, 256, (2, 7)).astype(np.uint8)
        ab = rng.uniform(-128, 128, (2, 2, 7)).astype(np.float32)
        part = room[top : top + 2]
        assert recombine(grey, ab, out=part) is part
        np.testing.assert_array_equal(room[top : top + 2], recombine(grey, ab))


def test_pictures_without_pixels() -> None:
    for shape in [(0, 5), (5, 0)]:
        grey = np.zeros(shape, np.uint8)
        assert recombine(grey, np.zeros((2, *shape), np.float32)).shape == (*shape, 3)
        assert neutral(np.zeros((*shape, 3), np.uint8)).shape == shape


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
