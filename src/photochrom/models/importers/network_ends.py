"""Inputs and outputs of a network, by their shapes."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import ModelError
from ...gamut import BIN_COUNT
from .onnx_contents import OnnxContents


@dataclass(frozen=True)
class Ends:
    """The shape of a network's inputs and outputs.

    Attributes:
        inputs: how many there are.
        channels: of the first one.
        colors: channels of the output with colours, 2 or 3.
        distribution: whether there are logits over the gamut bins.
        channels_last: whether arrays are ``(N, H, W, C)``.
        size: ``(height, width)`` if the network says that it takes one size only.
    """

    inputs: int
    channels: int
    colors: int
    distribution: bool
    channels_last: bool
    size: tuple[int, int] | None


def ends_of(contents: OnnxContents) -> Ends:
    """The ends of a network.

    Raises:
        ModelError: they are those of no family, or the network fails.
    """
    shapes = [spec.shape for spec in contents.inputs]
    if not shapes or any(len(shape) != 4 for shape in shapes):
        raise no_family(contents)
    first = shapes[0]
    last = first[1] not in (1, 3, 4) and first[3] in (1, 3, 4)
    found = first[3] if last else first[1]
    channels = found if isinstance(found, int) else 0
    height, width = first[1:3] if last else first[2:4]
    size = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    axis = 3 if last else 1
    outputs = [shape[axis] for shape in contents.output_shapes if len(shape) == 4]
    colors = 2 if 2 in outputs else 3 if 3 in outputs else 0
    known = (channels, len(shapes)) in {(1, 1), (1, 3), (3, 1), (4, 1)}
    if not known or not colors or (channels != 3 and colors != 2):
        raise no_family(contents)
    return Ends(len(shapes), channels, colors, BIN_COUNT in outputs, last, size)


def no_family(contents: OnnxContents) -> ModelError:
    """The error for a network that is none of those known."""
    return ModelError(
        f"{contents.path} does not fit any family",
        expected="inputs (N, 1, H, W), perhaps with hints, (N, 3, H, W) or (N, 4, H, W), and an "
        "output of 2 or 3 channels; or the same with the channels last",
        got=f"{[list(each.shape) for each in contents.inputs]} and "
        f"{[list(each.shape) for each in contents.outputs]}",
    )
