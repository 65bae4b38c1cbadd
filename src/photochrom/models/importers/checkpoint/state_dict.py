"""State dicts of other people's networks, read without running any code that a file may hold."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ....errors import ModelImportError

State = dict[str, Tensor]

_WRAPPERS = ("params_ema", "params", "state_dict", "model", "generator", "net_g")
_PREFIXES = ("module.", "_orig_mod.")


def read_state(path: Path) -> State:
    """The tensors of a ``.pth``, ``.pt``, ``.bin`` or ``.safetensors`` file by name, float32.

    Checkpoints that keep the state dict under a name of its own (``params``, ``state_dict``,
    ``model``), and names with the prefix ``module.`` of parallel training, are understood. Spectral
    and weight norm are folded into the weights.

    Raises:
        ModelImportError: the file cannot be read, or holds something else.
    """
    state = _unwrapped(_load(path), path)
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    floats = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    return fold_norms(floats)


def _load(path: Path) -> object:
    if path.suffix.lower() == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise ModelImportError.unreadable(path, error, "check that it is whole") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickles of other protocols
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelImportError(
            f"{path} cannot be loaded safely",
            expected="a state dict: names and tensors alone",
            got=f"Python objects, which could run code ({_named(error)})",
            fix="in the program that wrote it, save model.state_dict() and import that",
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ModelImportError.unreadable(path, error, "check that it is whole") from None


def _named(error: Exception) -> str:
    """What PyTorch refused, from its message of many lines."""
    lines = [line for line in str(error).splitlines() if "GLOBAL" in line or "Unsupported" in line]
    return " ".join((lines or ["of unknown kind"])[0].split())[:120]


def _unwrapped(loaded: object, path: Path) -> State:
    found = loaded
    for _ in range(2):  # a trainer's checkpoint may hold one of another library
        if isinstance(found, Mapping) and not any(isinstance(v, Tensor) for v in found.values()):
            found = next((found[name] for name in _WRAPPERS if name in found), found)
    if isinstance(found, Mapping):
        state = {str(k): v for k, v in found.items() if isinstance(v, Tensor)}
        if state:
            return state
    raise ModelImportError(
        f"{path} holds no state dict",
        expected=f"tensors by name, or these under one of {', '.join(_WRAPPERS)}",
        got=f"the keys {', '.join(map(str, found))}"[:120]
        if isinstance(found, Mapping)
        else f"a {type(found).__name__}",
        fix="save model.state_dict() and import that",
    )


@torch.no_grad()
def fold_norms(state: Mapping[str, Tensor]) -> State:
    """Weights as they are at inference, in place of what spectral and weight norm make them of.

    Spectral norm (Miyato et al. 2018): W / (u W v), with the stored u and v; weight norm (Salimans
    and Kingma 2016): g v / |v|. Both by the names of ``torch.nn.utils`` (``weight_orig``,
    ``weight_u``, ``weight_v``; ``weight_g``, ``weight_v``) and of ``parametrizations``.
    """
    result = dict(state)
    for name in state:
        base, _, last = name.rpartition(".")
        stem = f"{base}." if base else ""
        if last == "weight_orig":
            u, v = result.pop(f"{stem}weight_u"), result.pop(f"{stem}weight_v")
            result[f"{stem}weight"] = _over_sigma(result.pop(name), u, v)
        elif last == "weight_g":
            whole = _of_length(result.pop(f"{stem}weight_v"), result.pop(name))
            result[f"{stem}weight"] = whole
        elif stem.endswith("parametrizations.weight.") and last == "original":
            u, v = result.pop(f"{stem}0._u"), result.pop(f"{stem}0._v")
            weight = _over_sigma(result.pop(name), u, v)
            result[stem.removesuffix("parametrizations.weight.") + "weight"] = weight
        elif stem.endswith("parametrizations.weight.") and last == "original0":
            weight = _of_length(result.pop(f"{stem}original1"), result.pop(name))
            result[stem.removesuffix("parametrizations.weight.") + "weight"] = weight
    return result


def _over_sigma(weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
    sigma = torch.dot(u, weight.flatten(1) @ v)
    return torch.div(weight, sigma)


def _of_length(weight: Tensor, length: Tensor) -> Tensor:
    norm = torch.linalg.vector_norm(weight.flatten(1), dim=1)
    return torch.mul(weight, length / norm.view(-1, *[1] * (weight.dim() - 1)))
