"""The recombination that keeps lightness, and colours outside the gamut, which give up chroma."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from photochrom.color import (
    BLOCK,
    grey_of,
    keep_grey,
    lab_to_srgb,
    neutral,
    recombine,
    srgb_to_lab,
)
from tests.helpers.srgb_formulas import DEPTHS, ROUNDING, Y_WEIGHTS, Array, light


def angle(ab: Array, other: Array) -> Array:
    """Degrees between colours, ``(..., 2)``."""
    first, second = (x[..., 0] + 1j * x[..., 1] for x in (ab, other))
    return np.degrees(np.abs(np.angle(first / second)))


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
