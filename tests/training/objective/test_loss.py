"""The loss: targets as in `gamut`, and its parts against plain formulas."""

import math
from functools import cache

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")

from torch import Tensor  # noqa: E402

from photochrom import gamut  # noqa: E402
from photochrom.color import srgb_to_lab  # noqa: E402
from photochrom.gamut import BIN_COUNT, bins  # noqa: E402
from photochrom.training.objective.loss import (  # noqa: E402
    ColorLoss,
    Parts,
    annealed_mean,
    rebalancing,
    separation,
)
from tests.helpers.bin_shares import ONES, bin_shares  # noqa: E402


@cache
def _plain() -> ColorLoss:
    """Without rebalancing; made once, because its table takes a second."""
    return ColorLoss(ONES, 0.5)


def _colours(n: int = 2, h: int = 24, w: int = 32) -> Tensor:
    """ab ``(n, 2, h, w)`` of random sRGB colours."""
    rgb = np.random.default_rng(1).integers(0, 256, (n, h, w, 3), np.uint8)
    return torch.from_numpy(srgb_to_lab(rgb)[..., 1:]).permute(0, 3, 1, 2).contiguous()


def _counted(ab: Tensor) -> np.ndarray:
    """How much of ab falls to each bin, softly."""
    index, share = gamut.soft_encode(ab.permute(0, 2, 3, 1).numpy())
    return np.bincount(index.ravel(), share.ravel(), BIN_COUNT)


def _logits(n: int = 2, h: int = 24, w: int = 32) -> Tensor:
    return torch.randn(n, BIN_COUNT, h, w, generator=torch.Generator().manual_seed(2)) * 3


def _dense(index: Tensor, share: Tensor) -> Tensor:
    """``(N, h, w, 5)`` -> ``(N, 313, h, w)``."""
    rows = torch.zeros(*index.shape[:3], BIN_COUNT).scatter_(-1, index, share)
    return rows.permute(0, 3, 1, 2)


# --- targets -------------------------------------------------------------------------------------


def test_whole_units_are_encoded_as_in_gamut() -> None:
    ab = _colours().round()
    index, share, weight = _plain().encode(ab)
    expected = gamut.soft_encode(ab.permute(0, 2, 3, 1).contiguous().numpy())
    assert index.shape == share.shape == (2, 24, 32, 5)
    np.testing.assert_array_equal(index.numpy(), expected[0])
    np.testing.assert_allclose(share.numpy(), expected[1], atol=1e-5)
    np.testing.assert_allclose(weight.numpy(), 1, atol=1e-5)


def test_other_colours_are_encoded_as_in_gamut_but_for_the_rounding() -> None:
    ab = _colours()
    index, share, _ = _plain().encode(ab)
    torch.testing.assert_close(share.sum(-1), torch.ones(2, 24, 32))
    assert (share >= 0).all()
    truth = ab.permute(0, 2, 3, 1).contiguous().numpy()
    near, expected = gamut.soft_encode(truth)
    same = (np.sort(index.numpy(), -1) == np.sort(near, -1)).all(-1)
    assert same.mean() > 0.7  # the rest lie near a border between sets of neighbours
    ours, theirs = _dense(index, share), _dense(torch.from_numpy(near), torch.from_numpy(expected))
    # Where the neighbours are the same, so are the shares: they are of ab itself, not rounded.
    difference = (ours - theirs).abs().amax(1)
    assert difference[torch.from_numpy(same)].max() < 1e-5
    # Elsewhere a neighbour about as far as the fifth is taken instead of it.
    distance = np.linalg.norm(bins()[index.numpy()] - truth[..., None, :], axis=-1)
    fifth = np.linalg.norm(bins()[near[..., -1]] - truth, axis=-1)
    assert (distance <= fifth[..., None] + math.sqrt(2)).all()


def test_colours_beyond_the_table_take_its_border() -> None:
    ab = torch.tensor([[300.0, 0.0], [-300.0, 500.0]]).T.reshape(1, 2, 1, 2)
    index, share, _ = _plain().encode(ab)
    border = gamut.soft_encode(np.array([[[128, 0], [-128, 128]]], np.float32))[0]
    np.testing.assert_array_equal(index[0].numpy(), border)
    torch.testing.assert_close(share.sum(-1), torch.ones(1, 1, 2))


def test_the_nearest_bin() -> None:
    loss = _plain()
    centres = torch.from_numpy(bins().T.copy()).reshape(1, 2, 1, BIN_COUNT)
    torch.testing.assert_close(loss.neighbour(centres)[0, 0], torch.arange(BIN_COUNT))
    torch.testing.assert_close(loss.neighbour(centres + 0.4)[0, 0], torch.arange(BIN_COUNT))


def test_a_pixel_counts_by_its_colours() -> None:
    weight = np.random.default_rng(4).random(BIN_COUNT).astype(np.float32)
    ab = _colours()
    index, share, counted = ColorLoss(weight, 0.5).encode(ab)
    expected = torch.einsum("nqhw,q->nhw", _dense(index, share), torch.from_numpy(weight))
    torch.testing.assert_close(counted, expected)


@pytest.mark.parametrize("strength", [0.0, 0.7, 1.0])
def test_the_mean_weight_is_one_over_the_counted_pixels(strength: float) -> None:
    ab = _colours().round()
    weight = rebalancing(_counted(ab), strength)
    counted = ColorLoss(weight, 0.5).encode(ab)[2]
    assert float(counted.mean()) == pytest.approx(1, abs=1e-4)


# --- cross-entropy -------------------------------------------------------------------------------


def test_entropy_is_the_weighted_cross_entropy() -> None:
    weight = rebalancing(bin_shares())
    loss, ab, logits = ColorLoss(weight, 0.5), _colours(), _logits()
    targets = loss.encode(ab)
    each = -(_dense(*targets[:2]) * logits.log_softmax(1)).sum(1)
    expected = (each * targets[2]).mean()
    torch.testing.assert_close(loss(logits, ab, targets)[0], expected)


def test_entropy_of_no_idea() -> None:
    loss, ab = _plain(), _colours()
    entropy = loss(torch.zeros(2, BIN_COUNT, 24, 32), ab, loss.encode(ab)).entropy
    assert float(entropy) == pytest.approx(math.log(313), abs=1e-4)


def test_nothing_is_better_than_the_truth() -> None:
    """Then what is left is the entropy of the truth itself, spread over its neighbours."""
    loss, ab = _plain(), _colours()
    targets = loss.encode(ab)
    own = torch.special.entr(targets[1]).sum(-1).mean()
    truth = _dense(*targets[:2]).clamp(min=1e-30).log()
    torch.testing.assert_close(loss(truth, ab, targets)[0], own, atol=1e-4, rtol=0)
    for other in (truth + _logits() / 10, truth / 2, truth * 2):
        assert loss(other, ab, targets)[0] > own + 1e-3


def test_certainty_costs_by_what_it_misses() -> None:
    """Almost all chance on the nearest bin: nothing for its own share, the height for the rest."""
    loss = _plain()
    ab = torch.zeros(1, 2, 3, 3)
    targets = loss.encode(ab)
    logits = torch.zeros(1, BIN_COUNT, 3, 3)
    logits[:, targets[0][0, 0, 0, 0]] = 30
    expected = 30 * (1 - float(targets[1][0, 0, 0, 0]))
    assert float(loss(logits, ab, targets)[0]) == pytest.approx(expected, rel=1e-4)


# --- distance ------------------------------------------------------------------------------------


def _certain(index: Tensor) -> Tensor:
    """Logits ``(N, 313, h, w)`` with all chance on a bin."""
    rows = torch.nn.functional.one_hot(index, BIN_COUNT) * 100.0
    return rows.permute(0, 3, 1, 2)


def test_no_distance_at_the_truth() -> None:
    """But for the one that keeps it smooth."""
    loss = _plain()
    index = torch.arange(BIN_COUNT)[None, None]
    ab = loss.bins[index].permute(0, 3, 1, 2)
    parts = loss(_certain(index), ab, loss.encode(ab))
    assert float(parts.balanced) == pytest.approx(1, abs=1e-4)
    assert float(parts.distance) == pytest.approx(1, abs=1e-4)


def test_distance_is_in_units_of_ab_and_weighted() -> None:
    weight = rebalancing(bin_shares())
    loss, ab, logits = ColorLoss(weight, 0.38), _colours(), _logits()
    targets = loss.encode(ab)
    painted = torch.from_numpy(gamut.annealed_mean(logits.numpy(), 0.38))
    each = ((painted - ab).square().sum(1) + 1).sqrt()
    expected = (each * targets[2]).mean()
    found = loss(logits, ab, targets)
    torch.testing.assert_close(found.balanced, expected, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(found.distance, each.mean(), atol=1e-3, rtol=1e-4)


def test_an_error_that_is_the_same_everywhere_is_even() -> None:
    loss = _plain()
    index = torch.full((1, 8, 8), 40)
    logits, ab = _certain(index), loss.bins[index].permute(0, 3, 1, 2)
    targets = loss.encode(ab)
    even = loss(logits, ab + 12, targets).uneven
    assert float(even) == pytest.approx(4 * 0.5, abs=1e-3)  # but for what keeps it smooth
    patch = ab.clone()
    patch[..., 2:5, 2:5] += 30
    assert loss(logits, patch, targets).uneven > even + 5
    # An edge of the truth that is painted costs nothing.
    index[:, :, 4:] = 200
    edged = loss.bins[index].permute(0, 3, 1, 2)
    assert float(loss(_certain(index), edged, loss.encode(edged)).uneven) < float(even) + 1e-3


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.5])
def test_ten_units_count_as_one_nat(distance: float) -> None:
    loss = ColorLoss(ONES, 0.5, distance)
    total = loss.total(Parts(*map(torch.tensor, (3.0, 20.0, 0.0, 0.0))))
    assert float(total) == pytest.approx(3 + 2 * distance)
    total = loss.total(Parts(*map(torch.tensor, (3.0, 0.0, 12.0, 8.0))))
    assert float(total) == pytest.approx(3 + distance)


@pytest.mark.parametrize("temperature", [0.2, 0.38, 1.0])
def test_the_annealed_mean_is_that_of_gamut(temperature: float) -> None:
    logits = _logits()
    rows = logits.permute(0, 2, 3, 1)
    ours = annealed_mean(rows, torch.from_numpy(bins().copy()), temperature)
    expected = torch.from_numpy(gamut.annealed_mean(logits.numpy(), temperature))
    torch.testing.assert_close(ours.permute(0, 3, 1, 2), expected, atol=1e-3, rtol=1e-4)


def test_mixed_precision_does_not_reach_the_annealed_mean() -> None:
    loss = _plain()
    rows = _logits().permute(0, 2, 3, 1)
    expected = annealed_mean(rows, loss.bins, 0.5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = annealed_mean(rows, loss.bins, 0.5)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, expected)


# --- learning ------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_each_part_has_a_gradient_of_its_own(part: int) -> None:
    loss, ab, logits = _plain(), _colours(1, 4, 4), _logits(1, 4, 4).requires_grad_()
    loss(logits, ab, loss.encode(ab))[part].backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert (logits.grad.abs().amax(1) > 0).all()  # of each pixel


def test_the_gradient_is_finite_at_the_truth() -> None:
    loss = _plain()
    index = torch.arange(BIN_COUNT)[None, None]
    ab = loss.bins[index].permute(0, 3, 1, 2)
    logits = _certain(index).requires_grad_()
    loss.total(loss(logits, ab, loss.encode(ab))).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_following_it_finds_the_colours() -> None:
    loss, ab = _plain(), _colours(1, 4, 4)
    logits = torch.zeros(1, BIN_COUNT, 4, 4, requires_grad=True)
    optimizer = torch.optim.Adam([logits], 0.3)
    targets = loss.encode(ab)
    for _ in range(100):
        optimizer.zero_grad()
        loss.total(loss(logits, ab, targets)).backward()
        optimizer.step()
    painted = annealed_mean(logits.detach().permute(0, 2, 3, 1), loss.bins, 0.5)
    far = (painted.permute(0, 3, 1, 2) - ab).square().sum(1).sqrt()
    assert far.mean() < 3


def test_its_tables_are_no_weights() -> None:
    """They are made anew, so no checkpoint keeps them; and the caller's array stays his own."""
    weight = ONES.copy()
    loss = ColorLoss(weight, 0.5)
    assert loss.state_dict() == {}
    assert list(loss.parameters()) == []
    weight[:] = 7
    assert loss.encode(_colours())[2].mean() == pytest.approx(1, abs=1e-5)


# --- features ------------------------------------------------------------------------------------


def test_features_that_tell_things_apart_cost_less() -> None:
    """Left and right differ in colour: features that say so, ones that say nothing, and worse."""
    ab = torch.zeros(1, 2, 8, 8)
    ab[..., 4:] = 50
    L = torch.full((1, 1, 8, 8), 50.0)

    def cost(place: Tensor) -> float:
        features = torch.zeros(1, 64, 8, 8)
        features[:, :2] = torch.stack([place, 1 - place])
        return float(separation(features, L, ab))

    right = torch.zeros(8, 8)
    right[:, 4:] = 1
    assert cost(right) < cost(torch.ones(8, 8)) - 0.3 < cost(right.T) - 0.3
