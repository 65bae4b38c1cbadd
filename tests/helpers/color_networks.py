"""Small networks to train, what they are asked, and weights for them that do something."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from photochrom.training.network.color_network import ColorNetwork

SMALL = "mobilenetv3_small_050"
SMALL_SAME = "tf_mobilenetv3_small_minimal_100"  # with TensorFlow's padding

State = dict[str, Tensor]


def fresh(encoder: str, **options: Any) -> ColorNetwork:
    """An untrained network, the same each time."""
    torch.manual_seed(1)
    return ColorNetwork(encoder, **options)


def listening(network: ColorNetwork, entries: tuple[int, ...] = (0, 1, 2)) -> ColorNetwork:
    """With weights, instead of zeros, where hints at those of strides 8, 16, 32 come in."""
    for entry in entries:
        nn.init.normal_(network.hints[entry].outer.weight)
    return network


def randomise(module: nn.Module) -> None:
    """Statistics of norms like those of a trained network, so that none of them does nothing."""
    for name, tensor in (*module.named_buffers(), *module.named_parameters()):
        if name.endswith("running_var"):
            tensor.data.uniform_(0.5, 2)
        elif tensor.is_floating_point() and tensor.ndim == 1:
            tensor.data.add_(torch.randn_like(tensor) / 4)


def grey(n: int, height: int, width: int) -> Tensor:
    """L of random pictures, ``(n, 1, height, width)``."""
    return torch.rand(n, 1, height, width, generator=torch.Generator().manual_seed(2)) * 100


def unhinted(L: Tensor) -> tuple[Tensor, Tensor]:
    """ab and mask without a hint."""
    return torch.zeros_like(L).expand(-1, 2, -1, -1).clone(), torch.zeros_like(L)


def one_hint(L: Tensor, y: slice | int, x: slice | int) -> tuple[Tensor, Tensor]:
    """ab and mask with one colour at these places of the first picture."""
    ab, mask = unhinted(L)
    ab[0, 0, y, x], ab[0, 1, y, x], mask[0, 0, y, x] = 60, -40, 1
    return ab, mask
