"""Train a network of your own with a loss of your own: squared error, perceptual, adversarial.

python examples/own_network.py my-photographs/ my-model/ [EPOCHS] [SQUEEZENET.pth]

The perceptual term compares features of torchvision's SqueezeNet 1.1 (its weights, 5 MB, are on
download.pytorch.org/models; without them its filters are random, which is a weaker judge). The
adversarial term is a critic behind a gradient reversal (Ganin and Lempitsky 2015), so one optimizer
trains both.
"""

import sys
from pathlib import Path

import torch
from lightning.pytorch import Callback
from torch import nn
from torch.nn import functional
from torchvision.models import squeezenet1_1

from photochrom import Colorizer
from photochrom.training.data.lab import lab_to_srgb
from photochrom.training.network.plain import PlainModule
from photochrom.training.presets import Plain
from photochrom.training.run import train


class Dilated(nn.Module):
    """L ``(N, 1, H, W)``, 0...100 -> ab / 128: dilated convolutions at half of the size."""

    def __init__(self, width=48):
        super().__init__()
        layers = [nn.Conv2d(1, width, 3, stride=2, padding=1), nn.ReLU()]
        for dilation in (1, 2, 4, 8, 1):
            layers += [nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation), nn.ReLU()]
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(width, 2, 3, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)

    def forward(self, L):
        return self.layers(L / 50 - 1)


class Reversed(torch.autograd.Function):
    """The identity, whose gradient goes the other way."""

    @staticmethod
    def forward(_, x):
        return x.view_as(x)

    @staticmethod
    def backward(_, gradient):
        return -gradient


class Judged(PlainModule):
    """Squared error, distance of features, and a critic that tells painted from true."""

    def __init__(self, network, plan, weights):
        super().__init__(network, plan)
        judge = squeezenet1_1(weights=None)
        if weights:
            judge.load_state_dict(torch.load(weights))
        self.judge = judge.features[:6].eval().requires_grad_(False)
        self.critic = nn.Sequential(
            nn.Conv2d(3, 32, 4, stride=2), nn.LeakyReLU(0.2), nn.Conv2d(32, 1, 4, stride=2)
        )

    def loss(self, L, painted, ab):
        fake, real = (lab_to_srgb(torch.cat([L, each], 1)) for each in (painted, ab))
        seen = functional.l1_loss(self.judge(fake), self.judge(real))
        told = functional.softplus(self.critic(Reversed.apply(fake))).mean()
        told = told + functional.softplus(-self.critic(real)).mean()
        return super().loss(L, painted, ab) + 0.1 * seen + 0.001 * told


class Own(Plain):
    """The preset plain with another network and loss."""

    name = "own"

    def __init__(self, weights=None):
        self.weights = weights

    def untrained(self):
        return Dilated()

    def module(self, network, batches, *, compiled):
        return Judged(network, batches.plan, self.weights)


class Shown(Callback):
    """A callback of Lightning: what middle grey becomes."""

    def on_validation_end(self, trainer, module):
        ab = module.paint(torch.full((1, 1, 32, 32), 50.0, device=module.device))
        print(f"step {trainer.global_step}: middle grey becomes ab {ab.mean((0, 2, 3)).tolist()}")


if __name__ == "__main__":  # pictures are decoded by processes of their own
    photographs, folder, *rest = sys.argv[1:]
    model = train(
        {"data": (photographs,), "size": 32, "epochs": float(rest[0]) if rest else 20},
        Path(folder),
        recipe=Own(*rest[1:2]),
        callbacks=[Shown()],
    )
    print(f"{model} is of the family {Colorizer(model).model.card.family}")
