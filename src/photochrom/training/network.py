"""The network: L in, a distribution over the 313 gamut bins out, on a quarter of the size.

A U-Net: an EfficientNet-B4 encoder, a vector of global context added where the picture is
smallest, and a decoder that comes up to stride 4 with a skip from the encoder at each step.
"""

from __future__ import annotations

from typing import Any

import timm
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional

_SKIPS = (32, 56, 160, 448)  # channels of the encoder at strides 4, 8, 16 and 32
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


class ColorNetwork(nn.Module):
    """L ``(N, 1, H, W)``, 0...100, sides multiples of 32 -> logits ``(N, 313, H/4, W/4)``."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        encoder: Any = timm.create_model(
            "tf_efficientnet_b4", features_only=True, pretrained=False, out_indices=(1, 2, 3, 4)
        )
        # The last residual block's ImageNet weights are not available; the rest does without.
        encoder.blocks[6][1] = nn.Identity()
        _make_padding_static(encoder)
        self.enc = encoder
        deepest = _SKIPS[3]
        self.ctx = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(deepest, deepest, 1),
            nn.ReLU(),
            nn.Conv2d(deepest, deepest, 1),
        )
        self.u16 = _Up(deepest, _SKIPS[2], 256)
        self.u8 = _Up(256, _SKIPS[1], 160)
        self.u4 = _Up(160, _SKIPS[0], 128)
        self.head = nn.Conv2d(128, 313, 1)
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_IMAGENET_STD).view(1, 3, 1, 1))

    def forward(self, L: Tensor) -> Tensor:
        s4, s8, s16, s32 = self.enc((L / 100 - self.mean) / self.std)
        x = self.u16(s32 + self.ctx(s32), s16)
        logits: Tensor = self.head(self.u4(self.u8(x, s8), s4))
        return logits


class _Block(nn.Module):
    """Residual block of two 3x3 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.an = nn.BatchNorm2d(channels)
        self.b = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.bn(self.b(functional.relu(self.an(self.a(x))))))


class _Up(nn.Module):
    """Twice the size: the deeper features reduced and enlarged, plus the encoder's skip."""

    def __init__(self, deeper: int, skip: int, channels: int) -> None:
        super().__init__()
        self.red = _pointwise(deeper, channels)
        self.lat = _pointwise(skip, channels)
        self.blk = nn.Sequential(_Block(channels))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        enlarged = functional.interpolate(self.red(x), scale_factor=2.0, mode="nearest")
        result: Tensor = self.blk(functional.relu(enlarged + self.lat(skip)))
        return result


def _pointwise(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))


def _make_padding_static(module: nn.Module) -> None:
    """Replace TensorFlow's "same" padding, computed from each input's size, by constant padding.

    While all sides are multiples of 32 the padding never changes, and a graph with constants
    exports to ONNX for every size.
    """
    for name, child in module.named_children():
        if isinstance(child, Conv2dSame):
            setattr(module, name, _StaticSame(child))
        else:
            _make_padding_static(child)


class _StaticSame(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding for even input sizes."""

    def __init__(self, same: nn.Conv2d) -> None:
        kernel, stride = same.kernel_size[0], same.stride[0]
        super().__init__(
            same.in_channels,
            same.out_channels,
            kernel,
            stride,
            groups=same.groups,
            bias=same.bias is not None,
        )
        total = kernel - stride
        self.same_padding = (total // 2, total - total // 2) * 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.pad(x, self.same_padding))
