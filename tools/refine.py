"""Train the last layer of an exported model once more, on what is measured.

    python tools/refine.py my-model/model.onnx DATA... -o refined.onnx

The last layer (a linear map from each cell's features to 313 logits) sees some 3,000 pictures,
aged and hinted as in training, 256 cells of each. Its loss is the rebalanced cross-entropy, and
beside it, each as much, the distance between painted and true ab over all cells, and the same with
every gamut bin weighing alike: what the raw and the class-balanced AuC are made of. Everything else
stays as it is. Takes DATA as ``photochrom train`` does; ten minutes on one core.
"""

import argparse
from itertools import islice
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn import functional

from photochrom._io import replacing
from photochrom.gamut import BIN_COUNT
from photochrom.models.card_file import read_card
from photochrom.models.session import import_onnxruntime
from photochrom.training.age import age
from photochrom.training.cache import build_cache
from photochrom.training.data import CropBatches
from photochrom.training.hinting import simulate_hints
from photochrom.training.lab import srgb_to_lab
from photochrom.training.loss import ColorLoss, annealed_mean, rebalancing
from photochrom.training.sources import open_source

WEIGHT, BIAS = "network.head.weight_half", "network.head.bias"
SIZE, BATCH, CELLS = 192, 16, 256  # side of the crops, crops at a time, cells of each
STEP, RATE = 4096, 1e-4  # cells per step of Adam, its largest rate
RARE = 3e-5  # share of the cells below which a bin's weight grows no more
REBALANCING = 0.7  # as in training, see photochrom.training.plan


def features(model: onnx.ModelProto, batches: CropBatches) -> tuple[torch.Tensor, torch.Tensor]:
    """What the last layer sees of some cells, and their true ab: ``(n, c)``, ``(n, 2)``."""
    head = next(node for node in model.graph.node if BIAS in node.input)
    inner = onnx.ModelProto()
    inner.CopyFrom(model)
    del inner.graph.output[:]
    inner.graph.output.append(helper.make_tensor_value_info(head.input[0], TensorProto.FLOAT, None))
    ort = import_onnxruntime()
    session = ort.InferenceSession(inner.SerializeToString(), providers=["CPUExecutionProvider"])
    random = torch.Generator().manual_seed(5)
    seen, true = [], []
    for index in range(len(batches)):
        rgb = batches[index]
        full = srgb_to_lab(rgb)[:, 1:]
        hints = simulate_hints(full, random, none=0.6)
        planes = (age(rgb, random), *hints)
        feed = {name: plane.numpy() for name, plane in zip(names(model), planes, strict=True)}
        (found,) = session.run(None, feed)
        some = torch.randperm(found[0, 0].size, generator=random)[:CELLS]
        for kept, cells in (
            (seen, torch.from_numpy(found)),
            (true, functional.avg_pool2d(full, 4)),
        ):
            kept.append(cells.flatten(2)[..., some].permute(0, 2, 1).flatten(0, 1))
    return torch.cat(seen), torch.cat(true)


def names(model: onnx.ModelProto) -> list[str]:
    """Of the inputs: L, hint map, hint mask."""
    return [each.name for each in model.graph.input]


def weighting(near: torch.Tensor, T: float) -> tuple[ColorLoss, torch.Tensor]:
    """The loss for cells with these nearest bins; the weight that makes all bins count alike."""
    share = torch.bincount(near, minlength=BIN_COUNT).double() / len(near)
    alike = 1 / (share + RARE)
    loss = ColorLoss(rebalancing(share.float().numpy(), REBALANCING), T)
    return loss, (alike / (alike * share).sum()).float()


def refine(
    weight: torch.Tensor,
    bias: torch.Tensor,
    seen: torch.Tensor,
    true: torch.Tensor,
    T: float,
    tilt: float,
) -> None:
    """Train `weight` ``(313, c)`` and `bias` in place, one pass over the cells.

    Before that `tilt` of the rebalancing is taken back; where negative, more is put on.
    """
    near = ColorLoss(np.ones(BIN_COUNT, np.float32), T).neighbour(true.T.reshape(1, 2, -1, 1))
    near = near.flatten()
    loss, alike = weighting(near, T)
    bias -= tilt * loss.weight.log()
    optimizer = torch.optim.Adam([weight.requires_grad_(), bias.requires_grad_()], lr=RATE)
    steps = max(1, len(seen) // STEP)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.1)
    order = torch.randperm(len(seen), generator=torch.Generator().manual_seed(5))
    for some in islice(order.split(STEP), steps):
        truth = true[some].T.reshape(1, 2, -1, 1)
        logits = (seen[some] @ weight.T + bias).T.reshape(1, BIN_COUNT, -1, 1)
        entropy, _ = loss(logits, truth, loss.encode(truth))
        painted = annealed_mean(logits[0, ..., 0].T, loss.bins, T)
        far = ((painted - true[some]).square().sum(-1) + 1).sqrt()
        total = entropy + far.mean() + (far * alike[near[some]]).mean()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        rate.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", nargs="+", help="as for photochrom train")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=3000)
    parser.add_argument("--tilt", type=float, default=0.0, help="share of the rebalancing undone")
    parser.add_argument("--cache", type=Path, default=Path("refine-cache"), help="a folder")
    options = parser.parse_args()
    card, model = read_card(options.model), onnx.load(options.model)
    assert card is not None, f"{options.model} has no card"
    cache = build_cache(
        [open_source(each) for each in options.data], options.cache, side=SIZE * 5 // 4
    )
    batches = CropBatches(
        cache, np.arange(len(cache)), size=SIZE, batch=BATCH, seed=5, scale=(0.8, 1.0),
        steps=max(1, options.pictures // BATCH),
    )  # fmt: skip
    kept = {each.name: each for each in model.graph.initializer if each.name in (WEIGHT, BIAS)}
    old = {name: numpy_helper.to_array(each) for name, each in kept.items()}
    weight, bias = (torch.tensor(old[name], dtype=torch.float32) for name in (WEIGHT, BIAS))
    weight = weight.flatten(1)
    refine(weight, bias, *features(model, batches), card.temperature, options.tilt)
    for name, new in ((WEIGHT, weight), (BIAS, bias)):
        values = new.detach().numpy().reshape(old[name].shape).astype(old[name].dtype)
        kept[name].CopyFrom(numpy_helper.from_array(values, name))
    with replacing(options.output) as temporary:
        onnx.save(model, temporary)


if __name__ == "__main__":
    main()
