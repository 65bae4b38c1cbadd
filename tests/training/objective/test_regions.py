"""Pairs of cells of regions, the loss of their vectors and how well these rank them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")

from photochrom.training.objective.regions import (  # noqa: E402
    Pairs,
    RegionLoss,
    connected_regions,
    ranking,
)

LABELS = torch.tensor([[1, 1, 0, 1, 2, 2]] * 5)
"""Two regions of the value 1, one of the value 2, and a column that is unknown."""


def source(seed: int = 1) -> "torch.Generator":
    return torch.Generator().manual_seed(seed)


def by_value(labels: "torch.Tensor") -> "torch.Tensor":
    """Vectors that point elsewhere for each value."""
    return torch.nn.functional.one_hot(labels, 4).permute(2, 0, 1).float()


def test_cells_that_touch_by_their_sides_are_one_region() -> None:
    found = connected_regions(np.array([[1, 2, 1], [2, 2, 1], [1, 2, 2]]))
    assert found[0, 2] == found[1, 2]
    assert len(np.unique(found)) == 4  # three of the value 1


def test_pairs_are_of_one_region_of_two_values_or_neither() -> None:
    pairs = Pairs(LABELS, source())
    assert len(pairs.cells) == 25  # not the unknown ones
    columns = pairs.cells % 6
    same = {tuple(sorted(pair)) for pair in columns[pairs.same.nonzero()].tolist()}
    other = {tuple(sorted(pair)) for pair in columns[pairs.other.nonzero()].tolist()}
    assert same == {(0, 0), (0, 1), (1, 1), (3, 3), (4, 4), (4, 5), (5, 5)}
    assert other == {(a, b) for a in (0, 1, 3) for b in (4, 5)}
    assert not (pairs.same & pairs.other).any()


def test_a_crop_of_few_known_cells_has_no_pairs() -> None:
    pairs = Pairs(torch.where(torch.arange(64).reshape(8, 8) < 19, 1, 0), source())
    assert len(pairs.cells) == 0
    vectors = torch.ones(1, 4, 8, 8, requires_grad=True)
    loss = RegionLoss()(vectors, [pairs])
    loss.backward()
    assert float(loss.detach()) == 0
    assert not vectors.grad.any()


def test_vectors_that_tell_regions_apart_have_the_least_loss_and_the_best_ranking() -> None:
    labels = torch.ones(12, 12, dtype=torch.long)
    labels[3:9, 4:] = 2
    labels[9:, :5] = 3
    pairs, loss = Pairs(labels, source()), RegionLoss()
    good = by_value(labels)
    random = torch.randn(4, 12, 12, generator=source(2))
    assert ranking(good, pairs) == 1
    assert abs(ranking(random, pairs) - 0.5) < 0.05
    assert loss(good[None], [pairs]) < 0.5 * loss(random[None], [pairs])
    vectors = random.clone().requires_grad_(True)
    for _ in range(30):
        (step,) = torch.autograd.grad(loss(vectors[None], [pairs]), vectors)
        vectors = (vectors - 20 * step).detach().requires_grad_(True)
    assert ranking(vectors.detach(), pairs) > 0.95


def test_one_region_alone_cannot_be_ranked() -> None:
    pairs = Pairs(torch.ones(6, 6, dtype=torch.long), source())
    assert ranking(torch.randn(4, 6, 6, generator=source()), pairs) is None
