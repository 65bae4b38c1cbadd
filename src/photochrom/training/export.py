"""Checkpoint -> ONNX, with the annealed mean in the graph and the card in the metadata.

``python -m photochrom.training.export WEIGHTS... --card CARD.toml -o MODEL.onnx`` exports the
weights of a `ColorNetwork` kept as safetensors files.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import ModelError
from ..gamut import bins
from ..models.card import METADATA_KEY, Card
from ..models.files import replacing
from .network import ColorNetwork

PARITY = 1e-3
"""Largest difference in ab that an export may have from PyTorch, before weights are rounded."""

ROUNDING = 0.5
"""Largest difference in ab that keeping the large weights as float16 may make."""

_OPSET = 18
_SMALL = 1024  # values; smaller tensors (biases, constants) stay float32


class Exported(nn.Module):
    """The graph that is exported: L -> logits and the annealed mean at temperature T."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature
        self.register_buffer("bins", torch.from_numpy(bins().T.copy())[:, :, None, None])

    def forward(self, L: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.network(L)
        chances = torch.softmax(logits / self.temperature, 1)
        return logits, nn.functional.conv2d(chances, self.bins)  # type: ignore[arg-type]


def load_weights(files: Sequence[Path]) -> ColorNetwork:
    """A `ColorNetwork` in evaluation mode from safetensors files of any float type.

    Raises:
        ModelError: a file cannot be read; tensors are missing, or of another network.
    """
    network, state = ColorNetwork().eval(), _read(files)
    own = network.state_dict()
    # Constants of the code and counts that only training needs may be absent.
    optional = {k for k in own if k in ("mean", "std") or k.endswith("num_batches_tracked")}
    missing = sorted(own.keys() - state.keys() - optional)
    unknown = sorted(state.keys() - own.keys())
    misshapen = sorted(k for k in own.keys() & state.keys() if own[k].shape != state[k].shape)
    if missing or unknown or misshapen:
        raise _unfit(
            f"{len(missing)} missing {missing[:3]}, {len(unknown)} unknown {unknown[:3]}, "
            f"{len(misshapen)} of another shape {misshapen[:3]}"
        )
    network.load_state_dict(state, strict=False)
    return network


def _read(files: Sequence[Path]) -> dict[str, Tensor]:
    state = {}
    for file in files:
        try:
            tensors = load_file(file)
        except (OSError, SafetensorError) as error:
            raise _unfit(f"{file}, which cannot be read ({error})") from None
        state.update({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
    return state


def _unfit(got: str) -> ModelError:
    return ModelError(
        "the weights do not fit the network",
        expected="safetensors files of photochrom.training.network.ColorNetwork",
        got=got,
        fix="give all files of one checkpoint",
    )


def export(network: nn.Module, card: Card, output: Path) -> tuple[float, float]:
    """Write `network` as an ONNX file that the family ``photochrom`` runs.

    Args:
        network: L -> logits, in evaluation mode.
        card: goes into the file's metadata; its temperature goes into the graph.
        output: the ``.onnx`` file; replaced when the new one is complete.

    Returns:
        The largest differences in ab between PyTorch and ONNX Runtime over two input sizes: with
        float32 weights, and with the large ones rounded to float16, as the file keeps them.

    Raises:
        ModelError: these are above `PARITY` and `ROUNDING`; nothing is written.
    """
    wrapped = Exported(network, card.temperature).eval()
    sample = torch.rand(2, 1, 256, 256) * 100
    program = torch.onnx.export(
        wrapped,
        (sample,),
        dynamo=True,
        opset_version=_OPSET,
        input_names=["L"],
        output_names=["logits", "ab"],
        dynamic_shapes={
            "L": {
                0: torch.export.Dim("n", min=1, max=4096),
                2: 32 * torch.export.Dim("rows", min=1, max=128),
                3: 32 * torch.export.Dim("columns", min=1, max=128),
            }
        },
        optimize=True,
        verbose=False,
    )
    assert program is not None  # with dynamo=True it never is
    model = program.model_proto
    del model.metadata_props[:]
    helper.set_model_props(model, {METADATA_KEY: card.to_json()})
    model.producer_name, model.doc_string = "photochrom", card.title
    with replacing(output) as temporary:
        parity = _difference(wrapped, model, temporary, PARITY)
        _store_half(model)
        rounding = _difference(wrapped, model, temporary, ROUNDING)
    return parity, rounding


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


def _difference(wrapped: nn.Module, model: onnx.ModelProto, path: Path, limit: float) -> float:
    """Save `model` and compare it with PyTorch; the largest difference in ab."""
    import onnxruntime as ort

    onnx.save(model, path)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for batch, height, width in ((1, 256, 256), (2, 192, 320)):
        L = _smooth_noise(batch, height, width)
        with torch.inference_mode():
            ab = wrapped(L)[1].numpy()
        worst = max(worst, float(np.abs(session.run(["ab"], {"L": L.numpy()})[0] - ab).max()))
    if not worst <= limit:
        raise ModelError(
            "the exported model differs from PyTorch's",
            expected=f"at most {limit} in ab",
            got=f"{worst:.2g}",
            fix="report it with the versions of torch, onnx and onnxruntime",
        )
    return worst


def _smooth_noise(batch: int, height: int, width: int) -> Tensor:
    """L of something like a picture: noise on several scales, 0...100."""
    generator = torch.Generator().manual_seed(1)
    total = torch.zeros(batch, 1, height, width)
    for cells in (4, 16, 64):
        noise = torch.randn(batch, 1, cells, cells, generator=generator) * (8 / cells**0.5)
        total += nn.functional.interpolate(noise, (height, width), mode="bicubic")
    return (50 + 8 * total).clamp(0, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("weights", type=Path, nargs="+", help="safetensors files")
    parser.add_argument("--card", type=Path, required=True, help="TOML with the model card")
    parser.add_argument("-o", "--output", type=Path, required=True, help="ONNX file to write")
    options = parser.parse_args()
    card = Card.from_toml(options.card)
    parity, rounding = export(load_weights(options.weights), card, options.output)
    megabytes = options.output.stat().st_size / 1e6
    print(  # noqa: T201
        f"{options.output}: {megabytes:.1f} MB, within {parity:.2g} ab of PyTorch "
        f"before and {rounding:.2g} after rounding to float16"
    )


if __name__ == "__main__":
    main()
