"""Grey goes down by area, chroma comes up along the edges of L."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from photochrom import upsample
from photochrom.color import lightness, neutral, srgb_to_lab
from photochrom.errors import ArgumentError
from photochrom.upsample import GuidedChroma, Pin, shrink

Array = NDArray[Any]
Size = tuple[int, int]


def grey_of(size: Size, seed: int = 1) -> Array:
    return np.random.default_rng(seed).integers(0, 256, size).astype(np.uint8)


def enlarge(planes: Array, size: Size, filter_: Image.Resampling) -> Array:
    return np.stack([np.asarray(Image.fromarray(p).resize(size[::-1], filter_)) for p in planes])


# --- shrink ------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.sampled_from([np.uint8, np.uint16]),
)
@example((300, 4), (256, 4), np.uint8)
@example((7, 7), (7, 3), np.uint16)
def test_shrinking_is_the_mean_over_each_new_pixel(size: Size, small: Size, depth: type) -> None:
    """Each pixel is first repeated as often as there are new ones, so that blocks are whole."""
    small = (min(size[0], small[0]), min(size[1], small[1]))
    top = np.iinfo(depth).max
    grey = np.random.default_rng(1).integers(0, top + 1, size).astype(depth)
    fine = grey.repeat(small[0], 0).repeat(small[1], 1).astype(float)
    means = fine.reshape(small[0], size[0], small[1], size[1]).mean((1, 3))
    L = shrink(grey, *small)
    assert L.dtype == np.float32
    assert L.shape == small
    np.testing.assert_allclose(L, lightness(means / top), atol=2e-3)


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_depths_agree_on_any_size(size: Size, small: Size) -> None:
    grey = grey_of(size)
    L, wide = shrink(grey, *small), shrink(grey * np.uint16(257), *small)
    assert L.shape == wide.shape == small
    np.testing.assert_allclose(L, wide, atol=2e-3)


def test_a_ramp_stays_in_place() -> None:
    """Down one way and up the other, to sizes that divide nothing."""
    grey = np.repeat(np.linspace(0, 65535, 127).astype(np.uint16)[None], 5, 0)
    position = (np.arange(20) + 0.5) * 127 / 20 - 0.5
    L = shrink(grey, 11, 20)
    np.testing.assert_allclose(L, np.tile(lightness(position / 126), (11, 1)), atol=0.05)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (3, 1000), (1000, 3), (7, 7)])
def test_small_and_narrow_pictures(depth: type, size: Size) -> None:
    grey = np.full(size, np.iinfo(depth).max // 3, depth)
    L = shrink(grey, 64, 96)
    assert L.shape == (64, 96)
    np.testing.assert_allclose(L, lightness(grey).max(), atol=0.2)


def test_enlarging_is_smooth_and_in_place() -> None:
    grey = np.array([[0, 255]], np.uint8)
    L = shrink(grey, 4, 16)
    assert (np.diff(L[0]) >= 0).all()
    assert (L[:, 0] == 0).all()
    assert (L[:, -1] > 99.9).all()
    middle = lightness(np.array([0.5], np.float32))
    assert L[0, 7] < middle < L[0, 8]


def test_extremes_stay_in_range() -> None:
    for code in (0, 65535):
        L = shrink(np.full((33, 47), code, np.uint16), 16, 32)
        np.testing.assert_allclose(L, 100 * (code > 0), atol=1e-3)


# --- guided chroma -----------------------------------------------------------------------------

SIZES = [
    # picture, model, grid
    ((64, 96), (32, 48), (8, 12)),
    ((101, 67), (96, 64), (24, 16)),
    ((16, 16), (64, 64), (16, 16)),  # a small picture is enlarged for the model
    ((1, 1), (32, 32), (8, 8)),
    ((1, 5), (32, 64), (8, 16)),
    ((3, 1000), (32, 1024), (8, 256)),
    ((1000, 3), (1024, 32), (256, 8)),
    ((50, 70), (224, 224), (56, 56)),
    ((50, 70), (30, 41), (7, 9)),  # a grid that does not divide
    ((50, 70), (30, 41), (30, 41)),
    ((50, 70), (1, 1), (1, 1)),
    ((50, 70), (2, 1), (1, 1)),
    ((40, 40), (40, 40), (40, 10)),
]


@pytest.mark.parametrize(("shape", "size", "grid"), SIZES)
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_constant_chroma_stays_constant(shape: Size, size: Size, grid: Size, depth: type) -> None:
    grey = np.random.default_rng(2).integers(0, np.iinfo(depth).max + 1, shape).astype(depth)
    ab = np.broadcast_to(np.array([[[70.0]], [[-33.0]]], np.float32), (2, *grid))
    chroma = GuidedChroma(shrink(grey, *size), ab, shape).rows(0, grey)
    assert chroma.shape == (2, *shape)
    assert chroma.dtype == np.float32
    np.testing.assert_allclose(chroma[0], 70, atol=0.01)
    np.testing.assert_allclose(chroma[1], -33, atol=0.01)


@pytest.mark.parametrize(("shape", "size", "grid"), SIZES)
@pytest.mark.parametrize("strip", [1, 7, 64])
def test_strips_are_the_rows_of_the_whole(shape: Size, size: Size, grid: Size, strip: int) -> None:
    grey = grey_of(shape)
    ab = np.random.default_rng(3).normal(0, 30, (2, *grid)).astype(np.float32)
    guided = GuidedChroma(shrink(grey, *size), ab, shape)
    whole, room = guided.rows(0, grey), np.full((2, *shape), np.nan, np.float32)
    for top in range(0, shape[0], strip):
        part = grey[top : top + strip]
        into = room[:, top : top + strip]
        assert guided.rows(top, part, into) is into
    np.testing.assert_array_equal(room, whole)


@pytest.mark.parametrize("size", [(40, 56), (1, 1), (33, 17)])
def test_chroma_at_full_size_is_returned_as_it_is(size: Size) -> None:
    grey = grey_of(size)
    ab = np.random.default_rng(4).normal(0, 30, (2, *size)).astype(np.float32)
    np.testing.assert_allclose(GuidedChroma(lightness(grey), ab, size).rows(0, grey), ab, atol=1e-3)


def test_a_border_of_chroma_follows_the_edge_of_lightness() -> None:
    """Chroma on 1/16 of the size, whose border is off the cells', comes to lie on the edge."""
    edge, size = 74, (128, 128)
    grey = np.full(size, 60, np.uint8)
    grey[:, edge:] = 180
    truth = np.zeros((2, *size), np.float32)
    truth[0, :, :edge] = 50
    ab = enlarge(truth, (8, 8), Image.Resampling.BOX)
    chroma = GuidedChroma(shrink(grey, 32, 32), ab, size).rows(0, grey)
    assert chroma[0, 64, edge - 4] > 40
    assert chroma[0, 64, edge + 3] < 10
    bilinear = enlarge(ab, size, Image.Resampling.BILINEAR)
    assert np.abs(chroma - truth).mean() < 0.3 * np.abs(bilinear - truth).mean()


@pytest.fixture(scope="module")
def astronaut() -> Array:
    data = pytest.importorskip("skimage.data", reason="needs scikit-image (group dev)")
    return np.ascontiguousarray(data.astronaut())


def error(rgb: Array, factor: int) -> tuple[float, float]:
    """Mean distance in ab to the truth: of guided upsampling and of bilinear enlarging."""
    size: Size = rgb.shape[:2]
    truth = np.ascontiguousarray(srgb_to_lab(rgb)[..., 1:].transpose(2, 0, 1))
    grid = (size[0] // factor, size[1] // factor)
    ab, grey = enlarge(truth, grid, Image.Resampling.BOX), neutral(rgb)
    guide = shrink(grey, 4 * grid[0], 4 * grid[1])
    guided = GuidedChroma(guide, ab, size).rows(0, grey)
    bilinear = enlarge(ab, size, Image.Resampling.BILINEAR)
    return tuple(float(np.hypot(*(planes - truth)).mean()) for planes in (guided, bilinear))  # type: ignore[return-value]


@pytest.mark.parametrize(("factor", "ratio"), [(4, 0.95), (16, 0.92)])
def test_a_photographs_chroma_comes_back_better_than_bilinear(
    astronaut: Array, factor: int, ratio: float
) -> None:
    guided, bilinear = error(astronaut, factor)
    assert guided < ratio * bilinear


def test_no_chroma_is_lost_or_invented(astronaut: Array) -> None:
    ab = srgb_to_lab(astronaut)[..., 1:].transpose(2, 0, 1)
    coarse = enlarge(np.ascontiguousarray(ab), (32, 32), Image.Resampling.BOX)
    grey = neutral(astronaut)
    chroma = GuidedChroma(shrink(grey, 128, 128), coarse, (512, 512)).rows(0, grey)
    again = enlarge(chroma, (32, 32), Image.Resampling.BOX)
    assert np.abs(again - coarse).mean() < 0.7
    np.testing.assert_allclose(chroma.mean((1, 2)), coarse.mean((1, 2)), atol=0.2)


@pytest.mark.parametrize(
    ("L", "ab"),
    [
        ((8, 8), (2, 9, 8)),
        ((8, 8), (2, 8, 9)),
        ((8, 8), (3, 4, 4)),
        ((8, 8), (4, 4)),
        ((1, 8, 8), (2, 4, 4)),
    ],
)
def test_planes_that_do_not_fit_are_refused(L: tuple[int, ...], ab: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match="guided upsampling"):
        GuidedChroma(np.zeros(L, np.float32), np.zeros(ab, np.float32), (16, 16))


# --- long pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 3_000_000), (3_000_000, 1)])
def test_long_pictures_take_no_more_memory_than_their_pixels(shape: tuple[int, int]) -> None:
    """Sides are shortened before others are lengthened, and nothing is as long as both."""
    grey = np.full(shape, 118, np.uint8)
    size = (32, 768) if shape[0] == 1 else (768, 32)
    tracemalloc.start()
    try:
        L = shrink(grey, *size)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
        assert L.shape == size
        np.testing.assert_allclose(L, lightness(np.float32(118 / 255)), atol=1e-3)
        tracemalloc.reset_peak()
        chroma = GuidedChroma(L, np.full((2, 8, 8), 9, np.float32), shape)
        rows = chroma.rows(0, grey[:1000])
        assert tracemalloc.get_traced_memory()[1] < 5 * rows.nbytes + 20_000_000
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(rows, 9, atol=1e-3)


def test_wide_pictures_are_as_narrow_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (50, 300), np.uint8)
    L, ab = shrink(grey, 16, 64), rng.normal(0, 20, (2, 4, 16)).astype(np.float32)
    expected = GuidedChroma(L, ab, grey.shape).rows(0, grey)
    monkeypatch.setattr(upsample, "_WIDEST", 70)
    wide = GuidedChroma(L, ab, grey.shape)
    np.testing.assert_allclose(wide.rows(0, grey), expected, atol=1e-3)
    np.testing.assert_allclose(wide.rows(20, grey[20:33]), expected[:, 20:33], atol=1e-3)


@pytest.mark.parametrize("shape", [(300, 430), (1, 7), (900, 40)])
def test_pinned_pixels_have_the_chroma_of_their_cell(shape: Size) -> None:
    random = np.random.default_rng(1)
    grey = random.integers(0, 256, shape).astype(np.uint8)
    L, ab = shrink(grey, 64, 96), random.normal(0, 25, (2, 64, 96)).astype(np.float32)
    places = {(int(y), int(x)) for y, x in random.random((6, 2)) * shape}
    pins = [Pin(y, x, float(lightness(grey[y, x]))) for y, x in places]
    chroma = GuidedChroma(L, ab, shape, pins)
    whole = chroma.rows(0, grey)
    for y, x in places:
        cell = ab[:, y * 64 // shape[0], x * 96 // shape[1]]
        np.testing.assert_allclose(whole[:, y, x], cell, atol=1)
    strips = [chroma.rows(top, grey[top : top + 37]) for top in range(0, shape[0], 37)]
    np.testing.assert_allclose(np.concatenate(strips, 1), whole, atol=1e-3)
    without = GuidedChroma(L, ab, shape).rows(0, grey)
    far = np.ones(shape, bool)
    for y, x in places:
        down, across = max(shape[0] // 64, 1) * 4, max(shape[1] // 96, 1) * 4
        far[max(y - down, 0) : y + down, max(x - across, 0) : x + across] = False
    np.testing.assert_array_equal(whole[:, far], without[:, far])


def test_two_pins_on_one_pixel() -> None:
    grey = np.full((40, 40), 99, np.uint8)
    L, ab = shrink(grey, 32, 32), np.full((2, 32, 32), 20, np.float32)
    pins = [Pin(20, 20, float(lightness(grey[20, 20])))] * 2
    np.testing.assert_allclose(GuidedChroma(L, ab, (40, 40), pins).rows(0, grey), 20, atol=0.1)
