"""DeOldify's generators: a ResNet, and a U-Net over it, wide (stable, video) or deep (artistic).

Jason Antic's DeOldify, with the U-Net of fastai 1 (Howard and others); self-attention as in Zhang
et al., "Self-Attention Generative Adversarial Networks", 2018. Names of the weights are those of
the release, whose layers are numbered.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .shaped_layers import Shuffle, convolution, count, imagenet, norm
from .state_dict import State

_RANGE = 3.0  # of the network's result, in standard deviations
_UP = range(4, 8)  # numbers of the U-Net's blocks


class DeOldify(nn.Module):
    """Grey RGB -> RGB, both ``(N, 3, H, W)``, 0...1; sides are multiples of 16."""

    mean: Tensor
    std: Tensor

    def __init__(self, state: State) -> None:
        super().__init__()
        for name, values in imagenet().items():
            self.register_buffer(name, values)
        self.layers = nn.ModuleDict(
            {
                "0": _ResNet(state, "layers.0"),
                "1": norm(state, "layers.1"),
                "3": nn.Sequential(*(_step(state, f"layers.3.{n}") for n in range(2))),
                **{str(n): _Up(state, f"layers.{n}") for n in _UP},
                "8": Shuffle(state, "layers.8"),
                "10": _Residue(state, "layers.10"),
                "11": _step(state, "layers.11", activated=False),
            }
        )

    def forward(self, rgb: Tensor) -> Tensor:
        layers, start = self.layers, (rgb - self.mean) / self.std
        x, stages = layers["0"](start)
        x = layers["3"](functional.relu(layers["1"](x)))
        for number, beside in zip(_UP, reversed(stages), strict=True):
            x = layers[str(number)](x, beside)
        x = torch.cat([layers["8"](x), start], 1)
        x = layers["11"](layers["10"](x))
        out: Tensor = (x.sigmoid() * 2 * _RANGE - _RANGE) * self.std + self.mean
        return out


class _ResNet(nn.Module):
    """Gives its last result, and those before its size was halved: strides 2, 4, 8 and 16."""

    def __init__(self, state: State, name: str) -> None:
        super().__init__()
        self.add_module("0", convolution(state, f"{name}.0", stride=2))
        self.add_module("1", norm(state, f"{name}.1"))
        for stage in range(4, 8):
            where = f"{name}.{stage}"
            blocks = [
                _Bottleneck(state, f"{where}.{n}", stride=2 if n == 0 and stage > 4 else 1)
                for n in range(count(state, f"{where}."))
            ]
            self.add_module(str(stage), nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        layers = dict(self.named_children())
        x = functional.relu(layers["1"](layers["0"](x)))
        stages = [x]
        x = functional.max_pool2d(x, 3, 2, 1)
        for stage in range(4, 8):
            x = layers[str(stage)](x)
            stages.append(x)
        return x, stages[:-1]


class _Bottleneck(nn.Module):
    """A residual block of two convolutions, or of three as the state dict has them."""

    def __init__(self, state: State, name: str, stride: int) -> None:
        super().__init__()
        self.steps = [n for n in (1, 2, 3) if f"{name}.conv{n}.weight" in state]
        for n in self.steps:
            # Of three, the second is the one of 3 x 3, which halves the size.
            halves = n == (2 if len(self.steps) == 3 else 1)
            conv = convolution(state, f"{name}.conv{n}", stride=stride if halves else 1)
            self.add_module(f"conv{n}", conv)
            self.add_module(f"bn{n}", norm(state, f"{name}.bn{n}"))
        if f"{name}.downsample.0.weight" in state:
            conv = convolution(state, f"{name}.downsample.0", stride=stride)
            self.downsample = nn.Sequential(conv, norm(state, f"{name}.downsample.1"))
        else:
            self.downsample = nn.Sequential()

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for n in self.steps:
            y = getattr(self, f"bn{n}")(getattr(self, f"conv{n}")(y))
            if n != self.steps[-1]:
                y = functional.relu(y)
        return functional.relu(y + self.downsample(x))


class _Up(nn.Module):
    """Enlarges, joins what the ResNet had at that size, and convolves once or twice."""

    def __init__(self, state: State, name: str) -> None:
        super().__init__()
        self.shuf = Shuffle(state, f"{name}.shuf")
        self.bn = norm(state, f"{name}.bn")
        self.steps = [n for n in ("conv", "conv1", "conv2") if f"{name}.{n}.0.weight" in state]
        for step in self.steps:
            self.add_module(step, _step(state, f"{name}.{step}"))

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        x = functional.interpolate(self.shuf(x), beside.shape[-2:], mode="nearest")
        x = functional.relu(torch.cat([x, self.bn(beside)], 1))
        for step in self.steps:
            x = getattr(self, step)(x)
        return x


class _Residue(nn.Module):
    def __init__(self, state: State, name: str) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(_step(state, f"{name}.layers.{n}") for n in range(2)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.layers(x)
        return out


def _step(state: State, name: str, *, activated: bool = True) -> nn.Sequential:
    """Convolution, ReLU, norm and attention, the latter two where the state dict has them."""
    layers: list[nn.Module] = [convolution(state, f"{name}.0")]
    if activated:
        layers.append(nn.ReLU())
    if f"{name}.2.running_mean" in state:
        layers.append(norm(state, f"{name}.2"))
    if f"{name}.3.gamma" in state:
        layers.append(_SelfAttention(state, f"{name}.3"))
    return nn.Sequential(*layers)


class _SelfAttention(nn.Module):
    """Every place takes from all others, as far as they are alike."""

    def __init__(self, state: State, name: str) -> None:
        super().__init__()
        for each in ("query", "key", "value"):
            outputs, inputs = state[f"{name}.{each}.weight"].shape[:2]
            self.add_module(each, nn.Conv1d(inputs, outputs, 1, bias=False))
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        query, key, value = (getattr(self, each)(flat) for each in ("query", "key", "value"))
        share = (query.transpose(1, 2) @ key).softmax(1)
        out: Tensor = (self.gamma * (value @ share) + flat).reshape(x.shape)
        return out
