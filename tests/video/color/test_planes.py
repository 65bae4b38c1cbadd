"""Y' to L, and ab back to Cb and Cr, against the formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photochrom.color import Codes, Float, lightness, srgb_to_lab
from photochrom.errors import ArgumentError

cv2 = pytest.importorskip("cv2", reason="needs OpenCV (extra video)")

from photochrom.color.luma import WEIGHTS, luma_of  # noqa: E402
from photochrom.video.color import planes  # noqa: E402
from photochrom.video.color.planes import chroma_planes, working_L  # noqa: E402
from photochrom.video.color.tones import Tones  # noqa: E402
from tests.helpers.luma_formulas import luma_chroma, to_rgb  # noqa: E402

EVERY = [Tones(m, full, d) for m in WEIGHTS for full in (False, True) for d in (8, 10, 12)]
TONES = st.sampled_from(EVERY)
SIDES = st.integers(1, 50).filter(lambda n: n != 2)  # where a half and a quarter are the same


def name(tones: Tones) -> str:
    return f"{tones.matrix}-{'full' if tones.full_range else 'limited'}-{tones.depth}"


def to_codes(luma: NDArray[np.float64], tones: Tones) -> Codes:
    return np.rint(tones.black + luma * tones.luma_range).astype(tones.dtype)


def smooth(shape: tuple[int, int], seed: int = 0) -> NDArray[np.float64]:
    """R'G'B' of a colourful picture without edges, ``(H, W, 3)``, 0.1...0.9."""
    random = np.random.default_rng(seed)
    rough = random.uniform(0.1, 0.9, (4, 5, 3)).astype(np.float32)
    picture = cv2.resize(rough, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(picture.astype(float), 0.1, 0.9)


# --- Y' to L -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tones", EVERY, ids=name)
def test_L_of_every_code(tones: Tones) -> None:  # noqa: N802
    codes = np.arange(1 << tones.depth, dtype=tones.dtype)[None]
    L = working_L(codes, codes.shape, tones)
    grey = np.clip((codes.astype(float) - tones.black) / tones.luma_range, 0, 1)
    np.testing.assert_allclose(L, lightness(grey), atol=0.06)
    assert L.min() == 0
    assert L.max() == 100
    np.testing.assert_allclose(luma_of(L), grey, atol=3e-4)


@pytest.mark.parametrize("shape", [(1080, 1920), (540, 960), (477, 811), (33, 1000)])
def test_L_is_the_mean_over_the_area(shape: tuple[int, int]) -> None:  # noqa: N802
    rough = np.random.default_rng(1).integers(16, 236, (shape[0] // 6, shape[1] // 6))
    codes = cv2.resize(rough.astype(np.uint8), shape[::-1])
    size = (24, 40)
    L = working_L(codes, size, Tones())
    # Each original pixel goes to the cells that it lies in, by shares.
    rows, columns = (np.zeros((m, n)) for m, n in zip(size, shape, strict=True))
    for matrix in (rows, columns):
        m, n = matrix.shape
        for i in range(m):
            low, high = i * n / m, (i + 1) * n / m
            j = np.arange(n)
            matrix[i] = np.clip(np.minimum(high, j + 1) - np.maximum(low, j), 0, 1) * m / n
    mean = rows @ codes.astype(float) @ columns.T
    error = L - lightness((mean - 16) / 219)
    assert np.abs(error).mean() < 0.4  # halving first gives a pixel's neighbours a small share
    assert np.abs(error).max() < 1.5


def test_L_of_a_film_smaller_than_the_working_size() -> None:  # noqa: N802
    codes = to_codes(np.tile(np.linspace(0, 1, 20), (12, 1)), Tones())
    for size in ((64, 64), (8, 64), (64, 8), (12, 20)):
        L = working_L(codes, size, Tones())
        assert L.shape == size
        assert L.dtype == np.float32
        assert (np.diff(L.mean(0)) >= 0).all()


def test_planes_with_padded_rows() -> None:
    """As they come from a decoder."""
    padded = np.random.default_rng(2).integers(16, 236, (96, 192)).astype(np.uint8)
    luma = padded[:, :170]
    assert not luma.flags.c_contiguous
    L = working_L(luma, (32, 48), Tones())
    np.testing.assert_array_equal(L, working_L(luma.copy(), (32, 48), Tones()))
    ab = np.full((2, 32, 48), 20, np.float32)
    for plane, copied in zip(
        chroma_planes(luma, L, ab, (48, 85), Tones()),
        chroma_planes(luma.copy(), L, ab, (48, 85), Tones()),
        strict=True,
    ):
        np.testing.assert_array_equal(plane, copied)


# --- ab to Cb and Cr ---------------------------------------------------------------------------


@pytest.mark.parametrize("tones", EVERY, ids=name)
def test_no_chroma_is_neutral_at_every_code(tones: Tones) -> None:
    luma = np.arange(1 << tones.depth, dtype=tones.dtype).reshape(-1, 64).repeat(2, 0).repeat(2, 1)
    random = np.random.default_rng(5)
    random.shuffle(luma)
    L = working_L(luma, (16, 32), tones)
    for grid in ((16, 32), (4, 8)):
        for plane in chroma_planes(luma, L, np.zeros((2, *grid), np.float32), luma.shape, tones):
            assert plane.dtype == tones.dtype
            np.testing.assert_array_equal(plane, tones.neutral)


@pytest.mark.parametrize("tones", [t for t in EVERY if t.matrix != "bt2020nc"], ids=name)
def test_a_frame_in_colour_comes_back(tones: Tones) -> None:
    rgb = smooth((96, 160))
    luma, cb, cr = np.moveaxis(luma_chroma(rgb, tones.matrix), -1, 0)
    codes = to_codes(luma, tones)
    L = working_L(codes, (48, 80), tones)
    lab = cv2.resize(srgb_to_lab(rgb), (80, 48), interpolation=cv2.INTER_AREA)
    ab = np.ascontiguousarray(np.moveaxis(lab[..., 1:], -1, 0))
    for found, true in zip(chroma_planes(codes, L, ab, (48, 80), tones), (cb, cr), strict=True):
        mean = cv2.resize(true, (80, 48), interpolation=cv2.INTER_AREA)
        error = (found.astype(float) - tones.neutral) / tones.chroma_range - mean
        assert np.abs(error).mean() * 224 < 0.6
        assert np.abs(error).max() * 224 < 6


def test_edges_come_from_luma() -> None:
    """Blue on the left, orange on the right, with the edge inside a pixel of the small grid."""
    rgb = np.empty((128, 128, 3))
    rgb[:, :61], rgb[:, 61:] = (0.2, 0.3, 0.6), (0.8, 0.6, 0.4)
    luma, cb, _ = np.moveaxis(luma_chroma(rgb, "bt709"), -1, 0)
    codes = to_codes(luma, Tones())
    L = working_L(codes, (16, 16), Tones())
    lab = cv2.resize(srgb_to_lab(rgb), (16, 16), interpolation=cv2.INTER_AREA)
    ab = np.ascontiguousarray(np.moveaxis(lab[..., 1:], -1, 0))
    found, _ = chroma_planes(codes, L, ab, (128, 128), Tones())
    blurred = cv2.resize(cv2.resize(cb, (16, 16), interpolation=cv2.INTER_AREA), (128, 128))
    near = np.s_[:, 45:77]
    sharp, plain = (np.abs(p - cb)[near].mean() * 224 for p in ((found - 128.0) / 224, blurred))
    assert sharp < 0.8 * plain


@settings(deadline=None, max_examples=60)
@given(
    tones=TONES,
    height=SIDES,
    width=SIDES,
    steps=st.sampled_from([(1, 1), (1, 2), (2, 2), (1, 4), (4, 4)]),
    strength=st.sampled_from([10, 60, 500]),
    seed=st.integers(0, 1000),
)
def test_every_frame_is_legal_and_in_gamut(
    tones: Tones,
    height: int,
    width: int,
    steps: tuple[int, int],
    strength: float,
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    luma = random.integers(0, 1 << tones.depth, (height, width)).astype(tones.dtype)
    shape = -(-height // steps[0]), -(-width // steps[1])
    L = working_L(luma, (8, 12), tones)
    ab = random.normal(0, strength, (2, 4, 6)).astype(np.float32)
    cb, cr = chroma_planes(luma, L, ab, shape, tones)
    assert cb.shape == cr.shape == shape
    half = tones.chroma_range // 2
    for plane in (cb, cr):
        assert plane.min() >= tones.neutral - half - tones.full_range
        assert plane.max() <= tones.neutral + half
    # The mean Y' under each chroma pixel, the last row and column standing for those beyond.
    pads = [(0, m * s - n) for m, s, n in zip(shape, steps, luma.shape, strict=True)]
    padded = np.pad(luma.astype(float), pads, mode="edge")
    mean = padded.reshape(shape[0], steps[0], shape[1], steps[1]).mean((1, 3))
    mean = np.clip(mean, tones.black, tones.black + tones.luma_range)
    rgb = to_rgb(mean, cb, cr, tones)
    code = 2 / tones.luma_range  # of rounding: Y' by half a code, Cb and Cr by half a code each
    assert rgb.min() >= -code
    assert rgb.max() <= 1 + code


def test_beyond_black_and_white_there_is_no_colour() -> None:
    for code in (0, 15, 16, 235, 236, 255):
        luma = np.full((16, 16), code, np.uint8)
        L = working_L(luma, (8, 8), Tones())
        for plane in chroma_planes(luma, L, np.full((2, 8, 8), 40, np.float32), (8, 8), Tones()):
            np.testing.assert_array_equal(plane, 128)


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("strip", [1, 100, 777])
def test_strips_change_nothing(depth: int, strip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tones, rgb = Tones(depth=depth), smooth((101, 133), 7)
    luma = to_codes(luma_chroma(rgb, "bt709")[..., 0], tones)
    L = working_L(luma, (32, 40), tones)
    ab = np.random.default_rng(8).normal(0, 30, (2, 32, 40)).astype(np.float32)
    whole = chroma_planes(luma, L, ab, (51, 67), tones)
    monkeypatch.setattr(planes, "_STRIP", strip)
    for one, other in zip(whole, chroma_planes(luma, L, ab, (51, 67), tones), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_frame_stays_as_it_was() -> None:
    luma = np.random.default_rng(9).integers(0, 256, (40, 60)).astype(np.uint8)
    L, ab = working_L(luma, (16, 24), Tones()), np.full((2, 16, 24), 30, np.float32)
    before = luma.copy(), L.copy(), ab.copy()
    chroma_planes(luma, L, ab, (20, 30), Tones())
    for now, then in zip((luma, L, ab), before, strict=True):
        np.testing.assert_array_equal(now, then)


GREY: Float = np.full((8, 8), 50, np.float32)
COLOUR: Float = np.zeros((2, 8, 8), np.float32)


@pytest.mark.parametrize(
    ("luma", "L", "ab", "shape"),
    [
        (np.zeros((16, 16, 1), np.uint8), GREY, COLOUR, (8, 8)),
        (np.zeros((16, 16), np.uint16), GREY, COLOUR, (8, 8)),
        (np.zeros((0, 16), np.uint8), GREY, COLOUR, (0, 8)),
        (np.zeros((16, 16), np.uint8), GREY[None], COLOUR, (8, 8)),
        (np.zeros((16, 16), np.uint8), GREY, COLOUR[0], (8, 8)),
        (np.zeros((16, 16), np.uint8), GREY[:4], COLOUR, (8, 8)),
        (np.zeros((16, 16), np.uint8), GREY, COLOUR, (7, 8)),
        (np.zeros((16, 16), np.uint8), GREY, COLOUR, (8, 5)),
    ],
)
def test_planes_that_do_not_fit(luma: Codes, L: Float, ab: Float, shape: tuple[int, int]) -> None:
    with pytest.raises(ArgumentError, match="the planes of a frame: expected"):
        chroma_planes(luma, L, ab, shape, Tones())
