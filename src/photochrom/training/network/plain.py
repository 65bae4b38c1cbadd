"""The network of student projects: L in, ab out, trained on the squared error.

Strided convolutions instead of pooling, upsampling, dropout, tanh. It teaches how far one gets
with little: the squared error averages over all colours a thing may have, so it paints timidly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..._io import replacing
from ...gamut import BIN_COUNT
from ...models import import_onnxruntime
from ...models.card import Card
from ..data.lab import srgb_to_lab
from ..loop.plan import Plan
from ..loop.run_module import RunModule
from ..objective.loss import ColorLoss
from .export import OPSET, PARITY, check_difference, labelled

STRIDE = 8
"""The sides of the network's input must be multiples of this."""

AB = 128
"""The network's unit of ab."""

_DROPOUT = 0.2


class PlainNetwork(nn.Module):
    """L ``(N, 1, H, W)``, 0...100, sides multiples of `STRIDE` -> ab / 128 ``(N, 2, H, W)``."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(
            *_convolved(1, 32, stride=2),
            *_convolved(32, 64),
            *_convolved(64, 64, stride=2),
            *_convolved(64, 128),
            *_convolved(128, 128, stride=2),
            *_convolved(128, 256),
            nn.Dropout(_DROPOUT),
            *_convolved(256, 256),
            nn.Dropout(_DROPOUT),
        )
        self.up = nn.Sequential(
            *_convolved(256, 128),
            nn.Upsample(scale_factor=2),
            *_convolved(128, 64),
            nn.Upsample(scale_factor=2),
            *_convolved(64, 32),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(32, 2, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, L: Tensor) -> Tensor:
        result: Tensor = self.up(self.down(L / 50 - 1))
        return result


def _convolved(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.ReLU()


class PlainModule(RunModule):
    """Trains a `PlainNetwork` on uint8 crops ``(N, 3, H, W)``, neither aged nor hinted.

    Another loss comes in by `loss`, a network that takes and gives the same in the place of it.
    """

    def __init__(self, network: nn.Module, plan: Plan) -> None:
        super().__init__(network, plan)
        self.colours = ColorLoss(np.ones(BIN_COUNT, np.float32), 1.0)  # for the scores

    def training_step(self, rgb: Tensor, _: int) -> Tensor:
        torch.manual_seed(self.random_seed())  # dropout draws from PyTorch's own source
        lab = srgb_to_lab(rgb)
        L, ab = lab[:, :1], lab[:, 1:]
        loss = self.loss(L, self.network(L) * AB, ab)
        self.log("train/loss", loss)
        return loss

    def loss(self, L: Tensor, painted: Tensor, ab: Tensor) -> Tensor:
        """What is minimised: the squared error in units of `AB`.

        Args:
            L: ``(N, 1, H, W)``.
            painted, ab: ``(N, 2, H, W)``, the network's and the truth.
        """
        return functional.mse_loss(painted / AB, ab / AB)

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        rgb, sets = batch
        lab = srgb_to_lab(rgb)
        ab, painted = lab[:, 1:], self.paint(lab[:, :1])
        self.log("val/loss", self.loss(lab[:, :1], painted, ab), batch_size=len(rgb))
        self.score(painted, lab[:, :1], ab, self.colours.neighbour(ab), sets)

    def paint(self, L: Tensor) -> Tensor:
        painted: Tensor = self.network(L) * AB
        return painted

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=self.plan.rate)


def export_plain(network: nn.Module, card: Card, output: Path) -> float:
    """Write `network` as an ONNX file that the family ``plain`` runs.

    Args:
        network: in evaluation mode, on the CPU.
        card: goes into the file's metadata.
        output: the ``.onnx`` file; replaced when the new one is complete.

    Returns:
        The largest difference in ab between PyTorch and ONNX Runtime over two input sizes.

    Raises:
        ModelError: that is above `PARITY`; nothing is written.
    """
    network = network.eval().to(memory_format=torch.contiguous_format)
    program = torch.onnx.export(
        network,
        (torch.rand(2, 1, 64, 64) * 100,),
        dynamo=True,
        opset_version=OPSET,
        input_names=["L"],
        output_names=["ab"],
        dynamic_shapes={
            "L": {
                0: torch.export.Dim("n", min=1, max=4096),
                2: STRIDE * torch.export.Dim("rows", min=1, max=512),
                3: STRIDE * torch.export.Dim("columns", min=1, max=512),
            }
        },
        optimize=True,
        verbose=False,
    )
    with replacing(output) as temporary:
        onnx.save(labelled(program, card), temporary)
        return _checked(network, temporary)


def _checked(network: nn.Module, path: Path) -> float:
    """The largest difference in ab between the network and the file."""
    ort = import_onnxruntime()
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    random, worst = torch.Generator().manual_seed(1), 0.0
    for shape in ((1, 1, 64, 64), (2, 1, 40, 104)):
        L = torch.rand(shape, generator=random) * 100
        with torch.inference_mode():
            ab = network(L).numpy()
        given = session.run(["ab"], {"L": L.numpy()})[0]
        worst = max(worst, float(np.abs(given - ab).max()) * AB)
    check_difference(worst, PARITY)
    return worst
