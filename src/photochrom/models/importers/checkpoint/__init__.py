"""Weights of other people's networks in PyTorch's and safetensors files -> ONNX files.

The networks are defined here anew, by the names that their weights have; which one a file holds is
told by these names, and its widths by the shapes. Needs the extra ``train``.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ....color import Float
from ....errors import ArgumentError, ModelImportError
from ... import import_onnxruntime
from ...card import FAMILIES, METADATA_KEY, Card
from .known_networks import Known, known_network
from .state_dict import read_state

__all__ = ["import_checkpoint"]
_OPSET = 18
_LARGEST = 0.02  # difference of ab from PyTorch; on RGB 0...1, a hundredth of it


def import_checkpoint(file: Path, output: Path, name: str, *, size: int | None = None) -> Card:
    """Write the network whose weights `file` holds as an ONNX file.

    Args:
        file: a state dict, see `state_dict.read_state`.
        output: the ``.onnx`` file.
        name: of the model.
        size: for the card; None: the network's usual one.

    Returns:
        The card, which is also in the file's metadata.

    Raises:
        ModelImportError: the file cannot be read safely, or its network is not known.
        ArgumentError: a size that the network cannot take.
    """
    state = read_state(file)
    known: Known = known_network(state, file)
    card = known.card(name, file, size)
    if card.size % card.multiple:
        raise ArgumentError("--size", expected=f"a multiple of {card.multiple}", got=card.size)
    export_network(known.build(state, file), card, output)
    return card


def export_network(network: nn.Module, card: Card, output: Path) -> None:
    """Write `network` as an ONNX file for batches of pictures of any size.

    Args:
        network: in evaluation mode; takes what the card's family encodes.
        card: goes into the file's metadata.
        output: the ``.onnx`` file.

    Raises:
        ModelImportError: the file differs from PyTorch.
    """
    inputs = _sample(card, 2, 4, 3)
    each = {0: torch.export.Dim("n", min=1, max=4096)}
    for axis, name in ((2, "rows"), (3, "columns")):
        each[axis] = card.multiple * torch.export.Dim(name, min=1, max=4096 // card.multiple)
    with torch.inference_mode(), _silence():
        outputs = _results(network(*inputs))
        program = torch.onnx.export(
            network,
            inputs,
            dynamo=True,
            opset_version=_OPSET,
            input_names=["input"] if len(inputs) == 1 else ["L", "hint_ab", "hint_mask"],
            output_names=["ab", "logits"][: len(outputs)],
            dynamic_shapes=tuple(each for _ in inputs),
            optimize=True,
            verbose=False,
        )
    assert program is not None  # with dynamo=True it never is
    model: Any = program.model_proto
    del model.metadata_props[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, card.to_json()
    model.producer_name, model.doc_string = "photochrom", card.title
    output.write_bytes(model.SerializeToString())
    _check(network, card, output)


@contextmanager
def _silence() -> Iterator[None]:
    """Without what the exporter says of itself."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _sample(card: Card, batch: int, rows: int, columns: int) -> tuple[Tensor, ...]:
    """Noise as the family encodes it, `rows` x `columns` units of the card's multiple."""
    random = np.random.default_rng(rows)
    size = rows * card.multiple, columns * card.multiple
    L = random.uniform(0, 100, (batch, 1, *size)).astype(np.float32)
    hint_map = random.uniform(-60, 60, (batch, 2, *size)).astype(np.float32)
    mask = (random.random(L.shape) < 0.05).astype(np.float32)
    encoded: Sequence[Float] = FAMILIES[card.family].encode(L, hint_map * mask, mask, card)
    return tuple(torch.from_numpy(np.ascontiguousarray(each)) for each in encoded)


def _results(found: Any) -> tuple[Tensor, ...]:
    return found if isinstance(found, tuple) else (found,)


def _check(network: nn.Module, card: Card, path: Path) -> None:
    """Compare the file with PyTorch on another size."""
    ort = import_onnxruntime()
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs = _sample(card, 1, 3, 5)
    with torch.inference_mode():
        expected = _results(network(*inputs))[0].numpy()
    names = [each.name for each in session.get_inputs()]
    feed = {name: each.numpy() for name, each in zip(names, inputs, strict=True)}
    worst = float(np.abs(session.run(None, feed)[0] - expected).max())
    limit = _LARGEST if card.family != "deoldify" else _LARGEST / 100
    if not worst <= limit:
        raise ModelImportError(
            "the exported network differs from PyTorch's",
            expected=f"at most {limit:g}",
            got=f"{worst:.2g}",
            fix="report it with the versions of torch, onnxscript and onnxruntime",
        )
