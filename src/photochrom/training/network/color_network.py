"""The network: L and hints in; at stride 8 a distribution over the bins and feature vectors out.

A U-Net down to stride 8: an encoder trained on ImageNet, a vector of global context added at
stride 32, attention at stride 16, convolutions at strides 16 and 8, and `Consensus` over the
logits. Hints enter at strides 32, 16 and 8; without any they add zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import timm
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional

from ...errors import ArgumentError
from ...gamut import BIN_COUNT
from .consensus import Consensus
from .norms import fold_norms
from .region_head import RegionHead
from .shared_layers import Gelu, cells_of, map_of

ENCODER = "tf_efficientnet_b4"
"""The encoder of the bundled model, by its name in timm."""

STRIDE = 8
"""Pixels of the input per cell of the output, each way."""

_STRIDES = (4, 8, 16, 32)  # of the encoder's features
_WIDTHS = (256, 128)  # channels of the decoder at strides 16 and 8
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


class Output(NamedTuple):
    """What the network says of pictures.

    Attributes:
        logits: ``(N, 313, H/8, W/8)`` over the gamut bins.
        features: ``(N, 64, H/8, W/8)``, of length 1: cells of one colour, lightness and place
            point the same way, in other pictures too.
        regions: ``(N, 64, H/8, W/8)``, of length 1: of one picture, cells of one region point the
            same way; None for a network without a `RegionHead`.
    """

    logits: Tensor
    features: Tensor
    regions: Tensor | None = None


class ColorNetwork(nn.Module):
    """L ``(N, 1, H, W)``, 0...100, sides multiples of 32 -> `Output` at stride 8.

    Args:
        encoder: name of a timm encoder with features at strides 4, 8, 16 and 32.
        pretrained: whether timm fetches its ImageNet weights.
        without: names of the encoder's modules to leave out (residual blocks, whose place an
            identity takes), where weights exist only for the rest.

    Attributes:
        point: temperature and factor of chroma that the model of these weights was calibrated to;
            None before.
        folded: the encoder's norms that are parts of its convolutions.
        regions: the head that tells regions apart; None before `add_region_head`.

    Raises:
        ArgumentError: timm has no such encoder, or its features do not fit.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, encoder: str = ENCODER, *, pretrained: bool = False, without: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.point: tuple[float, float] | None = None
        self.enc, skips = _encoder(encoder, pretrained)
        try:
            self.folded = fold_norms(self.enc, "enc.")
        except (RuntimeError, AssertionError) as error:  # of encoders for one size of pictures
            raise _bad_encoder(encoder, str(error)) from None
        for name in without:
            self.enc.set_submodule(name, nn.Identity())
        coarse, fine = _WIDTHS
        _, skip8, skip16, deepest = skips
        self.ctx = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(deepest, deepest, 1),
            nn.ReLU(),
            nn.Conv2d(deepest, deepest, 1),
        )
        self.u16 = _Up(deepest, skip16, coarse, convolutions=2)
        self.att = nn.Sequential(*(_Attention(coarse) for _ in range(3)))
        self.u8 = _Up(coarse, skip8, fine, convolutions=1)
        self.head = nn.Conv2d(fine, BIN_COUNT, 1)
        self.hints = nn.ModuleList(_HintEntry(c) for c in (fine, coarse, deepest))
        self.consensus = Consensus(coarse, fine)
        self.regions: RegionHead | None = None
        self._maps = (fine, 1), (coarse, 2), (skip8, 1), (skip16, 2), (deepest, 4)
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_IMAGENET_STD).view(1, 3, 1, 1))
        self.train()  # the encoder is not, from the beginning: Lightning keeps modes as they are

    def forward(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> Output:
        """The colours of pictures.

        Args:
            L: ``(N, 1, H, W)``, 0...100.
            hint_ab: ``(N, 2, H, W)`` ab.
            hint_mask: ``(N, 1, H, W)``, 1 where `hint_ab` counts, else 0.
        """
        return self.decode(self.encode(L), hint_ab, hint_mask)

    def encode(self, L: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The encoder's features at strides 8, 16 and 32."""
        _, s8, s16, s32 = self.enc((L / 100 - self.mean) / self.std)
        return s8, s16, s32

    def decode(self, encoded: Sequence[Tensor], hint_ab: Tensor, hint_mask: Tensor) -> Output:
        """The colours, from `encode` and hints."""
        s8, s16, s32 = encoded
        known = functional.avg_pool2d(torch.cat([hint_ab * hint_mask / 110, hint_mask], 1), STRIDE)
        h8, h16, h32 = (
            entry(known if part == 1 else functional.avg_pool2d(known, part))
            for entry, part in zip(self.hints, (1, 2, 4), strict=True)
        )
        coarse = self.att(self.u16(s32 + self.ctx(s32) + h32, s16, h16))
        fine = self.u8(coarse, s8, h8)
        logits, features = self.consensus(self.head(fine), coarse, fine)
        if self.regions is None:
            return Output(logits, features)
        return Output(logits, features, self.regions((fine, coarse, s8, s16, s32)))

    def add_region_head(self) -> RegionHead:
        """Give the network an untrained head for regions, if it has none.

        Its weights need no gradient: they are trained by `loop.region_phase` alone.
        """
        if self.regions is None:
            self.regions = RegionHead(self._maps).requires_grad_(False)
        return self.regions

    def train(self, mode: bool = True) -> ColorNetwork:
        """As usual, but the encoder's statistics stay ImageNet's: crops are few and small.

        Most of them are parts of convolutions anyway, see `folded`.
        """
        super().train(mode)
        self.enc.eval()
        return self


class _HintEntry(nn.Module):
    """Where hints come in: the mean hinted ab of each cell and whether there is one.

    Without bias, so that cells without hints give zero; and zero to begin with, so that hints can
    be added to a network that was trained without.
    """

    def __init__(self, channels: int, hidden: int = 64) -> None:
        super().__init__()
        self.inner = nn.Conv2d(3, hidden, 1, bias=False)
        self.outer = nn.Conv2d(hidden, channels, 1, bias=False)
        nn.init.zeros_(self.outer.weight)

    def forward(self, known: Tensor) -> Tensor:
        share = known[:, 2:]  # of the cell's pixels that have a hint
        cells = torch.cat([known[:, :2] / share.clamp(min=1e-4), (share > 0).to(share)], 1)
        result: Tensor = self.outer(functional.relu(self.inner(cells)))
        return result


class _Attention(nn.Module):
    """A transformer block over all places: an object's far ends hear of each other.

    It has no notion of place, so that it serves every picture size; the features know theirs.
    It adds zero to begin with.
    """

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        last = nn.Linear(2 * channels, channels)
        self.mlp = nn.Sequential(nn.Linear(channels, 2 * channels), Gelu(), last)
        for adding in (self.out, last):
            nn.init.zeros_(adding.weight)
            nn.init.zeros_(adding.bias)

    def forward(self, x: Tensor) -> Tensor:
        tokens = cells_of(x)
        parts = self.qkv(self.before(tokens)).unflatten(2, (3, self.heads, -1))
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(q, k, v)
        tokens = tokens + self.out(seen.transpose(1, 2).flatten(2))
        tokens = tokens + self.mlp(self.between(tokens))
        return map_of(tokens, x.shape[2:])


class _Up(nn.Module):
    """Twice the size: the deeper features reduced and enlarged, plus skip and hints.

    Then 3x3 convolutions, as one residual block that adds zero to begin with.
    """

    def __init__(self, deeper: int, skip: int, channels: int, convolutions: int) -> None:
        super().__init__()
        self.red, self.lat = nn.Conv2d(deeper, channels, 1), nn.Conv2d(skip, channels, 1)
        layers: list[nn.Module] = []
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()]
        self.blk = nn.Sequential(*layers[:-1])
        last = self.blk[-1]
        nn.init.zeros_(last.weight)  # type: ignore[arg-type]
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, skip: Tensor, hints: Tensor) -> Tensor:
        enlarged = functional.interpolate(self.red(x), scale_factor=2.0, mode="nearest")
        x = functional.relu(enlarged + self.lat(skip) + hints)
        return functional.relu(x + self.blk(x))


def _encoder(name: str, pretrained: bool) -> tuple[Any, list[int]]:
    """timm's encoder and its channels at the four strides."""
    try:
        probe: Any = timm.create_model(name, features_only=True, pretrained=False)
        places = [i for i, r in enumerate(probe.feature_info.reduction()) if r in _STRIDES]
        encoder: Any = timm.create_model(
            name, features_only=True, pretrained=pretrained, out_indices=places
        )
    except (RuntimeError, AttributeError, TypeError) as error:
        raise _bad_encoder(name, str(error)) from None
    if tuple(encoder.feature_info.reduction()) != _STRIDES:
        raise _bad_encoder(name, f"features at strides {encoder.feature_info.reduction()}")
    _make_padding_static(encoder)
    return encoder, list(encoder.feature_info.channels())


def _bad_encoder(name: str, got: str) -> ArgumentError:
    return ArgumentError(
        f"the encoder {name} cannot be used",
        expected="a name of timm.list_models() with features at strides 4, 8, 16 and 32, "
        "for pictures of any size",
        got=got,
        fix=f"try {ENCODER}, convnext_tiny or resnet50",
    )


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
        if same.weight.device.type != "meta":
            self.load_state_dict(same.state_dict())
        total = max(kernel - stride, 0)
        self.same_padding = (total // 2, total - total // 2) * 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.pad(x, self.same_padding))
