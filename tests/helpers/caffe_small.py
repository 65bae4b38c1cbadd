"""A small network of Zhang's structure, for the tests of the importer from Caffe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photochrom.models.card import Card
from photochrom.models.importers.caffe import import_zhang16
from photochrom.models.importers.caffe.schema import net_parameter
from tests.helpers.caffe_writer import Numbers, caffemodel_bytes

# Every type of layer, settings in every spelling, layers that overwrite their bottom.
SMALL = """
name: "small"  # a comment: Zürich
layer { name: "data_l" type: "Input" top: "data_l"
  input_param { shape { dim: 1 dim: 1 dim: 16 dim: 12 } } }
layer { name: "conv_a" type: "Convolution" bottom: "data_l" top: "a" param { lr_mult: 0 }
  convolution_param { num_output: 6 pad: 1 kernel_size: 3 stride: 2 engine: CAFFE
    weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "relu_a" type: "ReLU" bottom: "a" top: "a" }
layer { name: "norm_a" type: "BatchNorm" bottom: "a" top: "normed"
  batch_norm_param { use_global_stats: true eps: 0.01 } }
layer { name: "scale_a" type: "Scale" bottom: "normed" top: "normed"
  scale_param { bias_term: true } }
layer { name: "conv_b" type: "Convolution" bottom: "normed" top: "b"
  convolution_param { num_output: 8 kernel_h: 3 kernel_w: 1 pad_h: 2 pad_w: 0 dilation: 2
    dilation: 1 group: 2 bias_term: false } }
layer { name: "relu_b" type: "ReLU" bottom: "b" top: "b" relu_param { negative_slope: 0.25 } }
layer { name: "drop_b" type: "Dropout" bottom: "b" top: "b" dropout_param { dropout_ratio: 0.5 } }
layer { name: "deconv" type: "Deconvolution" bottom: "b" top: "c"
  convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 group: 2 } }
layer { name: "logits_layer" type: "Convolution" bottom: "c" top: "ab"
  convolution_param { num_output: 313 kernel_size: 1 } }
layer { name: "rh" type: "Scale" bottom: "ab" top: "rh"
  scale_param { bias_term: false filler { type: 'constant' value: 2.606 } } }
layer { name: "softmax" type: "Softmax" bottom: "rh" top: "probabilities" }
layer { name: "points" type: "Convolution" bottom: "probabilities" top: "L"
  convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "Silence" type: "Silence" bottom: "L" }
"""


@dataclass
class Files:
    """The importer's arguments."""

    prototxt: Path
    caffemodel: Path
    points: Path
    output: Path

    def run(self) -> Card:
        """Imports them."""
        return import_zhang16(self.prototxt, self.caffemodel, self.points, self.output)


def small_weights() -> dict[str, list[NDArray[Any]]]:
    numbers = Numbers(3)
    count = np.array([250.0], np.float32)
    return {
        "conv_a": [numbers.spread((6, 1, 3, 3), 0.05), numbers.spread((6,), 0.5)],
        "norm_a": [
            numbers.uniform((6,), -1, 1) * count,
            numbers.uniform((6,), 0.2, 2) * count,
            count,
        ],
        "scale_a": [numbers.uniform((6,), 0.5, 2), numbers.spread((6,), 0.5)],
        "conv_b": [numbers.spread((8, 3, 3, 1), 0.5)],
        "deconv": [numbers.spread((8, 2, 4, 4), 0.5), numbers.spread((4,), 0.5)],
        "logits_layer": [numbers.spread((313, 4, 1, 1), 0.7), numbers.spread((313,), 0.5)],
    }


def small_points() -> NDArray[np.int64]:
    return np.round(Numbers(5).uniform((313, 2), -110, 110)).astype(np.int64)


def parse(text: str) -> Any:
    from google.protobuf import text_format

    return text_format.Parse(text, net_parameter()())


def small_files(folder: Path) -> Files:
    """The small network's files in ``folder``, and where its model goes."""
    names = ("a.prototxt", "a.caffemodel", "a.npy", "a.onnx")
    files = Files(*(folder / name for name in names))
    files.prototxt.write_text(SMALL, encoding="latin-1")  # comments come in any encoding
    files.caffemodel.write_bytes(caffemodel_bytes(parse(SMALL), small_weights()))
    np.save(files.points, small_points())
    return files
