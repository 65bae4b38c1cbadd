"""An ONNX graph that is built from Caffe layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import ModelImportError
from .reader import to_array

Shape = tuple[int, ...]

# Softmax means what Caffe means by it since opset 13, BatchNormalization is in its present form
# since 15; ONNX Runtime has read 17 since its release 1.12. IR version 8 belongs to opset 17.
_OPSET, _IR_VERSION = 17, 8


@dataclass(frozen=True)
class Value:
    """A tensor of the graph: its ONNX name and its shape without the batch, (C, H, W)."""

    name: str
    shape: tuple[int, int, int]


class Graph:
    """An ONNX graph that grows by one Caffe layer at a time.

    Args:
        definition: the prototxt's path, for messages.
        caffemodel: its path, for messages.
        learned: the blobs of the caffemodel by layer name.
        filled: blobs that replace those of the caffemodel, by layer name; where a layer needs
            more blobs than are given, the others are zero.
    """

    def __init__(
        self,
        definition: Path,
        caffemodel: Path,
        learned: Mapping[str, Sequence[Any]],
        filled: Mapping[str, Sequence[NDArray[np.float32]]],
    ) -> None:
        from onnx import helper

        self.definition, self.caffemodel = definition, caffemodel
        self.learned, self.filled = learned, filled
        self._model = helper.make_model(
            helper.make_graph([], "caffe", [], []),
            producer_name="photochrom",
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )
        self.values: dict[str, Value] = {}
        self.input: Value | None = None
        self._names = {"L", "ab", "logits"}  # the outside's names

    def add_input(self, blob: str, dims: Sequence[int]) -> None:
        """Declares the network's only input, of shape (N, 1, H, W); N is ignored."""
        fits = len(dims) == 4 and dims[1] == 1 and all(0 < size <= 4096 for size in dims[2:])
        if self.input is not None or not fits:
            second = "a second input of " if self.input is not None else ""
            raise ModelImportError(
                f"{self.definition}: the input {blob} cannot be converted",
                expected="one input of the shape (1, 1, height, width), sides up to 4096",
                got=f"{second}the shape {tuple(dims)}",
                fix="give the deploy prototxt of Zhang et al. 2016",
            )
        self.input = self.values[blob] = Value("L", (1, dims[2], dims[3]))

    def source(self, layer: Any) -> Value:
        """The value at the layer's only bottom."""
        if len(layer.bottom) != 1:
            raise self.unfit(layer, "one bottom", f"{len(layer.bottom)} bottoms")
        if layer.bottom[0] not in self.values:
            raise self.unfit(layer, "a bottom made by a layer above it", layer.bottom[0])
        return self.values[layer.bottom[0]]

    def blobs(self, layer: Any, shapes: Sequence[Shape]) -> list[NDArray[np.float32]]:
        """The layer's learned numbers, in ``shapes``."""
        if layer.name in self.filled:
            filled = list(self.filled[layer.name])
            filled += [np.zeros(shape, np.float32) for shape in shapes[len(filled) :]]
            return [array.reshape(shape) for array, shape in zip(filled, shapes, strict=True)]
        learned = self.learned.get(layer.name, ())
        if len(learned) != len(shapes):
            raise self._foreign(layer, f"{len(shapes)} blobs", f"{len(learned) or 'none'}")
        arrays = []
        for index, (blob, shape) in enumerate(zip(learned, shapes, strict=True)):
            array = to_array(blob, f"{self.caffemodel}: blob {index} of layer {layer.name}")
            # Old files write a vector as (1, 1, 1, C).
            if _without_leading_ones(array.shape) != _without_leading_ones(shape):
                raise self._foreign(
                    layer, f"the shape {shape} for blob {index}", f"the shape {array.shape}"
                )
            arrays.append(array.reshape(shape))
        return arrays

    def add(
        self,
        layer: Any,
        operator: str,
        source: Value,
        arrays: Sequence[NDArray[np.float32]] = (),
        shape: tuple[int, int, int] | None = None,
        **attributes: Any,
    ) -> None:
        """One node from ``source`` to the layer's only top; ``arrays`` become its weights."""
        from onnx import TensorProto, helper

        if len(layer.top) != 1:
            raise self.unfit(layer, "one top", f"{len(layer.top)} tops")
        inputs = [source.name]
        for array in arrays:
            inputs.append(self._unique(f"{layer.name}.weight"))
            # Straight into the model: helper.make_model would copy 129 MB twice more.
            self._model.graph.initializer.add(
                name=inputs[-1],
                data_type=TensorProto.FLOAT,
                dims=array.shape,
                raw_data=array.astype("<f4").tobytes(),
            )
        # A top may have its bottom's name: Caffe overwrites, ONNX wants a name of its own.
        value = Value(self._unique(layer.top[0]), shape or source.shape)
        node = helper.make_node(operator, inputs, [value.name], **attributes)
        self._model.graph.node.append(node)
        self.values[layer.top[0]] = value

    def to_model(self, outputs: Mapping[str, Value], metadata: dict[str, str]) -> Any:
        """The ONNX model with the given outputs, whose keys become their names; ends the graph."""
        from onnx import TensorProto, helper

        assert self.input is not None
        graph = self._model.graph
        names = {value.name: name for name, value in outputs.items()}
        for node in graph.node:
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]
        for infos, values in ((graph.input, {"L": self.input}), (graph.output, outputs)):
            for name, value in values.items():
                shape: list[str | int] = ["N", *value.shape]
                infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        helper.set_model_props(self._model, metadata)
        return self._model

    def unfit(self, layer: Any, expected: str, got: str) -> ModelImportError:
        """The error for a layer whose settings cannot be converted."""
        return ModelImportError(
            f"{self.definition}: layer {layer.name} ({layer.type}) cannot be converted",
            expected=expected,
            got=got,
            fix="give the deploy prototxt of Zhang et al. 2016",
        )

    def _foreign(self, layer: Any, expected: str, got: str) -> ModelImportError:
        return ModelImportError(
            f"{self.caffemodel} does not fit layer {layer.name} ({layer.type}) of "
            f"{self.definition.name}",
            expected=expected,
            got=got,
            fix="give the prototxt and the caffemodel of the same network",
        )

    def _unique(self, name: str) -> str:
        number, unique = 1, name
        while unique in self._names:
            number += 1
            unique = f"{name}.{number}"
        self._names.add(unique)
        return unique


def _without_leading_ones(shape: Shape) -> Shape:
    while shape and shape[0] == 1:
        shape = shape[1:]
    return shape
