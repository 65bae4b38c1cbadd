"""How networks take lightness and give colours: ranges, units, axes; and as inputs of ONNX graphs.

A network whose convention is not its family's is rewritten when it is imported, so that nothing
of this is left when it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...color import Float
from .onnx_contents import OnnxContents

Numbers = float | tuple[float, ...]
_PREFIX = "photochrom_"  # of the names of new values


class Affine(NamedTuple):
    """x * scale + shift; numbers for each channel, or one for all."""

    scale: Numbers = 1.0
    shift: Numbers = 0.0

    def __call__(self, x: Float) -> Float:
        scale, shift = (np.asarray(each, np.float32).reshape(1, -1, 1, 1) for each in self)
        return np.asarray(x * scale + shift, np.float32)


SAME = Affine()


@dataclass(frozen=True, kw_only=True)
class Convention:
    """What a network takes and gives, as differences from a family of `card.FAMILIES`."""

    family: str  # its key
    about: str  # for people: "lightness 0...100 -> ab"
    # from each of the family's inputs to the network's; missing ones are the same
    taken: tuple[Affine, ...] = ()
    given: Affine = SAME  # from the network's colours to the family's
    stacked: bool = False  # the network has one input for L, hint map and hint mask
    channels_last: bool = False  # its arrays are ``(N, H, W, C)``
    logits: str = ""  # name of a value inside the graph that becomes an output
    scale: float = 1.0  # of the card, see `Card`

    @property
    def is_family(self) -> bool:
        """Whether the network is as its family says, and needs no rewriting."""
        plain = all(each == SAME for each in (*self.taken, self.given))
        return plain and not (self.stacked or self.channels_last or self.logits)

    def encode(self, inputs: Sequence[Float]) -> list[Float]:
        """The family's inputs as the network's."""
        taken = (*self.taken, *[SAME] * len(inputs))
        arrays = [change(x) for change, x in zip(taken, inputs, strict=False)]
        if self.stacked:
            arrays = [np.concatenate(arrays, 1)]
        return [x.transpose(0, 2, 3, 1) for x in arrays] if self.channels_last else arrays

    def decode(self, outputs: Sequence[Float], channels: int) -> list[Float]:
        """The network's outputs as the family's, whose colours have so many channels."""
        found = []
        for each in outputs:
            if each.ndim == 4 and self.channels_last:
                each = each.transpose(0, 3, 1, 2)
            if each.ndim == 4 and each.shape[1] == channels:
                each = self.given(each)
            found.append(np.ascontiguousarray(each))
        return found


def rewritten(contents: OnnxContents, convention: Convention) -> Any:
    """The file's ``onnx.ModelProto`` with its ends changed.

    Args:
        contents: the file.
        convention: of its network.

    Raises:
        MissingExtraError: onnx is not installed.
        ModelError: the network fails.
    """
    proto = contents.proto
    shapes = contents.output_shapes
    _rewrite_inputs(proto.graph, contents, convention)
    _rewrite_outputs(proto.graph, contents, convention, shapes)
    return proto


def _rewrite_inputs(graph: Any, contents: OnnxContents, convention: Convention) -> None:
    from onnx import TensorProto, helper

    specs = contents.inputs
    names, channels = ["L", "hint_ab", "hint_mask"], [1, 2, 1]
    if not convention.stacked:
        channels = [int(_planar(spec.shape, convention)[1] or 1) for spec in specs]
        names = names[: len(specs)] if channels[0] == 1 else ["rgb"]
    batch, _, height, width = _planar(specs[0].shape, convention)
    kept = [each for each in graph.input if each.name not in {spec.name for spec in specs}]
    del graph.input[:]
    nodes, values = _Nodes(), []
    taken = (*convention.taken, *[SAME] * len(names))
    for name, count, change in zip(names, channels, taken, strict=False):
        shape = [batch, count, height, width]
        graph.input.append(helper.make_tensor_value_info(_PREFIX + name, TensorProto.FLOAT, shape))
        values.append(nodes.affine(_PREFIX + name, change))
    if convention.stacked:
        values = [nodes.add("Concat", values, axis=1)]
    for value, spec in zip(values, specs, strict=True):
        if convention.channels_last:
            value = nodes.add("Transpose", [value], perm=[0, 2, 3, 1])
        if spec.numbers is not np.float32:
            number = helper.np_dtype_to_tensor_dtype(np.dtype(spec.numbers))
            value = nodes.add("Cast", [value], to=number)
        nodes.add("Identity", [value], result=spec.name)
    graph.input.extend(kept)
    made = [*nodes.made, *graph.node]
    del graph.node[:]
    graph.node.extend(made)


def _rewrite_outputs(
    graph: Any,
    contents: OnnxContents,
    convention: Convention,
    shapes: Sequence[tuple[int, ...]],
) -> None:
    from onnx import TensorProto, helper

    nodes = _Nodes()
    infos = []
    colors = 3 if convention.family == "deoldify" else 2
    for spec, shape in zip(contents.outputs, shapes, strict=True):
        if len(shape) != 4:
            continue
        value = spec.name
        if spec.numbers is not np.float32:
            value = nodes.add("Cast", [value], to=TensorProto.FLOAT)
        if convention.channels_last:
            value = nodes.add("Transpose", [value], perm=[0, 3, 1, 2])
        if shape[3 if convention.channels_last else 1] == colors:
            value = nodes.affine(value, convention.given)
        result = nodes.add("Identity", [value], result=_PREFIX + spec.name)
        dims = _planar(spec.shape if len(spec.shape) == 4 else (None,) * 4, convention)
        infos.append(helper.make_tensor_value_info(result, TensorProto.FLOAT, dims))
    if convention.logits:
        result = nodes.add("Identity", [convention.logits], result=f"{_PREFIX}logits")
        dims = [infos[0].type.tensor_type.shape.dim[0].dim_param or None, 313, None, None]
        infos.append(helper.make_tensor_value_info(result, TensorProto.FLOAT, dims))
    graph.node.extend(nodes.made)
    del graph.output[:]
    graph.output.extend(infos)


def _planar(shape: Sequence[Any], convention: Convention) -> list[Any]:
    """Dimensions in the order N, C, H, W."""
    if convention.channels_last:
        batch, height, width, channels = shape
        return [batch, channels, height, width]
    return list(shape)


class _Nodes:
    """Nodes to be put before or behind a graph, with constants and names of their own."""

    _count = 0

    def __init__(self) -> None:
        self.made: list[Any] = []

    def add(
        self, operator: str, inputs: Sequence[str], *, result: str | None = None, **attributes: Any
    ) -> str:
        from onnx import helper

        name = result or self._name()
        self.made.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def affine(self, value: str, change: Affine) -> str:
        for operator, numbers, neutral in (("Mul", change.scale, 1.0), ("Add", change.shift, 0.0)):
            if numbers != neutral:
                value = self.add(operator, [value, self._constant(numbers)])
        return value

    def _constant(self, numbers: float | tuple[float, ...]) -> str:
        from onnx import numpy_helper

        array = np.asarray(numbers, np.float32).reshape(1, -1, 1, 1)
        return self.add("Constant", [], value=numpy_helper.from_array(array))

    @classmethod
    def _name(cls) -> str:
        cls._count += 1
        return f"{_PREFIX}{cls._count}"
