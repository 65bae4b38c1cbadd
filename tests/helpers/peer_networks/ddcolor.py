"""A small network built as DDColor is."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="other people's networks are PyTorch's (extra train)")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from tests.helpers.peer_networks.layers import Shuf, conv_layer  # noqa: E402


class First(nn.LayerNorm):
    """Layer norm of the first axis after the batch."""

    def forward(self, x: Tensor) -> Tensor:
        u = x.mean(1, keepdim=True)
        x = (x - u) / torch.sqrt((x - u).pow(2).mean(1, keepdim=True) + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class NextBlock(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(w, w, 7, padding=3, groups=w)
        self.norm = nn.LayerNorm(w, eps=1e-6)
        self.pwconv1, self.pwconv2 = nn.Linear(w, 4 * w), nn.Linear(4 * w, w)
        self.gamma = nn.Parameter(torch.ones(w))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))
        return x + y.permute(0, 3, 1, 2)


class Next(nn.Module):
    def __init__(self, widths: list[int], blocks: int) -> None:
        super().__init__()
        reduce = [nn.Sequential(nn.Conv2d(3, widths[0], 4, 4), First(widths[0]))]
        for i, o in itertools.pairwise(widths):
            reduce.append(nn.Sequential(First(i), nn.Conv2d(i, o, 2, 2)))
        self.downsample_layers = nn.ModuleList(reduce)
        self.stages = nn.ModuleList(
            nn.Sequential(*(NextBlock(w) for _ in range(blocks))) for w in widths
        )
        for place, w in enumerate(widths):
            self.add_module(f"norm{place}", First(w))
        self.norm = nn.LayerNorm(widths[-1])

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for place, (reduce, stage) in enumerate(
            zip(self.downsample_layers, self.stages, strict=True)
        ):
            x = stage(reduce(x))
            found.append(getattr(self, f"norm{place}")(x))
        return found


class WideUp(nn.Module):
    def __init__(self, i: int, beside: int, o: int, up: int) -> None:
        super().__init__()
        self.shuf = Shuf(conv_layer(i, up * 4, 1, relu=False))
        self.bn = nn.BatchNorm2d(beside)
        self.conv = conv_layer(up + beside, o)

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        return self.conv(F.relu(torch.cat([self.shuf(x), self.bn(beside)], 1)))


class Attend(nn.Module):
    def __init__(self, name: str, w: int) -> None:
        super().__init__()
        self.add_module(name, nn.MultiheadAttention(w, 8))
        self.norm = nn.LayerNorm(w)

    def forward(self, x: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        attention = next(iter(self.children()))
        return self.norm(x + attention(query, key, value, need_weights=False)[0])


class Feed(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        self.linear1, self.linear2, self.norm = nn.Linear(w, 48), nn.Linear(48, w), nn.LayerNorm(w)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x + self.linear2(F.relu(self.linear1(x))))


def sines(x: Tensor, half: int) -> Tensor:
    """``(H * W, 1, 2 * half)``: rows first."""
    ones = torch.ones(x.shape[2:])
    power = 10000 ** (2 * (torch.arange(half) // 2) / half)
    found = []
    for axis in (0, 1):
        turns = ones.cumsum(axis)
        last = turns[-1:, :] if axis == 0 else turns[:, -1:]
        angles = (turns / (last + 1e-6) * 2 * np.pi)[..., None] / power
        found.append(torch.stack([angles[..., ::2].sin(), angles[..., 1::2].cos()], 3).flatten(2))
    return torch.cat(found, 2).flatten(0, 1)[:, None]


class Queries(nn.Module):
    def __init__(self, inputs: list[int], w: int, count: int, depth: int) -> None:
        super().__init__()
        self.w = w
        self.query_feat, self.query_embed = nn.Embedding(count, w), nn.Embedding(count, w)
        self.level_embed = nn.Embedding(len(inputs), w)
        self.input_proj = nn.ModuleList(nn.Conv2d(i, w, 1) for i in inputs)
        layers: dict[str, Callable[[], nn.Module]] = {
            "self_attention": lambda: Attend("self_attn", w),
            "cross_attention": lambda: Attend("multihead_attn", w),
            "ffn": lambda: Feed(w),
        }
        for name, make in layers.items():
            made = nn.ModuleList(make() for _ in range(depth))
            self.add_module(f"transformer_{name}_layers", made)
        self.decoder_norm = nn.LayerNorm(w)
        self.color_embed = nn.Module()
        self.color_embed.layers = nn.ModuleList([nn.Linear(w, w), nn.Linear(w, w), nn.Linear(w, w)])

    def forward(self, levels: list[Tensor], image: Tensor) -> Tensor:
        batch = len(image)
        places = [sines(each, self.w // 2) for each in levels]
        sources = [
            (project(each).flatten(2) + self.level_embed.weight[n][None, :, None]).permute(2, 0, 1)
            for n, (project, each) in enumerate(zip(self.input_proj, levels, strict=True))
        ]
        embed = self.query_embed.weight[:, None].repeat(1, batch, 1)
        x = self.query_feat.weight[:, None].repeat(1, batch, 1)
        for n in range(len(self.transformer_ffn_layers)):
            source, place = sources[n % len(sources)], places[n % len(sources)]
            cross = self.transformer_cross_attention_layers[n]
            x = cross(x, x + embed, source + place, source)
            x = self.transformer_self_attention_layers[n](x, x + embed, x + embed, x)
            x = self.transformer_ffn_layers[n](x)
        x = self.decoder_norm(x).transpose(0, 1)
        first, second, third = self.color_embed.layers
        colors = third(F.relu(second(F.relu(first(x)))))
        return torch.einsum("bqc,bchw->bqhw", colors, image)


class Color(nn.Module):
    """As DDColor: grey RGB 0...1 -> ab.

    Args:
        depth: of the queries; they look at one of three scales in each.
        blocks: of the encoder, in each of four stages.
    """

    def __init__(self, *, depth: int = 1, blocks: int = 1) -> None:
        super().__init__()
        widths, nf, w = [8, 12, 16, 24], 32, 16
        self.encoder = nn.Module()
        self.encoder.arch = Next(widths, blocks)
        self.decoder = nn.Module()
        ends = [(24, 16, nf), (nf, 12, nf), (nf, 8, nf // 2)]
        self.decoder.layers = nn.ModuleList(WideUp(i, b, o, o) for i, b, o in ends)
        last = nf // 2
        self.decoder.last_shuf = Shuf(conv_layer(last, last * 16, 1, relu=False, norm=False), 4)
        self.decoder.color_decoder = Queries([nf, nf, nf // 2], w, 5, depth)
        self.refine_net = nn.Sequential(conv_layer(5 + 3, 2, 1, relu=False, norm=False))
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, rgb: Tensor) -> Tensor:
        x = (rgb - self.mean) / self.std
        stages = self.encoder.arch(x)
        y, levels = stages[3], []
        for up, beside in zip(self.decoder.layers, stages[2::-1], strict=True):
            y = up(y, beside)
            levels.append(y)
        maps = self.decoder.color_decoder(levels, self.decoder.last_shuf(y))
        return self.refine_net(torch.cat([maps, x], 1)) * 3
