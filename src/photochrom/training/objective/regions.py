"""Loss and measure of region vectors: are two cells of one region more alike than of two?"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional

from ..data.region_maps import UNKNOWN

_CELLS = 256  # of each crop that are compared
_FEWEST = 20  # known cells of a crop that is worth comparing
_NEAR = 0.15  # distance, over the side, at which a pair counts for 1/e
_LEAST = 0.05  # weight of pairs that are far apart
_CLOSE = 0.25  # distance of the pairs that `ranking` compares


class Pairs:
    """Pairs of cells of a crop.

    Args:
        labels: ``(h, w)`` int64, see `region_maps.Labeled`.
        random: chooses the cells.

    Attributes:
        cells: ``(n,)``, numbers of the cells that are compared with each other; none where fewer
            than 20 are known.
        same: ``(n, n)`` bool, both in one connected region.
        other: ``(n, n)`` bool, in regions of different values. Cells of two regions of one value
            are neither: a person's two sleeves may be one thing or two.
        distance: ``(n, n)``, over the longer side.
    """

    def __init__(self, labels: Tensor, random: torch.Generator) -> None:
        flat = labels.flatten()
        known = (flat != UNKNOWN).nonzero()[:, 0]
        if len(known) < _FEWEST:
            known = known[:0]
        self.cells = known[torch.randperm(len(known), generator=random)[:_CELLS]]
        value = flat[self.cells]
        region = torch.from_numpy(connected_regions(labels.numpy())).flatten()[self.cells]
        self.same = (region[:, None] == region) & ~torch.eye(len(value), dtype=torch.bool)
        self.other = value[:, None] != value
        rows, columns = self.cells // labels.shape[1], self.cells % labels.shape[1]
        apart = torch.stack([rows[:, None] - rows, columns[:, None] - columns]).float()
        self.distance = torch.hypot(*apart) / max(labels.shape)


def connected_regions(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers of connected regions ``(h, w)``: cells of one value that touch by their sides."""
    numbered, count = np.zeros(labels.shape, np.int64), 0
    for value in np.unique(labels).tolist():
        parts, found = ndimage.label(labels == value)
        numbered += np.where(parts > 0, parts + count, 0)
        count += found
    return numbered


def likenesses(vectors: Tensor, cells: Tensor) -> Tensor:
    """Cosines ``(n, n)`` of some cells' vectors, less what all cells of the crop share.

    Args:
        vectors: ``(C, h, w)``.
        cells: ``(n,)``.
    """
    flat = vectors.flatten(1).float()
    centred = functional.normalize(flat - flat.mean(1, keepdim=True), dim=0)[:, cells]
    return centred.T @ centred


class RegionLoss(nn.Module):
    """Logistic loss of pairs, one region against two, each side half.

    Near pairs count most: the rim of a region is what has to be found. Scale and threshold of the
    likeness are learnt.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.threshold = (
            nn.Parameter(torch.tensor(6.0)),
            nn.Parameter(torch.tensor(0.4)),
        )

    def forward(self, vectors: Tensor, pairs: list[Pairs]) -> Tensor:
        """The mean over crops.

        Args:
            vectors: ``(N, C, h, w)``.
            pairs: of each crop.
        """
        losses = [self._of(v, p) for v, p in zip(vectors, pairs, strict=True) if len(p.cells)]
        return torch.stack(losses).mean() if losses else vectors.sum() * 0

    def _of(self, vectors: Tensor, pairs: Pairs) -> Tensor:
        margin = self.scale * (likenesses(vectors, pairs.cells) - self.threshold)
        weight = torch.exp(-pairs.distance / _NEAR) + _LEAST
        return _mean(functional.softplus(-margin), weight * pairs.same) + _mean(
            functional.softplus(margin), weight * pairs.other
        )


def ranking(vectors: Tensor, pairs: Pairs) -> float | None:
    """How often a pair of one region is more alike than one of two, 0...1; 0.5 is chance.

    Only pairs within a quarter of the side count (the area under the ROC curve of their likeness).

    Args:
        vectors: ``(C, h, w)``.
        pairs: of the crop.

    Returns:
        None where there are too few pairs of a kind.
    """
    near, alike = pairs.distance < _CLOSE, likenesses(vectors, pairs.cells)
    one, two = alike[near & pairs.same], alike[near & pairs.other]
    if min(len(one), len(two)) < 5:
        return None
    ranks = torch.cat([one, two]).argsort().argsort()[: len(one)].double()
    least = len(one) * (len(one) - 1) / 2
    return float((ranks.sum() - least) / (len(one) * len(two)))


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp_min(1e-6)
