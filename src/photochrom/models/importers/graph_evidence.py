"""What the ends of an ONNX graph say about the ranges of its inputs and outputs.

Networks often normalise inside: the first operations on an input, and the last before an output,
are then sums and products with constants, from which the range outside follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ...gamut import BIN_COUNT, bins

_SILENT = {"Identity", "Cast", "Transpose", "Dropout"}
_LINEAR = {"Add", "Sub", "Mul", "Div"}
_BOUNDS = {"Sigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0)}
_STEPS = 8  # operations at an end that are looked at


class Ending(NamedTuple):
    """How an output is made: x * scale + shift, of values within `bounds` where these are known."""

    bounds: tuple[float, float] | None
    scale: float
    shift: float

    @property
    def range(self) -> tuple[float, float] | None:
        """Least and greatest value of the output."""
        if self.bounds is None:
            return None
        low, high = (self.scale * each + self.shift for each in self.bounds)
        return min(low, high), max(low, high)


class GraphEvidence:
    """The ends of a graph, an ``onnx.ModelProto``."""

    def __init__(self, proto: Any) -> None:
        from onnx import numpy_helper

        self._nodes = list(proto.graph.node)
        self._inputs = proto.graph.input
        self._constants = {
            each.name: numpy_helper.to_array(each) for each in proto.graph.initializer
        }
        for node in self._nodes:
            if node.op_type == "Constant" and node.attribute[0].HasField("t"):
                value = numpy_helper.to_array(node.attribute[0].t)
                self._constants[node.output[0]] = value
        self._makers = {name: node for node in self._nodes for name in node.output}

    def beginnings(self, name: str) -> list[tuple[float, float]]:
        """What is done to an input first: x * scale + shift, one for each way on that has any."""
        found = set(self._ways(name, 1.0, 0.0, _STEPS))
        return [each for each in sorted(found) if each[0] and each != (1.0, 0.0)]

    def ending(self, name: str) -> Ending:
        """What is done to an output last."""
        scale, shift = 1.0, 0.0
        for _ in range(_STEPS):
            node = self._makers.get(name)
            if node is None:
                break
            if node.op_type in _BOUNDS:
                return Ending(_BOUNDS[node.op_type], scale, shift)
            if node.op_type in _SILENT or node.op_type in ("Resize", "Upsample"):
                name = node.input[0]
                continue
            step = self._step(node)
            if step is None:
                break
            name, (by, plus) = step
            scale, shift = scale * by, scale * plus + shift
        return Ending(None, scale, shift)

    def logits(self) -> str:
        """Name of the value that a softmax turns into shares of the 313 gamut bins; or nothing."""
        for node in self._nodes:
            if node.op_type != "Softmax":
                continue
            if _attribute(node, "axis", -1) == 1 and self._leads_to_bins(node.output[0]):
                return str(node.input[0])
        return ""

    def _leads_to_bins(self, name: str) -> bool:
        """Whether a convolution makes the colours of the gamut bins of it, in any unit."""
        for node in self._nodes:
            if node.op_type == "Conv" and node.input[0] == name:
                weight = self._constants.get(node.input[1])
                if weight is not None and weight.shape[:2] == (2, BIN_COUNT):
                    colors = weight.reshape(2, BIN_COUNT).T.astype(float)
                    unit = float((colors * bins()).sum() / max((colors**2).sum(), 1e-12))
                    return bool(np.abs(colors * unit - bins()).max() < 0.5)
        return False

    def _ways(
        self, name: str, scale: float, shift: float, left: int
    ) -> Iterator[tuple[float, float]]:
        ends = True
        for node in self._nodes if left else ():
            if name not in node.input:
                continue
            step = self._step(node) if node.op_type in _LINEAR else None
            if node.op_type in _SILENT:
                step = name, (1.0, 0.0)
            if step is not None and step[0] == name:
                ends = False
                by, plus = step[1]
                yield from self._ways(node.output[0], scale * by, shift * by + plus, left - 1)
        if ends:
            yield round(scale, 9), round(shift, 9)

    def _step(self, node: Any) -> tuple[str, tuple[float, float]] | None:
        """The variable input of a sum or product with a constant, and what that does to it."""
        if node.op_type not in _LINEAR or len(node.input) != 2:
            return None
        values = [self._number(name) for name in node.input]
        if (values[0] is None) == (values[1] is None):
            return None
        place = 0 if values[0] is None else 1
        value = values[1 - place]
        assert value is not None
        if node.op_type == "Div" and (place == 1 or value == 0):
            return None
        effects = {
            "Add": (1.0, value),
            "Sub": (1.0, -value) if place == 0 else (-1.0, value),
            "Mul": (value, 0.0),
            "Div": (1 / value if value else 1.0, 0.0),
        }
        return node.input[place], effects[node.op_type]

    def _number(self, name: str) -> float | None:
        """The value of a constant whose elements are all the same."""
        array = self._constants.get(name)
        if array is None or array.size == 0 or array.dtype.kind not in "fiu":
            return None
        first = float(array.flat[0])
        return first if bool((array == array.flat[0]).all()) else None


def _attribute(node: Any, name: str, usual: int) -> int:
    return next((int(each.i) for each in node.attribute if each.name == name), usual)
