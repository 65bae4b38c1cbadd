"""Layers whose sizes are those of the tensors in a state dict.

A network that is built of them fits any width of its kind: the published sizes and the small ones
of tests alike.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .state_dict import State


def imagenet() -> State:
    """Mean and deviation of ImageNet's pictures, which some files keep and others do not."""
    values = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    return {name: torch.tensor(rgb).view(1, 3, 1, 1) for name, rgb in values.items()}


def convolution(
    state: State, name: str, *, stride: int = 1, padding: int | None = None, dilation: int = 1
) -> nn.Conv2d:
    """The convolution `name`; padded to keep the size, unless `padding` says otherwise."""
    weight = state[f"{name}.weight"]
    side = weight.shape[2]
    return nn.Conv2d(
        weight.shape[1],
        weight.shape[0],
        side,
        stride,
        dilation * (side // 2) if padding is None else padding,
        dilation,
        bias=f"{name}.bias" in state,
    )


def norm(state: State, name: str) -> nn.BatchNorm2d:
    """The batch norm `name`."""
    return nn.BatchNorm2d(len(state[f"{name}.weight"]))


def count(state: State, prefix: str) -> int:
    """How many numbers 0, 1, ... follow `prefix` in the names."""
    numbers = {name.removeprefix(prefix).split(".")[0] for name in state if name.startswith(prefix)}
    return sum(number.isdigit() for number in numbers)


class Shuffle(nn.Module):
    """1x1 convolution, ReLU, pixels shuffled to a larger grid, and a blur over 2 x 2 of them.

    The blur takes away the checkerboard that shuffling leaves (Sugawara et al. 2018).
    """

    def __init__(self, state: State, name: str, scale: int = 2) -> None:
        super().__init__()
        layers: list[nn.Module] = [convolution(state, f"{name}.conv.0")]
        if f"{name}.conv.1.weight" in state:
            layers.append(norm(state, f"{name}.conv.1"))
        self.conv = nn.Sequential(*layers)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        x = functional.pixel_shuffle(functional.relu(self.conv(x)), self.scale)
        return functional.avg_pool2d(functional.pad(x, (1, 0, 1, 0), mode="replicate"), 2, 1)
