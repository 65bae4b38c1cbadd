"""Small networks built as ECCV16 and SIGGRAPH17 are."""

from __future__ import annotations

import itertools

import pytest

torch = pytest.importorskip("torch", reason="other people's networks are PyTorch's (extra train)")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from photochrom.gamut import bins  # noqa: E402


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
