"""Weights of the network: in safetensors files, and out of exported models."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from ..._io import replacing
from ...errors import ModelError
from ...models.card import read_card
from .color_network import ENCODER, ColorNetwork
from .norms import folded
from .onnx_weights import read_onnx

_PARTS = {
    "ctx": "global context",
    "u16": "stride 16",
    "att": "attention",
    "u8": "stride 8",
    "head": "logits",
    "hints": "hints",
    "consensus": "consensus",
    "regions": "regions",
}


def read_network(paths: Sequence[Path], encoder: str = ENCODER) -> tuple[ColorNetwork, list[str]]:
    """A network with weights from safetensors files of any float type, or from an exported model.

    The encoder's must be there (names beginning ``enc.``, with timm's norms or without, see
    `fold_norms`), but for whole residual blocks, which the network then does without; it has a
    region head if there are weights of one. What is missing of the rest begins untrained. An
    exported model of an earlier form of the network lends its encoder.

    Args:
        paths: files, or folders whose ``*.safetensors`` are all read.
        encoder: its name in timm.

    Returns:
        The network, and the names of its weights that begin untrained.

    Raises:
        ModelError: a file cannot be read, or holds tensors of another network.
    """
    state = _read(paths)
    with torch.device("meta"):  # its names are enough
        whole = ColorNetwork(encoder)
    network = ColorNetwork(encoder, without=_absent_blocks(whole, state))
    if any(name.startswith("regions.") for name in state):
        network.add_region_head()
    state = folded(state, network.folded)
    if any(path.suffix == ".onnx" for path in paths):
        state = _of_export(state, network)
    own = network.state_dict()
    unknown = sorted(state.keys() - own.keys())
    misshapen = sorted(k for k in own.keys() & state.keys() if own[k].shape != state[k].shape)
    missing = sorted(k for k in own.keys() - state.keys() if _needed(k))
    if missing or unknown or misshapen:
        raise _unfit(
            f"{len(missing)} missing {missing[:3]}, {len(unknown)} unknown {unknown[:3]}, "
            f"{len(misshapen)} of another shape {misshapen[:3]}"
        )
    network.load_state_dict(state, strict=False)
    trained = dict(network.named_parameters()).keys()
    untrained = sorted(trained - state.keys())
    if not untrained:
        network.point = next((point for path in paths if (point := _point(path))), None)
    return network, untrained


def _point(path: Path) -> tuple[float, float] | None:
    """Temperature and factor of chroma, where a file has them."""
    if path.suffix == ".onnx":
        card = read_card(path)
        return None if card is None else (card.temperature, card.chroma)
    if path.is_dir():
        return None
    with safe_open(path, "pt") as file:
        values = file.metadata() or {}
    if "temperature" not in values:
        return None
    return float(values["temperature"]), float(values["chroma"])


def in_words(untrained: Iterable[str]) -> str:
    """Which parts of a network begin untrained, with the number of their tensors, for the user."""
    parts = Counter(name.partition(".")[0] for name in untrained)
    if not parts:
        return "all of its weights are taken"
    return "these begin untrained (tensors): " + ", ".join(
        f"{_PARTS.get(part, part)} ({count})" for part, count in parts.items()
    )


def _of_export(state: dict[str, Tensor], network: ColorNetwork) -> dict[str, Tensor]:
    own = network.state_dict()
    fits = all(k in own and own[k].shape == v.shape for k, v in state.items())
    return state if fits else {k: v for k, v in state.items() if k.startswith("enc.")}


def write_network(network: nn.Module, path: Path) -> None:
    """Keep a network's weights as one safetensors file, float32, with its `point`."""
    with replacing(path) as temporary:
        state = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
        wide = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
        point: tuple[float, float] | None = getattr(network, "point", None)
        noted = {"temperature": str(point[0]), "chroma": str(point[1])} if point else None
        temporary.write_bytes(save(wide, noted))  # save_file lets only the owner read the file


def _absent_blocks(network: ColorNetwork, state: Mapping[str, Tensor]) -> list[str]:
    """Residual blocks (``blocks.6.1``) of the encoder of which `state` has nothing."""
    pattern = re.compile(r"enc\.(blocks\.\d+\.\d+)\.")
    ours, theirs = (
        {found[1] for k in names if (found := pattern.match(k))}
        for names in (network.state_dict(), state)
    )
    # The first block of a stage changes the number of channels: there is no doing without.
    return sorted(name for name in ours - theirs if not name.endswith(".0"))


def _needed(name: str) -> bool:
    return name.startswith("enc.") and not name.endswith("num_batches_tracked")


def _read(paths: Sequence[Path]) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for path in paths:
        for file in sorted(path.glob("*.safetensors")) if path.is_dir() else [path]:
            if file.suffix == ".onnx":
                state.update(read_onnx(file))
                continue
            try:
                tensors = load_file(file)
            except (OSError, SafetensorError) as error:
                raise _unfit(f"{file}, which cannot be read ({error})") from None
            state.update({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
    return state


def _unfit(got: str) -> ModelError:
    return ModelError(
        "the weights do not fit the network",
        expected="the files of a ColorNetwork (photochrom.training)",
        got=got,
        fix="give all files of one network",
    )
