"""Small networks built as the two of DeOldify are."""

from __future__ import annotations

import itertools

import pytest

torch = pytest.importorskip("torch", reason="other people's networks are PyTorch's (extra train)")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from tests.helpers.peer_networks.layers import Shuf, conv_layer, spectral  # noqa: E402


class Weighted(nn.Module):
    """The self-attention of fastai 1."""

    def __init__(self, w: int) -> None:
        super().__init__()
        self.query, self.key = (spectral(nn.Conv1d(w, w // 8, 1, bias=False)) for _ in range(2))
        self.value = spectral(nn.Conv1d(w, w, 1, bias=False))
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        f, g, h = self.query(flat), self.key(flat), self.value(flat)
        beta = F.softmax(torch.bmm(f.transpose(1, 2), g), dim=1)
        return (self.gamma * torch.bmm(h, beta) + flat).view_as(x)


class DeepUp(nn.Module):
    """A block of the U-Net: one convolution (wide) or two (deep)."""

    def __init__(self, i: int, beside: int, up: int, outputs: list[int], attends: bool) -> None:
        super().__init__()
        self.shuf = Shuf(conv_layer(i, up * 4, 1, relu=False))
        self.bn = nn.BatchNorm2d(beside)
        names = ["conv"] if len(outputs) == 1 else ["conv1", "conv2"]
        before = up + beside
        for name, o in zip(names, outputs, strict=True):
            self.add_module(name, conv_layer(before, o))
            before = o
        if attends:
            getattr(self, names[-1]).append(Weighted(before))
        self.names = names

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        x = self.shuf(x)
        if x.shape[-2:] != beside.shape[-2:]:
            x = F.interpolate(x, beside.shape[-2:], mode="nearest")
        x = F.relu(torch.cat([x, self.bn(beside)], 1))
        for name in self.names:
            x = getattr(self, name)(x)
        return x


class Old(nn.Module):
    """As DeOldify: normalised RGB -> normalised RGB.

    Args:
        deep: the artistic one, else the stable one.
        blocks: of the ResNet, in each of four stages.
    """

    def __init__(self, *, deep: bool, blocks: int = 1) -> None:
        super().__init__()
        from torchvision.models.resnet import BasicBlock, Bottleneck

        w = [8, 8, 16, 16, 32]
        self.layers = nn.ModuleDict()
        body = [nn.Conv2d(3, w[0], 7, 2, 3, bias=False), nn.BatchNorm2d(w[0]), nn.ReLU()]
        body.append(nn.MaxPool2d(3, 2, 1))
        for i, o in itertools.pairwise(w):
            stride = 1 if len(body) == 4 else 2
            expand = 1 if deep else 4
            kind = BasicBlock if deep else Bottleneck
            down = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))
            first = kind(i, o // expand, stride, down if i != o or stride > 1 else None)
            others = [kind(o, o // expand) for _ in range(blocks - 1)]
            body.append(nn.Sequential(first, *others))
        self.layers["0"], self.layers["1"] = nn.Sequential(*body), nn.BatchNorm2d(w[-1])
        self.layers["3"] = nn.Sequential(conv_layer(32, 64), conv_layer(64, 32))
        sizes = [(32, w[3], 16), (24, w[2], 12), (24, w[1], 12), (24, w[0], 12)]
        for place, (i, beside, up) in enumerate(sizes):
            outputs = [20, 24] if deep else [24]
            self.layers[str(4 + place)] = DeepUp(i, beside, up, outputs, place == 1)
        last = torch.nn.utils.weight_norm(nn.Conv2d(24, 96, 1))
        self.layers["8"] = Shuf(nn.Sequential(last))
        self.layers["10"] = nn.Module()
        steps = [conv_layer(27, 27, norm=False) for _ in range(2)]
        self.layers["10"].layers = nn.ModuleList(steps)
        self.layers["11"] = conv_layer(27, 3, 1, relu=False, norm=False)

    def forward(self, x: Tensor) -> Tensor:
        layers, body, kept = self.layers, self.layers["0"], {}
        y = x
        for place, layer in enumerate(body):
            y = layer(y)
            kept[place] = y
        y = layers["3"](F.relu(layers["1"](y)))
        for place, stage in enumerate((6, 5, 4, 2)):
            y = layers[str(4 + place)](y, kept[stage])
        y = torch.cat([layers["8"](y), x], 1)
        first, second = layers["10"].layers
        return torch.sigmoid(layers["11"](y + second(first(y)))) * 6 - 3
