"""Weights of other people's networks in PyTorch's and safetensors files -> ONNX files.

The networks are defined here anew, by the names that their weights have; which one a file holds is
told by these names, and its widths by the shapes. Needs the extra ``train``.
"""

from __future__ import annotations

from pathlib import Path

from ....errors import ArgumentError
from ...card import Card
from .known_networks import Known, known_network
from .state_dict import read_state
from .torch_export import export_network

__all__ = ["import_checkpoint"]


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
