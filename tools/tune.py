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
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from refine import weighting
from torch import Tensor, nn
from torch.nn import functional

from photochrom.gamut import BIN_COUNT
from photochrom.models.card_file import read_card
from photochrom.training.age import age
from photochrom.training.cache import build_cache
from photochrom.training.data import CropBatches
from photochrom.training.export import export
from photochrom.training.hinting import simulate_hints
from photochrom.training.lab import srgb_to_lab
from photochrom.training.loss import ColorLoss, annealed_mean
from photochrom.training.network import ColorNetwork
from photochrom.training.plan import Plan
from photochrom.training.sources import open_source
from photochrom.training.weights import read_network, write_network

PLAN = Plan(
    minutes=55, batch=12, size=192, rate=1.5e-4, warm_up=150, average=0.998, unhinted=0.6, seed=17
)
COUNTED = 150  # batches on which the colours are counted


def losses(logits: Tensor, true: Tensor, loss: ColorLoss, alike: Tensor) -> Tensor:
    """The number to minimise, of logits ``(N, 313, h, w)`` and true ab ``(N, 2, h, w)``."""
    entropy, _ = loss(logits, true, loss.encode(true))
    painted = annealed_mean(logits.permute(0, 2, 3, 1), loss.bins, PLAN.temperature)
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
    """`refine.weighting` of the colours of the last batches, which no run gets to."""
    near = ColorLoss(np.ones(BIN_COUNT, np.float32), PLAN.temperature).neighbour
    last = range(len(batches) - COUNTED, len(batches))
    cells = (functional.avg_pool2d(srgb_to_lab(batches[index])[:, 1:], 4) for index in last)
    return weighting(torch.cat([near(ab).flatten() for ab in cells]), PLAN.temperature)


def tune(network: ColorNetwork, batches: CropBatches, plan: Plan) -> dict[str, Tensor]:
    """Train for `plan`'s minutes; the moving average of the decoder's weights."""
    assert plan.minutes
    network.eval()  # the decoder's statistics too: batches are small
    decoder = {k: v for k, v in network.named_parameters() if not k.startswith("enc.")}
    trained = list(decoder.values())
    loss, alike = counted(batches)
    optimizer = torch.optim.AdamW(trained, plan.rate, betas=(0.9, 0.98), weight_decay=plan.decay)
    mean = {name: value.detach().clone() for name, value in decoder.items()}
    random, start, step = torch.Generator().manual_seed(3), time.monotonic(), 0
    while (done := (time.monotonic() - start) / (60 * plan.minutes)) < 1:
        rgb = batches[step]
        true = srgb_to_lab(rgb)[:, 1:]
        hints = simulate_hints(true, random, none=plan.unhinted)
        L = age(rgb, random)
        with torch.no_grad():
            features = network.enc((L / 100 - network.mean) / network.std)
        logits = network.decode(features, *hints)
        total = losses(logits, functional.avg_pool2d(true, 4), loss, alike)
        optimizer.param_groups[0]["lr"] = plan.rate * plan.factor(step, done)
        optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(trained, plan.clip)
        optimizer.step()
        step += 1
        kept = min(plan.average, step / (step + 9))
        for name, value in decoder.items():
            mean[name].lerp_(value.detach(), 1 - kept)
        if step % 50 == 0:
            sys.stderr.write(f"{step} steps, {done:.0%}, loss {total:.3f}\n")
    return mean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("data", nargs="+", help="as for photochrom train")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a folder")
    parser.add_argument("--minutes", type=float, default=PLAN.minutes)
    parser.add_argument("--share", type=float, default=0.4, help="of the new weights in the mean")
    parser.add_argument("--cache", type=Path, default=Path("tune-cache"), help="a folder")
    options = parser.parse_args()
    network = read_network([options.run / "weights.safetensors"])
    card = read_card(options.run / "model.onnx")
    assert card is not None, f"{options.run} has no card"
    cache = build_cache([open_source(each) for each in options.data], options.cache, side=160)
    batches = CropBatches(
        cache, np.arange(len(cache)), size=PLAN.size, batch=PLAN.batch, seed=PLAN.seed,
        scale=(0.75, 1.0), steps=100_000,
    )  # fmt: skip
    before = {name: value.clone() for name, value in network.state_dict().items()}
    after = tune(network, batches, replace(PLAN, minutes=options.minutes))
    mixed = {k: torch.lerp(before[k], v, options.share) for k, v in after.items()}
    network.load_state_dict(mixed, strict=False)
    options.output.mkdir(parents=True, exist_ok=True)
    write_network(network, options.output / "weights.safetensors")
    export(network.eval(), replace(card, size=PLAN.size), options.output / "model.onnx")


if __name__ == "__main__":
    main()
