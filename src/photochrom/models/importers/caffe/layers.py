"""Turns Caffe's layers into the nodes of an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .graph import Graph, Shape


def _input(graph: Graph, layer: Any) -> None:
    shapes = layer.input_param.shape
    if len(layer.top) != 1 or len(shapes) != 1:
        raise graph.unfit(
            layer, "one top of one shape", f"{len(layer.top)} tops and {len(shapes)} shapes"
        )
    graph.add_input(layer.top[0], shapes[0].dim)


def _identity(graph: Graph, layer: Any) -> None:
    value = graph.source(layer)
    for top in layer.top:
        graph.values[top] = value


def _convolution(graph: Graph, layer: Any) -> None:
    source, settings = graph.source(layer), layer.convolution_param
    kernel = _pair(graph, layer, "kernel_size", "kernel", None)
    stride = _pair(graph, layer, "stride", "stride", 1)
    pad = _pair(graph, layer, "pad", "pad", 0)
    dilation = _pair(graph, layer, "dilation", None, 1)
    outputs, group = settings.num_output, settings.group
    channels, *size = source.shape
    divisible = group and channels % group == 0 and outputs % group == 0
    if min(outputs, *kernel, *stride, *dilation) < 1 or not divisible or settings.axis != 1:
        raise graph.unfit(
            layer,
            "a two-dimensional convolution over the channels",
            " ".join(str(settings).split()),
        )
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    if layer.type == "Deconvolution":
        operator, weights = "ConvTranspose", (channels, outputs // group, *kernel)
        size = [
            s * (n - 1) + r - 2 * p for n, r, s, p in zip(size, reach, stride, pad, strict=True)
        ]
    else:
        operator, weights = "Conv", (outputs, channels // group, *kernel)
        size = [
            (n + 2 * p - r) // s + 1 for n, r, s, p in zip(size, reach, stride, pad, strict=True)
        ]
    if min(size) < 1:
        raise graph.unfit(layer, "an input no smaller than the kernel", f"{source.shape[1:]}")
    shapes: list[Shape] = [weights, (outputs,)] if settings.bias_term else [weights]
    graph.add(
        layer,
        operator,
        source,
        graph.blobs(layer, shapes),
        (outputs, size[0], size[1]),
        kernel_shape=kernel,
        strides=stride,
        pads=pad + pad,
        dilations=dilation,
        group=group,
    )


def _pair(graph: Graph, layer: Any, name: str, stem: str | None, default: int | None) -> list[int]:
    """(height, width) of a setting that may be given once, twice, or as ``stem_h``, ``stem_w``."""
    settings = layer.convolution_param
    if stem and (settings.HasField(f"{stem}_h") or settings.HasField(f"{stem}_w")):
        return [getattr(settings, f"{stem}_h"), getattr(settings, f"{stem}_w")]
    given = list(getattr(settings, name))
    if not given and default is not None:
        given = [default]
    if len(given) not in (1, 2):
        raise graph.unfit(layer, f"one or two values of {name}", f"{len(given)}")
    return given * 2 if len(given) == 1 else given


def _relu(graph: Graph, layer: Any) -> None:
    source, slope = graph.source(layer), layer.relu_param.negative_slope
    if slope:
        graph.add(layer, "LeakyRelu", source, alpha=slope)
    else:
        graph.add(layer, "Relu", source)


def _batch_norm(graph: Graph, layer: Any) -> None:
    source, settings = graph.source(layer), layer.batch_norm_param
    if settings.HasField("use_global_stats") and not settings.use_global_stats:
        raise graph.unfit(layer, "use_global_stats: true", "use_global_stats: false")
    channels = source.shape[0]
    mean, variance, count = graph.blobs(layer, [(channels,), (channels,), (1,)])
    # Caffe stores running sums and how many pictures' worth they are; none counted means zeros.
    factor = 1 / count[0] if count[0] else np.float32(0)
    ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    arrays = [ones, zeros, mean * factor, variance * factor]
    graph.add(layer, "BatchNormalization", source, arrays, epsilon=settings.eps)


def _scale(graph: Graph, layer: Any) -> None:
    source, settings = graph.source(layer), layer.scale_param
    if (settings.axis, settings.num_axes) not in ((1, 1), (-3, 1)):
        got = f"axis {settings.axis}, num_axes {settings.num_axes}"
        raise graph.unfit(layer, "a scale per channel (axis 1, num_axes 1)", got)
    channels = source.shape[0]
    shapes = [(channels,)] * (2 if settings.bias_term else 1)
    arrays = [array.reshape(channels, 1, 1) for array in graph.blobs(layer, shapes)]
    graph.add(layer, "Mul", source, arrays[:1])
    if settings.bias_term:
        graph.add(layer, "Add", graph.values[layer.top[0]], arrays[1:])


def _softmax(graph: Graph, layer: Any) -> None:
    if layer.softmax_param.axis not in (1, -3):
        raise graph.unfit(layer, "softmax over the channels", f"axis {layer.softmax_param.axis}")
    graph.add(layer, "Softmax", graph.source(layer), axis=1)


def _silence(graph: Graph, layer: Any) -> None:
    """Caffe's way to say that a blob's value is not wanted."""


LAYERS: Mapping[str, Callable[[Graph, Any], None]] = {
    "BatchNorm": _batch_norm,
    "Convolution": _convolution,
    "Deconvolution": _convolution,
    "Dropout": _identity,
    "Input": _input,
    "ReLU": _relu,
    "Scale": _scale,
    "Silence": _silence,
    "Softmax": _softmax,
    "Split": _identity,
}
"""How each type of layer is converted; no other type can be."""
