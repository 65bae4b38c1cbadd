"""The weights of an exported network, by the names they had in PyTorch.

Exporting folds the statistics of norms into the convolutions before them and turns linear layers
into nameless products; both are undone here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper
from torch import Tensor, nn

from ...errors import ModelError

_PREFIX, _HALF, _FOLDED = "network.", "_half", ".weight_bias"


def read_onnx(path: Path) -> dict[str, Tensor]:
    """Tensors of a file of `export`: float32, by name.

    What a norm has become stands under the convolution's name, ending in ``.weight_bias``; see
    `unfold`.

    Raises:
        ModelError: the file cannot be read, or is not of that kind.
    """
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # of protobuf, of many kinds
        raise _no_network(path, str(error).splitlines()[0] if str(error) else "no file") from None
    known = {
        each.name.removesuffix(_HALF): torch.from_numpy(
            numpy_helper.to_array(each).astype(np.float32)
        )
        for each in graph.initializer
        if each.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16)
    }
    state = {k.removeprefix(_PREFIX): v for k, v in known.items() if k.startswith(_PREFIX)}
    products = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:  # a linear layer: x @ W + b, of which only b has kept its name
        if node.op_type == "Add" and len(node.input) == 2:
            for bias, product in (node.input, reversed(node.input)):
                weight = known.get(products.get(product, ""))
                if bias.startswith(_PREFIX) and bias.endswith(".bias") and weight is not None:
                    name = bias.removeprefix(_PREFIX).removesuffix("bias") + "weight"
                    state[name] = weight.T.contiguous()
    if not any(name.startswith("enc.") for name in state):
        raise _no_network(path, "no weights of that name")
    return state


@torch.no_grad()
def unfold(state: dict[str, Tensor], network: nn.Module, *sample: Tensor) -> dict[str, Tensor]:
    """`state` with norms that do what the folded ones did, for `network`.

    A norm with mean 0 and variance 1 adds its bias and no more.

    Args:
        state: of `read_onnx`.
        network: whose convolutions are followed by norms.
        sample: its inputs, to see which norm follows which convolution.
    """
    follows = _norms(network, sample)
    result = {k: v for k, v in state.items() if not k.endswith(_FOLDED)}
    for name, bias in state.items():
        if not name.endswith(_FOLDED):
            continue
        norm = follows.get(name.removesuffix(_FOLDED))
        if norm is None:
            result[name.removesuffix(_FOLDED) + ".bias"] = bias
            continue
        where, epsilon = norm
        result[f"{where}.bias"], result[f"{where}.weight"] = bias, torch.ones_like(bias)
        result[f"{where}.running_mean"] = torch.zeros_like(bias)
        result[f"{where}.running_var"] = torch.full_like(bias, 1 - epsilon)
    return result


def _norms(network: nn.Module, sample: tuple[Tensor, ...]) -> dict[str, tuple[str, float]]:
    """Name and epsilon of the norm after each convolution, by its name."""
    made: dict[int, str] = {}
    kept: list[Tensor] = []  # or another tensor could get the number of one that is gone
    found: dict[str, tuple[str, float]] = {}
    hooks = []

    def convolved(name: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Tensor) -> None:
            made[id(output)] = name
            kept.append(output)

        return hook

    def normed(name: str, epsilon: float) -> Any:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if (before := made.get(id(inputs[0]))) is not None:
                found[before] = (name, epsilon)

        return hook

    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(convolved(name)))
        elif isinstance(module, nn.BatchNorm2d):
            hooks.append(module.register_forward_pre_hook(normed(name, module.eps)))
    try:
        network(*sample)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _no_network(path: Path, got: str) -> ModelError:
    return ModelError(
        f"{path} cannot be trained on",
        expected="a model that photochrom train has made, or bundled",
        got=got,
        fix="give such a model's .onnx file, or safetensors",
    )
