"""The weights of an exported network, by the names they had in PyTorch.

Exporting turns linear layers into nameless products, which is undone here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper
from torch import Tensor

from ...errors import ModelError

_PREFIX, _HALF = "network.", "_half"
_FOLDED = ".weight_bias"  # what PyTorch's exporter calls the bias made of a norm


def read_onnx(path: Path) -> dict[str, Tensor]:
    """Tensors of a file of `export`: float32, by name.

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
    for name in [k for k in state if k.endswith(_FOLDED)]:
        state[name.removesuffix(_FOLDED) + ".bias"] = state.pop(name)
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


def _no_network(path: Path, got: str) -> ModelError:
    return ModelError(
        f"{path} cannot be trained on",
        expected="a model that photochrom train has made, or bundled",
        got=got,
        fix="give such a model's .onnx file, or safetensors",
    )
