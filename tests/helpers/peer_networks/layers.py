"""Layers that networks of other projects share, and the names of their weights."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="other people's networks are PyTorch's (extra train)")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812


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
