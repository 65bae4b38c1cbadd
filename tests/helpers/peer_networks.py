"""Small networks of the kinds that other projects publish, written as those projects run them.

They are made of PyTorch's own layers, with spectral norm, hooks for the stages and L as each takes
it, so that they say what an import has to give. Their weights are random and seeded.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="other people's networks are PyTorch's (extra train)")


from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from photochrom.gamut import bins  # noqa: E402


def settled(network: nn.Module, *sample: Tensor) -> nn.Module:
    """Norms that have seen something, and layer scales that count."""
    with torch.no_grad():
        network.train()
        for _ in range(5):
            network(*sample)
        for name, value in network.named_parameters():
            if name.endswith("gamma"):
                value.fill_(0.4)
    return network.eval()


def block(*channels: int, stride: int = 1, dilation: int = 1, first: bool = False) -> nn.Sequential:
    layers: list[nn.Module] = [nn.ReLU()] if first else []
    pairs = list(itertools.pairwise(channels))
    for place, (i, o) in enumerate(pairs):
        step = stride if place == len(pairs) - 1 else 1
        layers += [nn.Conv2d(i, o, 3, step, dilation, dilation), nn.ReLU()]
    return nn.Sequential(*layers, nn.BatchNorm2d(channels[-1]))


class Eccv(nn.Module):
    """L 0...100 -> ab at the size of L."""

    def __init__(self, w: int = 8) -> None:
        super().__init__()
        self.model1 = block(1, w, w, stride=2)
        self.model2 = block(w, w, w, stride=2)
        self.model3 = block(w, w, w, w, stride=2)
        self.model4, self.model7 = block(w, w, w, w), block(w, w, w, w)
        self.model5, self.model6 = block(w, w, w, w, dilation=2), block(w, w, w, w, dilation=2)
        self.model8 = nn.Sequential(
            nn.ConvTranspose2d(w, w, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(w, w, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(w, w, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(w, 313, 1),
        )
        self.model_out = nn.Conv2d(313, 2, 1, bias=False)
        with torch.no_grad():
            self.model8[6].weight.mul_(20)
            self.model_out.weight.copy_(torch.from_numpy(bins().T[:, :, None, None] / 110))

    def forward(self, L: Tensor) -> Tensor:
        x = (L - 50) / 100
        for number in range(1, 9):
            x = getattr(self, f"model{number}")(x)
        ab = self.model_out(x.softmax(1))
        return F.interpolate(ab, scale_factor=4, mode="bilinear") * 110


class Siggraph(nn.Module):
    """L, ab and mask of hints -> ab."""

    def __init__(self, w: int = 8) -> None:
        super().__init__()
        self.model1, self.model2, self.model3 = block(4, w, w), block(w, w, w), block(w, w, w, w)
        self.model4, self.model7 = block(w, w, w, w), block(w, w, w, w)
        self.model5, self.model6 = block(w, w, w, w, dilation=2), block(w, w, w, w, dilation=2)
        for number in (8, 9, 10):
            self.add_module(f"model{number}up", nn.Sequential(nn.ConvTranspose2d(w, w, 4, 2, 1)))
        for name in ("model3short8", "model2short9", "model1short10"):
            self.add_module(name, nn.Sequential(nn.Conv2d(w, w, 3, 1, 1)))
        self.model8, self.model9 = block(w, w, w, first=True), block(w, w, first=True)
        self.model10 = nn.Sequential(nn.ReLU(), nn.Conv2d(w, w, 3, 1, 1), nn.LeakyReLU(0.2))
        self.model_class = nn.Sequential(nn.Conv2d(w, 529, 1))
        self.model_out = nn.Sequential(nn.Conv2d(w, 2, 1), nn.Tanh())

    def forward(self, L: Tensor, ab: Tensor, mask: Tensor) -> Tensor:
        one = self.model1(torch.cat(((L - 50) / 100, ab / 110, mask), 1))
        two = self.model2(one[..., ::2, ::2])
        three = self.model3(two[..., ::2, ::2])
        x = self.model7(self.model6(self.model5(self.model4(three[..., ::2, ::2]))))
        x = self.model8(self.model8up(x) + self.model3short8(three))
        x = self.model9(self.model9up(x) + self.model2short9(two))
        x = self.model10(self.model10up(x) + self.model1short10(one))
        return self.model_out(x) * 110


def spectral(conv: nn.Module) -> nn.Module:
    """Under the names ``weight_orig``, ``weight_u``, ``weight_v`` that published weights have."""
    return torch.nn.utils.spectral_norm(conv)


def conv_layer(i: int, o: int, side: int = 3, *, relu: bool = True, norm: bool = True) -> Any:
    layers: list[nn.Module] = [spectral(nn.Conv2d(i, o, side, padding=side // 2, bias=not norm))]
    layers += [nn.ReLU()] if relu else []
    return nn.Sequential(*layers, *([nn.BatchNorm2d(o)] if norm else []))


class Shuf(nn.Module):
    def __init__(self, conv: nn.Module, scale: int = 2) -> None:
        super().__init__()
        self.conv, self.shuf = conv, nn.PixelShuffle(scale)
        self.pad, self.blur = nn.ReplicationPad2d((1, 0, 1, 0)), nn.AvgPool2d(2, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.blur(self.pad(self.shuf(F.relu(self.conv(x)))))


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


def renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same with the names that `torch.nn.utils.parametrizations` would give spectral norms."""
    names = {"weight_orig": "original", "weight_u": "0._u", "weight_v": "0._v"}
    found = {}
    for name, value in state.items():
        base, _, last = name.rpartition(".")
        spectral_norm = f"{base}.weight_orig" in state and last in names
        whole = f"{base}.parametrizations.weight.{names[last]}" if spectral_norm else name
        found[whole] = value
    return found


__all__ = ["Color", "Eccv", "Old", "Siggraph", "renamed", "settled", "torch"]
