"""The 313 bins and the distribution over them."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from photochrom.color import srgb_to_lab
from photochrom.errors import ArgumentError
from photochrom.gamut import (
    BIN_COUNT,
    GRID,
    annealed_mean,
    bins,
    entropy,
    probabilities,
    soft_encode,
)

Array = NDArray[Any]
PUBLISHED = Path(__file__).parents[2] / "shared" / "fixtures" / "zhang16" / "pts_in_hull.npy"

CELLS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 2), st.just(BIN_COUNT), st.integers(1, 2), st.integers(1, 2)),
    elements=st.floats(-30, 30, width=16),
    fill=st.floats(-3, 3, width=16),
)


def nearest(a: float, b: float) -> int:
    return int(np.argmin(((bins() - [a, b]) ** 2).sum(1)))


def peaked(*peaks: tuple[float, float, float]) -> Array:
    """Logits ``(1, 313, 1, 1)`` that fall off around places: a, b, height."""
    logits = np.full(BIN_COUNT, -20.0, np.float32)
    for a, b, height in peaks:
        distance = np.hypot(*(bins() - [a, b]).T)
        logits = np.maximum(logits, height - distance / GRID)
    return logits.reshape(1, -1, 1, 1).astype(np.float32)


# --- bins --------------------------------------------------------------------------------------


def test_bins_are_the_published_ones_in_their_order() -> None:
    if not PUBLISHED.exists():
        pytest.skip("the published table of points is not here")
    np.testing.assert_array_equal(bins(), np.load(PUBLISHED))


def test_bins_have_the_published_tables_checksum() -> None:
    """CRC-32 of its numbers as signed bytes."""
    assert zlib.crc32(bins().astype(np.int8).tobytes()) == 115735982


def test_bins_are_a_grid_in_order() -> None:
    assert bins().shape == (BIN_COUNT, 2) == (313, 2)
    assert bins().dtype == np.float32
    assert (bins() % GRID == 0).all()
    in_order = sorted(map(tuple, bins().tolist()))
    assert [tuple(b) for b in bins().tolist()] == in_order
    assert len(set(in_order)) == BIN_COUNT


def test_every_srgb_colour_lies_between_four_bins() -> None:
    """So that a colour is a mean of bins with weights that fall to 0 at a cell's end."""
    axis = np.linspace(0, 1, 65)
    rgb = np.stack(np.meshgrid(axis, axis, axis), -1).reshape(-1, 3)
    below = np.floor(srgb_to_lab(rgb)[:, 1:] / GRID).astype(int)
    corners = {
        (GRID * (a + i), GRID * (b + j))
        for a, b in set(map(tuple, below.tolist()))
        for i in (0, 1)
        for j in (0, 1)
    }
    assert corners <= set(map(tuple, bins().astype(int).tolist()))
    assert 300 < len(corners) <= BIN_COUNT  # so the bins are hardly more than are needed


def test_bins_cannot_be_changed_by_mistake() -> None:
    with pytest.raises(ValueError, match="read-only"):
        bins()[0] = 0


# --- soft encoding -----------------------------------------------------------------------------


@settings(deadline=None)
@given(
    hnp.arrays(np.float32, (4, 2), elements=st.floats(-128, 128, width=16)),
    st.integers(1, 12),
    st.sampled_from([0.5, 5.0, 20.0]),
)
def test_soft_encoding_weighs_the_nearest_bins(ab: Array, neighbours: int, sigma: float) -> None:
    index, weight = soft_encode(ab, neighbours, sigma)
    assert index.shape == weight.shape == (4, neighbours)
    assert weight.dtype == np.float32
    np.testing.assert_allclose(weight.sum(1), 1, atol=1e-5)
    assert (np.diff(weight, axis=1) <= 1e-6).all()
    distance = np.hypot(*np.moveaxis(ab[:, None].astype(float) - bins()[None], -1, 0))
    chosen = np.take_along_axis(distance, index, 1)
    np.testing.assert_allclose(chosen, np.sort(distance, 1)[:, :neighbours], atol=0.02)
    for row in index:
        assert len(set(row.tolist())) == neighbours


def test_soft_encoding_follows_the_gaussian() -> None:
    index, weight = soft_encode(np.array([2.0, 0.0], np.float32), 3, 5.0)
    assert [tuple(b) for b in bins()[index].tolist()] == [(0, 0), (10, 0), (0, 10)] or [
        tuple(b) for b in bins()[index].tolist()
    ] == [(0, 0), (10, 0), (0, -10)]
    expected = np.exp(-np.array([4, 64, 104]) / (2 * 25))
    np.testing.assert_allclose(weight, expected / expected.sum(), rtol=1e-4)


def test_a_bins_own_colour_weighs_most_there() -> None:
    index, weight = soft_encode(bins())
    np.testing.assert_array_equal(index[:, 0], np.arange(BIN_COUNT))
    assert (weight[:, 0] > weight[:, 1]).all()


def test_soft_encoding_far_outside_is_still_a_distribution() -> None:
    index, weight = soft_encode(np.array([[[1e4, -1e4]]], np.float32))
    assert index.shape == (1, 1, 5)
    assert np.isfinite(weight).all()
    assert weight.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("ab", "neighbours", "sigma"),
    [
        (np.zeros((4, 3), np.float32), 5, 5.0),
        (np.float32(1), 5, 5.0),
        (np.zeros((4, 2), np.float32), 0, 5.0),
        (np.zeros((4, 2), np.float32), 314, 5.0),
        (np.zeros((4, 2), np.float32), 5, 0.0),
    ],
)
def test_soft_encoding_refuses(ab: Array, neighbours: int, sigma: float) -> None:
    with pytest.raises(ArgumentError):
        soft_encode(ab, neighbours, sigma)


# --- annealed mean -----------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(CELLS, st.sampled_from([0.05, 0.38, 1.0, 3.0]))
def test_annealed_mean_is_the_softmax_mean(logits: Array, temperature: float) -> None:
    ab = annealed_mean(logits, temperature)
    assert ab.shape == (len(logits), 2, *logits.shape[2:])
    assert ab.dtype == np.float32
    wide = logits.astype(np.float64) / temperature
    p = np.exp(wide - wide.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    np.testing.assert_allclose(ab, np.einsum("nqhw,qc->nchw", p, bins()), atol=0.02)


@settings(deadline=None, max_examples=50)
@given(CELLS, st.floats(-1000, 1000))
def test_annealed_mean_ignores_a_constant(logits: Array, shift: float) -> None:
    moved = logits.astype(np.float64) + shift
    np.testing.assert_allclose(annealed_mean(moved), annealed_mean(logits), atol=0.05)


@settings(deadline=None, max_examples=30)
@given(CELLS)
def test_cells_do_not_see_each_other(logits: Array) -> None:
    turned = np.ascontiguousarray(logits[::-1, :, ::-1, ::-1])
    np.testing.assert_allclose(
        annealed_mean(turned), annealed_mean(logits)[::-1, :, ::-1, ::-1], atol=1e-4
    )


def test_cold_is_the_likeliest_bin_and_one_is_the_plain_mean() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (2, BIN_COUNT, 3, 4)).astype(np.float32)
    best = bins()[logits.argmax(1)].transpose(0, 3, 1, 2)
    for cold in (1e-4, 1e-300):
        np.testing.assert_allclose(annealed_mean(logits, cold), best, atol=1e-3)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    plain = (p[:, :, None] * bins()[None, :, :, None, None]).sum(1)
    np.testing.assert_allclose(annealed_mean(logits, 1.0), plain, atol=1e-3)
    assert np.abs(annealed_mean(logits, 0.38) - plain).max() > 1  # so T does count


@pytest.mark.parametrize("temperature", [0, -1, float("nan")])
def test_impossible_temperatures_are_refused(temperature: float) -> None:
    logits = np.zeros((1, BIN_COUNT, 1, 1), np.float32)
    for function in (annealed_mean, entropy):
        with pytest.raises(ArgumentError, match="temperature"):
            function(logits, temperature)
    with pytest.raises(ArgumentError, match="temperature"):
        probabilities(logits, temperature)


@pytest.mark.parametrize("shape", [(BIN_COUNT,), (1, 312, 2, 2), (BIN_COUNT, 2, 2)])
def test_distributions_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    for function in (annealed_mean, entropy):
        with pytest.raises(ArgumentError, match="313"):
            function(np.zeros(shape, np.float32))


# --- entropy -----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(CELLS)
def test_entropy_is_a_share(logits: Array) -> None:
    result = entropy(logits)
    assert result.shape == (len(logits), *logits.shape[2:])
    assert (result >= 0).all()
    assert (result <= 1).all()


def test_entropy_at_its_ends_and_between() -> None:
    logits = np.zeros((1, BIN_COUNT, 1, 3), np.float32)
    logits[0, 100, 0, 1] = 1000  # certain
    logits[0, [5, 300], 0, 2] = 1000  # one of two
    expected = [1, 0, np.log(2) / np.log(BIN_COUNT)]
    np.testing.assert_allclose(entropy(logits)[0, 0], expected, atol=1e-5)


def test_entropy_falls_with_the_temperature() -> None:
    logits = np.random.default_rng(2).normal(0, 2, (1, BIN_COUNT, 2, 2)).astype(np.float32)
    assert (entropy(logits, 0.38) < entropy(logits)).all()
