"""The loss: rebalanced cross-entropy over the gamut bins, and the distance of the colour painted.

The first is that of Zhang, Isola and Efros (2016): the truth is spread over its nearest bins, and
each pixel counts by how rare its colour is. The second is the distance in ab between the truth
and the annealed mean, which is what is painted: it draws the patches of a plain surface together,
because a wrong hue costs by how far off it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...color import Float
from ...errors import ArgumentError
from ...gamut import BIN_COUNT, bins, soft_encode

_EXTENT = 128  # a table of neighbours covers ab from -128 to 128 in steps of 1
_NEIGHBOURS = 5
_SIGMA = 5.0


def rebalancing(share: Float, strength: float = 1.0) -> Float:
    """Weight of each bin, ``(313,)`` float32, mean 1 over the pixels it was counted on.

    Args:
        share: ``(313,)``, how much of the training pixels is nearest to each bin; any scale.
        strength: 1 is Zhang's weight, the inverse of an even mix of `share` and the uniform
            distribution; 0 is no rebalancing; between them a power.

    Raises:
        ArgumentError: `share` is not of this form.
    """
    share = np.asarray(share, np.float64)
    if share.shape != (BIN_COUNT,) or not 0 < share.sum() < np.inf or share.min() < 0:
        raise ArgumentError(
            "the colours' shares",
            expected=f"({BIN_COUNT},) numbers, none negative, not all zero",
            got=f"{share.shape}",
            fix="count them with photochrom.gamut.soft_encode",
        )
    share = share / share.sum()
    weight = (0.5 * share + 0.5 / BIN_COUNT) ** -strength
    return np.asarray(weight / (share * weight).sum(), np.float32)


class Parts(NamedTuple):
    """What the loss is made of, each a mean over cells."""

    entropy: Tensor  # rebalanced cross-entropy, nats
    balanced: Tensor  # distance of the annealed mean, rebalanced, in ab
    distance: Tensor  # the same with all cells alike
    uneven: Tensor  # the distance's change between neighbours, in ab


class ColorLoss(nn.Module):
    """Loss of logits against true chroma.

    Args:
        weight: ``(313,)`` of `rebalancing`.
        temperature: T of the annealed mean whose distance counts.
        distance: how much 10 units of ab count, beside the cross-entropy.
    """

    bins: Tensor
    weight: Tensor
    neighbours: Tensor

    def __init__(self, weight: Float, temperature: float, distance: float = 1.0) -> None:
        super().__init__()
        self.temperature, self.distance = temperature, distance
        steps = np.arange(-_EXTENT, _EXTENT + 1, dtype=np.float32)
        grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
        neighbours = soft_encode(grid, _NEIGHBOURS)[0]
        self.register_buffer("bins", torch.from_numpy(bins().copy()), persistent=False)
        self.register_buffer("weight", torch.tensor(weight), persistent=False)
        self.register_buffer("neighbours", torch.from_numpy(neighbours), persistent=False)

    def adjustment(self, tilt: float) -> Tensor:
        """What the logits lose if a part of the rebalancing is taken back: ``(313,)``.

        Menon et al. 2021, "Long-tail learning via logit adjustment".

        Args:
            tilt: that part; negative: so much more is added.
        """
        return tilt * self.weight.log()

    def encode(self, ab: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The truth as targets.

        Args:
            ab: ``(N, 2, h, w)``.

        Returns:
            Indices of the nearest bins and their Gaussian shares, which sum to 1, both
            ``(N, h, w, 5)``; and each pixel's weight, ``(N, h, w)``. The neighbours are those of
            ab rounded to whole units.
        """
        index = self._near(ab)
        square = (self.bins[index] - ab.permute(0, 2, 3, 1)[..., None, :]).square().sum(-1)
        share = torch.softmax(-square / (2 * _SIGMA**2), -1)
        return index, share, (share * self.weight[index]).sum(-1)

    def neighbour(self, ab: Tensor) -> Tensor:
        """The nearest bin of ab ``(N, 2, h, w)``, rounded to whole units: ``(N, h, w)``."""
        return self._near(ab)[..., 0]

    def _near(self, ab: Tensor) -> Tensor:
        cell = ab.round().clamp(-_EXTENT, _EXTENT).long() + _EXTENT
        return self.neighbours[cell[:, 0] * (2 * _EXTENT + 1) + cell[:, 1]]  # (N, h, w, 5)

    def forward(self, logits: Tensor, ab: Tensor, targets: tuple[Tensor, Tensor, Tensor]) -> Parts:
        """The parts of the loss.

        Args:
            logits: ``(N, 313, h, w)``.
            ab: ``(N, 2, h, w)``, the truth.
            targets: `encode` of it.
        """
        index, share, weight = targets
        rows = logits.permute(0, 2, 3, 1).float()  # the bins last: several times faster
        entropy = torch.logsumexp(rows, -1) - (rows.gather(-1, index) * share).sum(-1)
        painted = annealed_mean(rows, self.bins, self.temperature)
        off = (painted - ab.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        # Smooth at zero, where the norm has no gradient.
        far = (off.square().sum(1) + 1.0).sqrt()
        return Parts((entropy * weight).mean(), (far * weight).mean(), far.mean(), _unevenness(off))

    def total(self, parts: Parts) -> Tensor:
        """The one number to minimise."""
        distance = parts.balanced + 0.5 * (parts.distance + parts.uneven)
        return parts.entropy + self.distance * distance / 10


def _unevenness(off: Tensor) -> Tensor:
    """Change of the error ``(N, 2, h, w)`` from cell to cell and over three cells, in all.

    A patch of colour where there is none costs, an edge where there is one does not.
    """
    total = off.new_zeros(())
    for step in (1, 3):
        for axis in (2, 3):
            length = off.shape[axis] - step
            if length < 1:
                continue
            change = off.narrow(axis, step, length) - off.narrow(axis, 0, length)
            total = total + (change.square().sum(1) + 0.25).sqrt().mean()
    return total


def annealed_mean(rows: Tensor, bins: Tensor, temperature: float) -> Tensor:
    """`gamut.annealed_mean` of tensors, with the bins last: ``(..., 313)`` -> ``(..., 2)``."""
    # Not as a matrix product, which mixed precision would take in half: that is off by up to 0.3.
    with torch.autocast(rows.device.type, enabled=False):
        return torch.softmax(rows.float() / temperature, -1) @ bins


_TIGHT = 0.1  # softmax temperature of the likeness of features


def separation(features: Tensor, L: Tensor, ab: Tensor) -> Tensor:
    """How far features say something else than colour, lightness and place do about likeness.

    For every square of 2 x 2 cells, the softmax of its features' products with all others' is
    compared with the one of their distances in ab, L and place (cross-entropy, nats).

    Args:
        features: ``(N, C, h, w)``, of length 1.
        L, ab: ``(N, 1, h, w)`` and ``(N, 2, h, w)``, the truth.
    """
    n, _, h, w = features.shape
    found = functional.normalize(functional.avg_pool2d(features.float(), 2), dim=1).flatten(2)
    down, across = (torch.linspace(0, 1, side // 2, device=ab.device) for side in (h, w))
    place = torch.stack(torch.meshgrid(down, across, indexing="ij")).expand(n, -1, -1, -1)
    shown = functional.avg_pool2d(torch.cat([ab / 8, L / 20], 1), 2)
    true = torch.cat([shown, place / 0.3], 1).flatten(2).transpose(1, 2)
    self_ = torch.eye(true.shape[1], device=ab.device) * 1e4
    target = torch.softmax(-0.5 * torch.cdist(true, true).square() - self_, -1)
    log = torch.log_softmax(found.transpose(1, 2) @ found / _TIGHT - self_, -1)
    return -(target * log).sum(-1).mean()
