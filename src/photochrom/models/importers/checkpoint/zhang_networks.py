"""The two networks of Richard Zhang's PyTorch release: ECCV 2016 and SIGGRAPH 2017.

Zhang, Isola, Efros, "Colorful Image Colorization", 2016; Zhang et al., "Real-Time User-Guided Image
Colorization with Learned Deep Priors", 2017. Names of the weights are those of the release.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ....gamut import BIN_COUNT, bins
from .shaped_layers import convolution, norm
from .state_dict import State

_AB = 110  # the networks' unit of ab
_L = 100  # and of L - 50

# Layers by their places: c a convolution, t one that doubles the size, r ReLU, l LeakyReLU, n norm.
_TRUNK = {
    "model1": "crcrn",
    "model2": "crcrn",
    "model3": "crcrcrn",
    "model4": "crcrcrn",
    "model5": "crcrcrn",
    "model6": "crcrcrn",
    "model7": "crcrcrn",
}
_DILATION = {"model5": 2, "model6": 2}


class Eccv16(nn.Module):
    """L - 50 ``(N, 1, H, W)``, sides multiples of 8 -> ab and logits on a quarter of the grid.

    The release's own forward takes L and enlarges ab bilinearly to its size; here `GuidedChroma`
    does that, along the edges. Logits are given where the last weights are the colours of the 313
    gamut bins.
    """

    def __init__(self, state: State) -> None:
        super().__init__()
        for name, layers in _TRUNK.items():
            strided = name in ("model1", "model2", "model3")
            self.add_module(name, _sequence(state, name, layers, strided=strided))
        self.model8 = _sequence(state, "model8", "trcrcrc")
        self.model_out = convolution(state, "model_out")
        colors = state["model_out.weight"].flatten(1).T.numpy() * _AB
        self.has_bins = colors.shape == (BIN_COUNT, 2) and bool(np.abs(colors - bins()).max() < 0.5)

    def forward(self, centred: Tensor) -> tuple[Tensor, ...]:
        x = centred / _L
        for name in _TRUNK:
            x = getattr(self, name)(x)
        logits = self.model8(x)
        ab = self.model_out(logits.softmax(1)) * _AB
        return (ab, logits) if self.has_bins else (ab,)


class Siggraph17(nn.Module):
    """L, hint map ab, hint mask -> ab ``(N, 2, H, W)``; sides are multiples of 8."""

    def __init__(self, state: State) -> None:
        super().__init__()
        for name, layers in _TRUNK.items():
            self.add_module(name, _sequence(state, name, layers))
        self.model8up, self.model9up, self.model10up = (
            _sequence(state, f"model{n}up", "t") for n in (8, 9, 10)
        )
        self.model8 = _sequence(state, "model8", "rcrcrn")
        self.model9 = _sequence(state, "model9", "rcrn")
        self.model10 = _sequence(state, "model10", "rcl")
        self.model3short8 = _sequence(state, "model3short8", "c")
        self.model2short9 = _sequence(state, "model2short9", "c")
        self.model1short10 = _sequence(state, "model1short10", "c")
        self.model_out = _sequence(state, "model_out", "c")

    def forward(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> Tensor:
        x = torch.cat([(L - 50) / _L, hint_ab / _AB, hint_mask], 1)
        trunk = dict(self.named_children())
        one = trunk["model1"](x)
        two = trunk["model2"](one[:, :, ::2, ::2])
        three = trunk["model3"](two[:, :, ::2, ::2])
        x = three[:, :, ::2, ::2]
        for number in range(4, 8):
            x = trunk[f"model{number}"](x)
        x = self.model8(self.model8up(x) + self.model3short8(three))
        x = self.model9(self.model9up(x) + self.model2short9(two))
        x = self.model10(self.model10up(x) + self.model1short10(one))
        ab: Tensor = self.model_out(x).tanh() * _AB
        return ab


def _sequence(state: State, name: str, layers: str, *, strided: bool = False) -> nn.Sequential:
    """Layers by their letters, with the numbers that the release has given them."""
    made: list[nn.Module] = []
    last = layers.rfind("c")
    for place, letter in enumerate(layers):
        where = f"{name}.{place}"
        if letter == "c":
            stride = 2 if strided and place == last else 1
            dilation = _DILATION.get(name, 1)
            made.append(convolution(state, where, stride=stride, dilation=dilation))
        elif letter == "t":
            inputs, outputs = state[f"{where}.weight"].shape[:2]
            made.append(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1))
        elif letter == "n":
            made.append(norm(state, where))
        else:
            made.append(nn.ReLU() if letter == "r" else nn.LeakyReLU(0.2))
    return nn.Sequential(*made)
