"""Batch norms of an encoder, folded into the convolutions before them.

The encoder keeps its ImageNet statistics, so each norm is a fixed factor and offset per channel,
which the convolution's weight and bias can take over: a training step is then a tenth shorter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node


class Folded(NamedTuple):
    """A norm that a convolution has taken over, by their names in the network."""

    convolution: str
    norm: str
    epsilon: float


@torch.no_grad()
def fold_norms(encoder: nn.Module, prefix: str = "") -> list[Folded]:
    """Fold every norm that alone reads a convolution's output; activations of norms stay.

    Args:
        encoder: takes pictures ``(1, 3, 64, 64)``; changed in place. May be on the device "meta".
        prefix: of its names in the network, with the dot.
    """
    found = _pairs(encoder)
    state = folded(encoder.state_dict(), found)
    for pair in found:
        convolution, norm = (encoder.get_submodule(name) for name in pair[:2])
        weight = convolution.weight
        assert isinstance(weight, Tensor)
        convolution.bias = nn.Parameter(weight.new_empty(len(weight)))
        encoder.set_submodule(pair.norm, getattr(norm, "act", nn.Identity()))  # of timm's norms
    encoder.load_state_dict(state)
    return [Folded(prefix + c, prefix + n, epsilon) for c, n, epsilon in found]


@torch.no_grad()
def folded(state: Mapping[str, Tensor], pairs: list[Folded]) -> dict[str, Tensor]:
    """Weights of a network with norms, as they are without; those of one without stay.

    A norm's ``w * (x - mean) / sqrt(variance + epsilon) + b`` becomes a part of the convolution
    that x comes from. A norm of which tensors are missing is left as it is.
    """
    result = dict(state)
    for convolution, norm, epsilon in pairs:
        kernel, bias = f"{convolution}.weight", f"{convolution}.bias"
        parts = [f"{norm}.{n}" for n in ("weight", "bias", "running_mean", "running_var")]
        if not all(name in state for name in (kernel, *parts)):
            continue
        w, b, mean, variance = (result.pop(name) for name in parts)
        result.pop(f"{norm}.num_batches_tracked", None)
        factor = w / (variance + epsilon).sqrt()
        result[kernel] = state[kernel] * factor.view(-1, *[1] * (state[kernel].ndim - 1))
        result[bias] = b + (state.get(bias, torch.zeros_like(mean)) - mean) * factor
    return result


@torch.enable_grad()
def _pairs(encoder: nn.Module) -> list[Folded]:
    """Convolutions and the norms that alone read their outputs, found by running the encoder."""
    made: dict[Node, str] = {}
    read: dict[Node, Folded] = {}
    hooks = []

    def convolved(name: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Tensor) -> None:
            if output.grad_fn is not None:
                made[output.grad_fn] = name

        return hook

    def normed(name: str, epsilon: float) -> Any:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            node = inputs[0].grad_fn
            if node in made:
                read[node] = Folded(made[node], name, epsilon)

        return hook

    for name, module in encoder.named_modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(convolved(name)))
        elif isinstance(module, nn.BatchNorm2d) and module.affine and module.track_running_stats:
            hooks.append(module.register_forward_pre_hook(normed(name, module.eps)))
    training = encoder.training
    device = next(encoder.parameters()).device
    try:
        features = encoder.eval()(torch.zeros(1, 3, 64, 64, device=device))
    finally:
        encoder.train(training)
        for hook in hooks:
            hook.remove()
    readers = _readers(features)
    return [pair for node, pair in read.items() if readers[node] == 1]


def _readers(outputs: Iterable[Tensor]) -> Counter[Node]:
    """How many operations, or `outputs`, take the result of each node of their graph."""
    waiting = [output.grad_fn for output in outputs if output.grad_fn is not None]
    readers = Counter(waiting)
    seen = set(waiting)
    while waiting:
        for node, _ in waiting.pop().next_functions:
            if node is not None:
                readers[node] += 1
                if node not in seen:
                    seen.add(node)
                    waiting.append(node)
    return readers
