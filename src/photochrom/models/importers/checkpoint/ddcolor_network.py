"""DDColor: ConvNeXt, a pixel decoder, and a decoder of colour queries.

Kang et al., "DDColor: Towards Photo-Realistic Image Colorization via Dual Decoders", 2023; Liu et
al., "A ConvNet for the 2020s", 2022. Names of the weights are those of the release.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .shaped_layers import Shuffle, convolution, count, imagenet, norm
from .state_dict import State

_HEADS = 8


class DDColor(nn.Module):
    """Grey RGB ``(N, 3, H, W)``, 0...1, sides multiples of 32 -> ab ``(N, 2, H, W)``."""

    mean: Tensor
    std: Tensor

    def __init__(self, state: State) -> None:
        super().__init__()
        for name, values in imagenet().items():
            self.register_buffer(name, values)
        self.encoder = nn.ModuleDict({"arch": _ConvNext(state, "encoder.arch")})
        self.decoder = _Decoder(state)
        self.refine_net = nn.Sequential(nn.Sequential(convolution(state, "refine_net.0.0")))

    def forward(self, rgb: Tensor) -> Tensor:
        x = (rgb - self.mean) / self.std
        ab: Tensor = self.refine_net(torch.cat([self.decoder(self.encoder["arch"](x)), x], 1))
        return ab


class _ConvNext(nn.Module):
    """Gives the normed outputs of its four stages, at strides 4, 8, 16 and 32."""

    def __init__(self, state: State, name: str) -> None:
        super().__init__()
        self.downsample_layers, self.stages = nn.ModuleList(), nn.ModuleList()
        for stage in range(4):
            where = f"{name}.downsample_layers.{stage}"
            first, second = ("0", "1") if stage == 0 else ("1", "0")
            weight = state[f"{where}.{first}.weight"]
            outputs, inputs, side = weight.shape[:3]
            reduce = nn.Conv2d(inputs, outputs, side, side)
            ends = _ChannelNorm(len(state[f"{where}.{second}.weight"]))
            layers = (reduce, ends) if stage == 0 else (ends, reduce)
            self.downsample_layers.append(nn.Sequential(*layers))
            depth = count(state, f"{name}.stages.{stage}.")
            self.stages.append(nn.Sequential(*(_Block(outputs) for _ in range(depth))))
            self.add_module(f"norm{stage}", _ChannelNorm(outputs))

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for stage, (reduce, blocks) in enumerate(
            zip(self.downsample_layers, self.stages, strict=True)
        ):
            x = blocks(reduce(x))
            found.append(getattr(self, f"norm{stage}")(x))
        return found


class _ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of ``(N, C, H, W)``."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.gamma * self.pwconv2(functional.gelu(self.pwconv1(y)))
        return x + y.permute(0, 3, 1, 2)


class _Decoder(nn.Module):
    """Stages -> one map for each colour query, at the full size."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Up(state, f"decoder.layers.{n}") for n in range(3))
        self.last_shuf = Shuffle(state, "decoder.last_shuf", 4)
        self.color_decoder = _Queries(state, "decoder.color_decoder")

    def forward(self, stages: list[Tensor]) -> Tensor:
        x, seen = stages[-1], []
        for up, beside in zip(self.layers, stages[-2::-1], strict=True):
            x = up(x, beside)
            seen.append(x)
        maps: Tensor = self.color_decoder(seen, self.last_shuf(x))
        return maps


class _Up(nn.Module):
    def __init__(self, state: State, name: str) -> None:
        super().__init__()
        self.shuf = Shuffle(state, f"{name}.shuf")
        self.bn = norm(state, f"{name}.bn")
        conv = convolution(state, f"{name}.conv.0")
        self.conv = nn.Sequential(conv, nn.ReLU(), norm(state, f"{name}.conv.2"))

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        joined = functional.relu(torch.cat([self.shuf(x), self.bn(beside)], 1))
        out: Tensor = self.conv(joined)
        return out


class _Queries(nn.Module):
    """Learned queries that look at three scales in turn and become colours."""

    def __init__(self, state: State, name: str) -> None:
        super().__init__()
        self.query_feat, self.query_embed, self.level_embed = (
            nn.Embedding(*state[f"{name}.{each}.weight"].shape)
            for each in ("query_feat", "query_embed", "level_embed")
        )
        scales = count(state, f"{name}.input_proj.")
        self.input_proj = nn.ModuleList(
            convolution(state, f"{name}.input_proj.{n}") for n in range(scales)
        )
        depth = count(state, f"{name}.transformer_ffn_layers.")
        inner = f"{name}.transformer_ffn_layers.0.linear1.weight"
        hidden, width = state[inner].shape
        self.transformer_cross_attention_layers = nn.ModuleList(
            _Attention(width, "multihead_attn") for _ in range(depth)
        )
        self.transformer_self_attention_layers = nn.ModuleList(
            _Attention(width, "self_attn") for _ in range(depth)
        )
        self.transformer_ffn_layers = nn.ModuleList(_Feed(width, hidden) for _ in range(depth))
        self.decoder_norm = nn.LayerNorm(width)
        self.color_embed = _Embed(state, f"{name}.color_embed")
        self.width, self.depth = width, depth

    def forward(self, seen: list[Tensor], image: Tensor) -> Tensor:
        batch = image.shape[0]  # len() would make it a constant of the graph
        values, places = [], []
        for n, (project, level) in enumerate(zip(self.input_proj, seen, strict=True)):
            embedded = project(level).flatten(2) + self.level_embed.weight[n][None, :, None]
            values.append(embedded.permute(0, 2, 1))
            places.append(_places(level.shape[2], level.shape[3], self.width))
        queries = self.query_embed.weight[None].expand(batch, -1, -1)
        x = self.query_feat.weight[None].expand(batch, -1, -1)
        for n in range(self.depth):
            value, place = values[n % len(values)], places[n % len(values)]
            x = self.transformer_cross_attention_layers[n](x, queries, value + place, value)
            x = self.transformer_self_attention_layers[n](x, queries, x + queries, x)
            x = self.transformer_ffn_layers[n](x)
        colors = self.color_embed(self.decoder_norm(x))
        maps: Tensor = torch.einsum("bqc,bchw->bqhw", colors, image)
        return maps


class _Attention(nn.Module):
    """Attention of the queries, added to them and normed."""

    def __init__(self, width: int, name: str) -> None:
        super().__init__()
        self.add_module(name, _Heads(width))
        self.norm, self.name = nn.LayerNorm(width), name

    def forward(self, x: Tensor, queries: Tensor, key: Tensor, value: Tensor) -> Tensor:
        out: Tensor = self.norm(x + getattr(self, self.name)(x + queries, key, value))
        return out


class _Heads(nn.Module):
    """`torch.nn.MultiheadAttention` by its names, batch first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        width = self.out_proj.in_features
        parts = [slice(n * width, (n + 1) * width) for n in range(3)]
        q, k, v = (
            functional.linear(x, self.in_proj_weight[part], self.in_proj_bias[part])
            .reshape(*x.shape[:2], _HEADS, -1)
            .transpose(1, 2)
            for x, part in zip((query, key, value), parts, strict=True)
        )
        share = (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])).softmax(3)
        out: Tensor = self.out_proj((share @ v).transpose(1, 2).flatten(2))
        return out


class _Feed(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(x + self.linear2(functional.relu(self.linear1(x))))
        return out


class _Embed(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, state: State, name: str) -> None:
        super().__init__()
        shapes = [
            state[f"{name}.layers.{n}.weight"].shape for n in range(count(state, f"{name}.layers."))
        ]
        self.layers = nn.ModuleList(nn.Linear(inputs, outputs) for outputs, inputs in shapes)

    def forward(self, x: Tensor) -> Tensor:
        for place, layer in enumerate(self.layers):
            x = layer(functional.relu(x) if place else x)
        return x


def _places(height: int, width: int, channels: int) -> Tensor:
    """Sines and cosines of rows, then of columns: ``(1, height * width, channels)``.

    As in DETR (Carion et al. 2020), rows and columns running to two pi.
    """
    half = channels // 2
    powers = 10000 ** (2 * torch.arange(half // 2, dtype=torch.float32) / half)
    axes = []
    for size in (height, width):
        turns = torch.arange(1, size + 1, dtype=torch.float32) / (size + 1e-6) * (2 * math.pi)
        angles = turns[:, None] / powers
        axes.append(torch.stack([angles.sin(), angles.cos()], 2).flatten(1))
    rows = axes[0][:, None].expand(height, width, half)
    columns = axes[1][None].expand(height, width, half)
    return torch.cat([rows, columns], 2).reshape(1, height * width, channels)
