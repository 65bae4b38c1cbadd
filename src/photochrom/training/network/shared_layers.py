"""Layers and reshapes that several parts of the network share."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def cells_of(x: Tensor) -> Tensor:
    """``(N, C, h, w)`` -> ``(N, h * w, C)``."""
    # Moving the channels before flattening: these steps cancel between layers in an export.
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def map_of(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """``(N, h * w, C)`` -> ``(N, C, h, w)``."""
    return x.reshape(x.shape[0], *size, x.shape[2]).permute(0, 3, 1, 2)


def unit(x: Tensor) -> Tensor:
    """Vectors ``(..., C)`` of length 1; `functional.normalize` is slower as it is exported."""
    length: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x / length.clamp_min(1e-12)


class Gelu(nn.Module):
    """`nn.GELU`, written as ONNX Runtime knows it and makes one operation of it."""

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))
