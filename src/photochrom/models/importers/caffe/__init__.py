"""Caffe's files of Zhang et al. 2016 -> one ONNX file; needs neither Caffe nor OpenCV.

A great many projects carry ``colorization_deploy_v2.prototxt``,
``colorization_release_v2.caffemodel`` and ``pts_in_hull.npy`` and run them with
``cv2.dnn.readNetFromCaffe``, which OpenCV 5 no longer has. ``import_zhang16`` turns the three
into a model like any other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...._io import replacing
from ....errors import MissingExtraError, ModelImportError
from ...card import METADATA_KEY, Card
from .graph import Graph, Value
from .layers import LAYERS
from .reader import POINTS, read_caffemodel, read_points, read_prototxt

SCALE = 2.606
"""Factor on the logits before the softmax: the annealed mean's 1 / T of the paper's release."""


def import_zhang16(prototxt: Path, caffemodel: Path, points: Path, output: Path) -> Card:
    """Writes the network of Zhang, Isola and Efros (2016) as one ONNX file.

    The points become the weights of the last convolution (``class8_ab``) and 2.606 those of the
    ``Scale`` before the softmax (``conv8_313_rh``), as the scripts for OpenCV did it; what the
    caffemodel may hold for these two is not used.

    The model's input is ``L``, float32 (N, 1, 224, 224): lightness minus 50, so -50...50. Its
    outputs are ``ab``, float32 (N, 2, 56, 56) in Lab units, and ``logits``, float32
    (N, 313, 56, 56), before the factor 2.606. N is free; the sides are those of the prototxt.

    Args:
        prototxt: the network's definition, ``colorization_deploy_v2.prototxt``.
        caffemodel: its weights, ``colorization_release_v2.caffemodel``.
        points: ab of the 313 colours, ``pts_in_hull.npy``.
        output: the ONNX file to write; replaced if it exists, untouched if the import fails.

    Returns:
        The card, which is also in the file's metadata.

    Raises:
        ModelImportError: a file is not what it should be, the files do not belong together, or
            ``output`` cannot be written.
        MissingExtraError: onnx or protobuf is not installed.
    """
    try:
        import onnx  # noqa: F401  (requires protobuf itself)
    except ImportError as error:
        raise MissingExtraError.of("onnx", "import", "Importing Caffe models") from error

    _check_output(output, (prototxt, caffemodel, points))
    net = read_prototxt(prototxt, LAYERS)
    scale, last = _decoder(prototxt, net)
    filled = {
        scale.name: [np.full(POINTS, SCALE, np.float32)],
        last.name: [read_points(points).T],
    }
    graph = Graph(prototxt, caffemodel, read_caffemodel(caffemodel), filled)
    outputs = _convert(graph, net, scale, last)
    assert graph.input is not None
    card = _card(prototxt, caffemodel, graph.input.shape)
    model = graph.to_model(outputs, {METADATA_KEY: card.to_json()})
    del graph  # and Caffe's copy of the weights with it, before the next copy is made
    _write(output, model)
    return card


def _decoder(path: Path, net: Any) -> tuple[Any, Any]:
    """The two layers that scripts fill: the Scale before the softmax, the convolution after it."""
    passing = ("Silence", "Dropout", "Split")
    tail = [layer for layer in net.layer if layer.type not in passing][-3:]
    if [layer.type for layer in tail] == ["Scale", "Softmax", "Convolution"]:
        scale, softmax, last = tail
        settings = last.convolution_param
        linked = list(scale.top) == list(softmax.bottom), list(softmax.top) == list(last.bottom)
        if all(linked) and settings.num_output == 2 and list(settings.kernel_size) == [1]:
            return scale, last
    raise ModelImportError(
        f"{path} is not a network of Zhang et al. 2016",
        expected="a Scale (conv8_313_rh), a Softmax and a 1×1 Convolution to 2 channels "
        "(class8_ab) at its end",
        got=", ".join(f"{layer.name} ({layer.type})" for layer in tail) or "none",
    )


def _convert(graph: Graph, net: Any, scale: Any, last: Any) -> dict[str, Value]:
    """Adds all layers to ``graph``; returns the values of the model's outputs."""
    if net.input:
        graph.add_input(net.input[0], net.input_shape[0].dim if net.input_shape else net.input_dim)
    outputs = {}
    for layer in net.layer:
        if layer.name == scale.name:
            outputs["logits"] = graph.source(layer)
            if (channels := outputs["logits"].shape[0]) != POINTS:
                raise graph.unfit(layer, f"{POINTS} channels", f"{channels} channels")
        LAYERS[layer.type](graph, layer)
        if layer.name == last.name:
            outputs["ab"] = graph.values[layer.top[0]]
    return dict(sorted(outputs.items()))


def _card(prototxt: Path, caffemodel: Path, shape: tuple[int, int, int]) -> Card:
    return Card(
        name="zhang16",
        family="zhang16",
        title="Colorful Image Colorization (Zhang, Isola, Efros 2016)",
        licence="BSD-2-Clause (weights: Richard Zhang, Phillip Isola, Alexei A. Efros, "
        "UC Berkeley)",
        source=f"imported from the Caffe files {prototxt.name} and {caffemodel.name}",
        size=shape[1],
        fixed=shape[1:],
        temperature=1 / SCALE,
        data="ImageNet",
    )


def _check_output(output: Path, inputs: tuple[Path, ...]) -> None:
    if output.is_dir():
        raise ModelImportError.unwritable(output, "it is a folder", "name a file")
    if not output.parent.is_dir():
        raise ModelImportError.unwritable(output, "its folder does not exist")
    if output.resolve() in {path.resolve() for path in inputs}:
        raise ModelImportError.unwritable(output, "it is one of the files to import")


def _write(output: Path, model: Any) -> None:
    try:
        with replacing(output) as temporary:
            temporary.write_bytes(model.SerializeToString())
    except OSError as error:
        raise ModelImportError.unwritable(output, error) from error
