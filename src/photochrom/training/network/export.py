"""Network -> ONNX, with the colours' mean in the graph and the card in the metadata."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ..._io import replacing
from ...errors import ModelError
from ...gamut import bins
from ...models import import_onnxruntime
from ...models.card import FEATURES, METADATA_KEY, REGIONS, Card
from ..objective.loss import annealed_mean

PARITY = 1e-2
"""Largest difference in ab that an export may have from PyTorch, before weights are rounded.

With a network that is hardly trained, whose colours jump, PyTorch's float32 differs by up to 0.002
from its own float64 (256 x 256 pixels); with a trained one by some 1e-5.
"""

ROUNDING = 1.0
"""Largest difference in ab that keeping the large weights as float16 may make at any place; less
than half of what an eye notices (about 2.3)."""

OPSET = 18
"""Of the files written."""

_SMALL = 1024  # values; smaller tensors (biases, constants) stay float32


class Exported(nn.Module):
    """The graph that is exported: L and hints -> logits, ab, features and, if it has them, regions.

    ab is the annealed mean at a temperature, times a factor. Hints are divided by it, so that the
    network sees colours as it gives them: its own, as hints, change nothing, and a hint comes back
    as it was.
    """

    bins: Tensor

    def __init__(self, network: nn.Module, temperature: float, chroma: float = 1.0) -> None:
        super().__init__()
        self.network, self.temperature, self.chroma = network, temperature, chroma
        self.register_buffer("bins", torch.from_numpy(chroma * bins()))

    def forward(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> tuple[Tensor, ...]:
        logits, features, *regions = self.network(L, hint_ab / self.chroma, hint_mask)
        # The bins last: ONNX Runtime's softmax over another axis is several times slower.
        ab = annealed_mean(logits.permute(0, 2, 3, 1), self.bins, self.temperature)
        return logits, ab.permute(0, 3, 1, 2), features, *(r for r in regions if r is not None)


def export(network: nn.Module, card: Card, output: Path) -> tuple[float, float]:
    """Write `network` as an ONNX file that the family ``photochrom`` runs.

    Args:
        network: L, hint map, hint mask -> an `Output`, in evaluation mode.
        card: goes into the file's metadata; its temperature and chroma go into the graph.
        output: the ``.onnx`` file; replaced when the new one is complete.

    Returns:
        The largest differences in ab between PyTorch and ONNX Runtime over two input sizes, with
        and without hints: with float32 weights, and with the large ones rounded to float16, as
        the file keeps them.

    Raises:
        ModelError: these are above `PARITY` and `ROUNDING`, or the card says that the network
            takes no hints; nothing is written.
    """
    if not card.hints:
        raise ModelError(
            f"the card of {card.name} does not fit its network",
            expected="hints = true",
            got="hints = false",
            fix="correct the card",
        )
    wrapped = Exported(network, card.temperature, card.chroma).eval()
    has_regions = getattr(network, "regions", None) is not None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*axis name.*")  # the three inputs share theirs
        program = torch.onnx.export(
            wrapped,
            _sample(2, 256, 256),
            dynamo=True,
            opset_version=OPSET,
            input_names=["L", "hint_ab", "hint_mask"],
            output_names=["logits", "ab", FEATURES, *([REGIONS] if has_regions else [])],
            dynamic_shapes=_any_size(),
            optimize=True,
            verbose=False,
        )
    model = labelled(program, card)
    with replacing(output) as temporary:
        parity = _difference(wrapped, model, temporary, PARITY)
        _store_half(model)
        rounding = _difference(wrapped, model, temporary, ROUNDING)
    return parity, rounding


def labelled(program: torch.onnx.ONNXProgram | None, card: Card) -> onnx.ModelProto:
    """What PyTorch has exported, with the card in the place of its own remarks."""
    assert program is not None  # with dynamo=True it never is
    model: onnx.ModelProto = program.model_proto
    del model.metadata_props[:]
    helper.set_model_props(model, {METADATA_KEY: card.to_json()})
    model.producer_name, model.doc_string = "photochrom", card.title
    return model


def check_difference(worst: float, limit: float) -> None:
    """Refuse a file that differs from PyTorch by more than `limit` in ab, or by no number.

    Raises:
        ModelError: it does.
    """
    if not worst <= limit:
        raise ModelError(
            "the exported model differs from PyTorch's",
            expected=f"at most {limit} in ab",
            got=f"{worst:.2g}",
            fix="report it with the versions of torch, onnx and onnxruntime",
        )


def _store_half(model: onnx.ModelProto) -> None:
    """Keep large weights as float16 and cast them in the graph; loading folds the casts away."""
    casts = []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or array.size < _SMALL:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _any_size() -> dict[str, Any]:
    """Any number of pictures of any size with sides that are multiples of 32."""
    rows, columns = (32 * torch.export.Dim(name, min=1, max=128) for name in ("rows", "columns"))
    each = {0: torch.export.Dim("n", min=1, max=4096), 2: rows, 3: columns}
    return {"L": each, "hint_ab": each, "hint_mask": each}


def _difference(wrapped: nn.Module, model: onnx.ModelProto, path: Path, limit: float) -> float:
    """Save `model` and compare it with PyTorch; the largest difference in ab."""
    ort = import_onnxruntime()
    onnx.save(model, path)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for batch, height, width in ((1, 256, 256), (2, 192, 320)):
        L, hint_ab, mask = _sample(batch, height, width)
        for known in (mask, torch.zeros_like(mask)):
            with torch.inference_mode():
                ab = wrapped(L, hint_ab, known)[1].numpy()
            inputs = {"L": L.numpy(), "hint_ab": hint_ab.numpy(), "hint_mask": known.numpy()}
            worst = max(worst, float(np.abs(session.run(["ab"], inputs)[0] - ab).max()))
    check_difference(worst, limit)
    return worst


def _sample(batch: int, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Something like a picture, noise on several scales, and a few hints."""
    generator = torch.Generator().manual_seed(1)
    total = torch.zeros(batch, 3, height, width)
    for cells in (4, 16, 64):
        noise = torch.randn(batch, 3, cells, cells, generator=generator) * (8 / cells**0.5)
        total += nn.functional.interpolate(noise, (height, width), mode="bicubic")
    mask = torch.zeros(batch, 1, height, width)
    mask[:, :, height // 4 :: height // 3, width // 4 :: width // 3] = 1
    return (50 + 8 * total[:, :1]).clamp(0, 100), 10 * total[:, 1:] * mask, mask
