"""Train a network's decoder once more, on nearly whole pictures, for colours without patches.

    python tools/tune.py my-model DATA... -o tuned [--minutes 55] [--share 0.4]

`my-model` is the folder of a run of ``photochrom train``. The encoder, and the statistics of the
decoder's normalisations, stay as they are. The loss is the rebalanced cross-entropy, the distance
between painted and true ab over all cells and class-balanced (what AuC is made of), and how much
the painted colours' differences between neighbours are other than the truth's: a patch where there
is none costs. That alone gives calm and rather pale pictures; so the result is a mean of the
weights from before and after, and ``refine.py`` fits the last layer to it. Takes DATA as
``photochrom train`` does.
"""

import argparse
import math
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from photochrom.gamut import BIN_COUNT
from photochrom.models.metadata import read_card
from photochrom.training.age import age
from photochrom.training.cache import build_cache
from photochrom.training.data import CropBatches
from photochrom.training.export import export
from photochrom.training.hinting import simulate_hints
from photochrom.training.lab import srgb_to_lab
from photochrom.training.loss import ColorLoss, annealed_mean, rebalancing
from photochrom.training.sources import open_source
from photochrom.training.weights import read_network, write_network

SIZE, BATCH = 192, 12  # side of the crops, crops at a time
RATE, WARM_UP = 1.5e-4, 150  # of AdamW, and the steps in which it rises
DECAY = 0.998  # of the moving average of the weights
RARE = 3e-5  # share of the cells below which a bin's weight grows no more
REBALANCING, TEMPERATURE = 0.7, 0.5
COUNTED = 150  # batches on which the colours are counted


def losses(logits: Tensor, true: Tensor, loss: ColorLoss, alike: Tensor) -> Tensor:
    """The number to minimise, of logits ``(N, 313, h, w)`` and true ab ``(N, 2, h, w)``."""
    entropy, _ = loss(logits, true, loss.encode(true))
    painted = annealed_mean(logits.permute(0, 2, 3, 1), loss.bins, TEMPERATURE)
    off = painted.permute(0, 3, 1, 2) - true
    far = (off.square().sum(1) + 1).sqrt()
    uneven = torch.zeros(())
    for step in (1, 3):  # cells
        for axis in (2, 3):
            length = off.shape[axis] - step
            change = off.narrow(axis, step, length) - off.narrow(axis, 0, length)
            uneven = uneven + (change.square().sum(1) + 0.25).sqrt().mean()
    balanced = (far * alike[loss.neighbour(true)]).mean()
    return entropy + 0.1 * far.mean() + 0.06 * balanced + 0.1 * uneven


def counted(batches: CropBatches) -> tuple[ColorLoss, Tensor]:
    """The loss, and the weight that makes every gamut bin count the same."""
    near = ColorLoss(np.ones(BIN_COUNT, np.float32), TEMPERATURE).neighbour
    share = torch.zeros(BIN_COUNT, dtype=torch.float64)
    for index in range(COUNTED):
        ab = functional.avg_pool2d(srgb_to_lab(batches[len(batches) - 1 - index])[:, 1:], 4)
        share += torch.bincount(near(ab).flatten(), minlength=BIN_COUNT)
    share /= share.sum()
    alike = 1 / (share + RARE)
    weight = rebalancing(share.float().numpy(), REBALANCING)
    return ColorLoss(weight, TEMPERATURE), (alike / (alike * share).sum()).float()


def tune(network: nn.Module, batches: CropBatches, minutes: float) -> dict[str, Tensor]:
    """Train for some minutes; the moving average of the decoder's weights."""
    network.eval()  # the decoder's statistics too: batches are small
    decoder = {k: v for k, v in network.state_dict().items() if not k.startswith("enc.")}
    trained = [p for name, p in network.named_parameters() if not name.startswith("enc.")]
    loss, alike = counted(batches)
    optimizer = torch.optim.AdamW(trained, RATE, betas=(0.9, 0.98), weight_decay=0.01)
    mean = {name: value.clone() for name, value in decoder.items()}
    random, start, step = torch.Generator().manual_seed(3), time.monotonic(), 0
    while (done := (time.monotonic() - start) / (60 * minutes)) < 1:
        true = srgb_to_lab(batches[step])[:, 1:]
        hints = simulate_hints(true, random, none=0.6)
        L = age(batches[step], random)
        with torch.no_grad():
            features = network.enc((L / 100 - network.mean) / network.std)
        total = losses(
            network.decode(features, *hints), functional.avg_pool2d(true, 4), loss, alike
        )
        rise = min(1, (step + 1) / WARM_UP)
        optimizer.param_groups[0]["lr"] = RATE * rise * (1 + math.cos(math.pi * done)) / 2
        optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        step += 1
        kept = min(DECAY, step / (step + 9))
        for name, value in decoder.items():
            if value.is_floating_point():
                mean[name].lerp_(value.detach(), 1 - kept)
        if step % 50 == 0:
            sys.stderr.write(f"{step} steps, {done:.0%}, loss {total:.3f}\n")
    return mean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("data", nargs="+", help="as for photochrom train")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a folder")
    parser.add_argument("--minutes", type=float, default=55)
    parser.add_argument("--share", type=float, default=0.4, help="of the new weights in the mean")
    parser.add_argument("--cache", type=Path, default=Path("tune-cache"), help="a folder")
    options = parser.parse_args()
    network = read_network([options.run / "weights.safetensors"])
    card = read_card(options.run / "model.onnx")
    assert card is not None, f"{options.run} has no card"
    cache = build_cache([open_source(each) for each in options.data], options.cache, side=160)
    batches = CropBatches(
        cache, np.arange(len(cache)), size=SIZE, batch=BATCH, seed=17, scale=(0.75, 1.0),
        steps=100_000,
    )  # fmt: skip
    before = {name: value.clone() for name, value in network.state_dict().items()}
    after = tune(network, batches, options.minutes)
    network.load_state_dict(before)
    mixed = {
        k: torch.lerp(before[k], v, options.share)
        for k, v in after.items()
        if v.is_floating_point()
    }
    network.load_state_dict(mixed, strict=False)
    options.output.mkdir(parents=True, exist_ok=True)
    write_network(network, options.output / "weights.safetensors")
    export(network.eval(), replace(card, size=SIZE), options.output / "model.onnx")


if __name__ == "__main__":
    main()
