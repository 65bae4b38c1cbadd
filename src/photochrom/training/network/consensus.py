"""Consensus: places with similar features agree on their colours before the mean is taken."""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional

from .shared_layers import cells_of, map_of, unit

FEATURES = 64
"""Length of a cell's feature vector."""

_WIDTH = 128
_SHARPNESS = 8.0  # of the attention to begin with: the inverse of a softmax temperature


class Consensus(nn.Module):
    """Attention over the cells of a picture, whose values are the colour logits.

    A mean of distributions that disagree is grey; logits that have agreed keep one of several
    colours. Every cell looks at the picture in squares of 2 x 2 cells, by several heads: the first
    compares the feature vectors that the network gives out, the others what they have learnt to
    ask. A gate per cell mixes what the heads see with the cell's own logits.

    Args:
        coarse: channels at stride 16.
        fine: channels at stride 8.
        heads: 2 or more.
    """

    def __init__(self, coarse: int, fine: int, heads: int = 3) -> None:
        super().__init__()
        self.coarse = nn.Sequential(nn.LayerNorm(coarse), nn.Linear(coarse, _WIDTH))
        self.fine = nn.Sequential(nn.LayerNorm(fine), nn.Linear(fine, _WIDTH))
        self.feature = nn.Linear(_WIDTH, FEATURES)
        self.query = nn.Linear(_WIDTH, FEATURES * (heads - 1))
        self.key = nn.Linear(_WIDTH, FEATURES * (heads - 1))
        self.gate = nn.Linear(_WIDTH, heads + 1)
        # Three axes: used as it is, it keeps its name in an export.
        self.sharpness = nn.Parameter(torch.ones(heads, 1, 1))
        with torch.no_grad():  # to begin with: like attends to like, half of it the cell's own
            self.key.load_state_dict(self.query.state_dict())
            self.gate.weight.zero_()
            self.gate.bias.zero_()
            self.gate.bias[-1] = 1.0

    def forward(self, logits: Tensor, coarse: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        """Logits on which like places agree, and features of length 1.

        Args:
            logits: ``(N, 313, h, w)``.
            coarse: ``(N, C, h/2, w/2)``.
            fine: ``(N, C', h, w)``.
        """
        size = fine.shape[2:]
        below = map_of(self.coarse(cells_of(coarse)), coarse.shape[2:])
        x = cells_of(functional.interpolate(below, scale_factor=2.0, mode="nearest"))
        x = x + self.fine(cells_of(fine))
        features = unit(self.feature(x))
        query = torch.cat([features[:, None], _heads(self.query(x))], 1)
        key = torch.cat([features[:, None], _heads(self.key(x))], 1)
        query = query * _SHARPNESS * self.sharpness
        squares = functional.avg_pool2d(logits, 2).flatten(2).transpose(1, 2)
        attention = torch.softmax(query @ _pooled(key, size).transpose(2, 3), 3)
        *gates, own = torch.split(torch.softmax(self.gate(x), 2), 1, 2)
        # In ONNX Runtime a sum of products is faster than a product and its sum over the heads.
        gated = (a * g for a, g in zip(attention.unbind(1), gates, strict=True))
        mixed = reduce(torch.add, gated)
        return map_of(mixed @ squares + own * cells_of(logits), size), map_of(features, size)


def _heads(x: Tensor) -> Tensor:
    """``(N, cells, heads * C)`` -> ``(N, heads, cells, C)``, of length 1."""
    return unit(x.reshape(*x.shape[:2], -1, FEATURES)).transpose(1, 2)


def _pooled(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """Means over squares of 2 x 2 cells, of ``(N, heads, h * w, C)``."""
    squares = functional.avg_pool2d(map_of(x.flatten(0, 1), size), 2)
    return cells_of(squares).reshape(*x.shape[:2], -1, x.shape[3])
