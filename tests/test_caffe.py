"""The importer of Caffe's files of Zhang et al. 2016."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import caffe_writer as writer
import numpy as np
import pytest
from caffe_writer import caffemodel_bytes
from numpy.typing import NDArray

from photochrom.errors import MissingExtraError, ModelImportError
from photochrom.models.caffe import import_zhang16
from photochrom.models.caffe.schema import net_parameter
from photochrom.models.card import METADATA_KEY, Card

onnx = pytest.importorskip("onnx")
SHARED = Path(__file__).parents[2] / "shared" / "fixtures" / "zhang16"
REFERENCE = Path(__file__).parent / "data" / "zhang16_reference.npz"

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
        return import_zhang16(self.prototxt, self.caffemodel, self.points, self.output)


def small_weights() -> dict[str, list[NDArray[Any]]]:
    numbers = writer.Numbers(3)
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
    return np.round(writer.Numbers(5).uniform((313, 2), -110, 110)).astype(np.int64)


def parse(text: str) -> Any:
    from google.protobuf import text_format

    return text_format.Parse(text, net_parameter()())


@pytest.fixture
def files(tmp_path: Path) -> Files:
    result = Files(*(tmp_path / name for name in ("a.prototxt", "a.caffemodel", "a.npy", "a.onnx")))
    result.prototxt.write_text(SMALL, encoding="latin-1")  # comments come in any encoding
    result.caffemodel.write_bytes(caffemodel_bytes(parse(SMALL), small_weights()))
    np.save(result.points, small_points())
    return result


def run_onnx(path: Path, L: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    ab, logits = session.run(["ab", "logits"], {"L": L})
    return ab, logits


# --- the arithmetic of the layers, written once more in numpy -------------------------------


def convolve(
    x: NDArray[Any],
    weights: NDArray[Any],
    bias: NDArray[Any] | float = 0.0,
    *,
    stride: int = 1,
    pad: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    group: int = 1,
) -> NDArray[Any]:
    outputs, inputs, *kernel = weights.shape
    x = np.pad(x, ((0, 0), (pad[0], pad[0]), (pad[1], pad[1])))
    height, width = (
        (n - d * (k - 1) - 1) // stride + 1
        for n, d, k in zip(x.shape[1:], dilation, kernel, strict=True)
    )
    result = np.zeros((outputs, height, width))
    for o in range(outputs):
        first = o // (outputs // group) * inputs
        for i, row, column in np.ndindex(inputs, *kernel):
            top, left = row * dilation[0], column * dilation[1]
            patch = x[first + i, top:, left:][::stride, ::stride][:height, :width]
            result[o] += weights[o, i, row, column] * patch
    return result + np.reshape(bias, (-1, 1, 1))


def spread_out(
    x: NDArray[Any], weights: NDArray[Any], bias: NDArray[Any], stride: int, pad: int, group: int
) -> NDArray[Any]:
    inputs, outputs, *kernel = weights.shape
    height, width = ((n - 1) * stride + k for n, k in zip(x.shape[1:], kernel, strict=True))
    result = np.zeros((outputs * group, height, width))
    for i, o, row, column in np.ndindex(inputs, outputs, *kernel):
        target = result[i // (inputs // group) * outputs + o]
        part = target[row : row + x.shape[1] * stride : stride]
        part[:, column : column + x.shape[2] * stride : stride] += weights[i, o, row, column] * x[i]
    return result[:, pad : height - pad, pad : width - pad] + bias.reshape(-1, 1, 1)


def small_network(L: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """ab (2, 16, 12) and logits (313, 16, 12) of one picture (1, 16, 12)."""
    blobs = {k: [a.astype(float) for a in v] for k, v in small_weights().items()}

    def per_channel(a: NDArray[Any]) -> NDArray[Any]:
        return a.reshape(-1, 1, 1)

    x = np.maximum(convolve(L, *blobs["conv_a"], stride=2, pad=(1, 1)), 0)
    mean, variance, count = blobs["norm_a"]
    x = (x - per_channel(mean / count)) / np.sqrt(per_channel(variance / count) + 0.01)
    x = x * per_channel(blobs["scale_a"][0]) + per_channel(blobs["scale_a"][1])
    x = convolve(x, blobs["conv_b"][0], pad=(2, 0), dilation=(2, 1), group=2)
    x = np.where(x > 0, x, 0.25 * x)
    x = spread_out(x, *blobs["deconv"], stride=2, pad=1, group=2)
    logits = convolve(x, *blobs["logits_layer"])
    weights = np.exp(2.606 * (logits - logits.max(0)))
    return np.einsum("qhw,qc->chw", weights / weights.sum(0), small_points()), logits


# --- what the imported model computes ---------------------------------------------------------


@pytest.mark.parametrize("style", ["shape", "legacy", "double"])
def test_small_network_is_computed_layer_by_layer(files: Files, style: str) -> None:
    files.caffemodel.write_bytes(caffemodel_bytes(parse(SMALL), small_weights(), style))
    files.run()
    L = writer.Numbers(7).uniform((2, 1, 16, 12), -50, 50)
    ab, logits = run_onnx(files.output, L)
    assert ab.shape == (2, 2, 16, 12)
    assert logits.shape == (2, 313, 16, 12)
    for index in range(2):
        expected_ab, expected_logits = small_network(L[index])
        assert expected_ab.std() > 10  # otherwise the comparison would say nothing
        np.testing.assert_allclose(logits[index], expected_logits, atol=1e-4)
        np.testing.assert_allclose(ab[index], expected_ab, atol=2e-3)


def test_batch_norm_without_counted_pictures_has_zero_statistics(files: Files) -> None:
    weights = small_weights()
    weights["norm_a"][2][:] = 0
    files.caffemodel.write_bytes(caffemodel_bytes(parse(SMALL), weights))
    files.run()
    (node,) = (n for n in onnx.load(files.output).graph.node if n.op_type == "BatchNormalization")
    tensors = {
        t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(files.output).graph.initializer
    }
    assert not tensors[node.input[3]].any()
    assert not tensors[node.input[4]].any()


OLD_INPUTS = {
    "input_dim": 'input: "data_l" input_dim: 1 input_dim: 1 input_dim: 16 input_dim: 12',
    "input_shape": 'input: "data_l" input_shape { dim: 1 dim: 1 dim: 16 dim: 12 }',
}


@pytest.mark.parametrize("spelling", OLD_INPUTS)
def test_inputs_in_old_spellings(files: Files, spelling: str) -> None:
    files.run()
    L = writer.Numbers(7).uniform((1, 1, 16, 12), -50, 50)
    expected, _ = run_onnx(files.output, L)
    begin, end = SMALL.index('layer { name: "data_l"'), SMALL.index('layer { name: "conv_a"')
    text = SMALL[:begin] + OLD_INPUTS[spelling] + "\n" + SMALL[end:]
    files.prototxt.write_text(text, encoding="utf-8-sig")
    files.run()
    np.testing.assert_array_equal(run_onnx(files.output, L)[0], expected)


def test_points_may_be_transposed(files: Files) -> None:
    files.run()
    expected = files.output.read_bytes()
    np.save(files.points, small_points().T.astype(np.float64))
    files.run()
    assert files.output.read_bytes() == expected


def test_the_file_is_valid_and_carries_its_card(files: Files) -> None:
    card = files.run()
    model = onnx.load(files.output)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= 10  # what ONNX Runtime 1.20 reads
    assert {each.domain: each.version for each in model.opset_import} == {"": 17}
    (stored,) = (each.value for each in model.metadata_props if each.key == METADATA_KEY)
    assert Card.from_json(stored, "a.onnx") == card
    assert (card.name, card.family, card.fixed) == ("zhang16", "zhang16", (16, 12))
    assert card.temperature == pytest.approx(1 / 2.606)
    assert "BSD-2-Clause" in card.licence
    kinds = {tensor.data_type for tensor in model.graph.initializer}
    assert kinds == {onnx.TensorProto.FLOAT}


def test_real_network_agrees_with_opencv(tmp_path: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip("the deploy files of Zhang et al. 2016 are not here")
    reference = np.load(REFERENCE)
    prototxt = SHARED / "colorization_deploy_v2.prototxt"
    net = writer.read_net(prototxt)
    seed = int(reference["seed"])
    weights, L = writer.zhang16_weights(net, seed), writer.zhang16_input(seed)
    assert writer.checksum(weights, L) == reference["checksum"]
    files = Files(prototxt, tmp_path / "m", SHARED / "pts_in_hull.npy", tmp_path / "m.onnx")
    files.caffemodel.write_bytes(caffemodel_bytes(net, weights))
    card = files.run()
    files.caffemodel.unlink()  # 129 MB
    assert card.fixed == (224, 224)
    ab, logits = run_onnx(files.output, L)
    files.output.unlink()
    assert logits.shape == (1, 313, 56, 56)
    assert reference["ab"].std(axis=(1, 2)).min() > 10
    assert np.abs(ab[0] - reference["ab"]).max() < 1e-3


# --- what goes wrong --------------------------------------------------------------------------

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 128946764\n"
PAGE = b"\n<!DOCTYPE html>\n<html><head><title>File not found</title></head></html>"


@pytest.mark.parametrize("which", ["prototxt", "caffemodel", "points"])
@pytest.mark.parametrize(
    ("content", "got"),
    [
        (LFS, "got a Git LFS pointer"),
        (PAGE, "got a web page"),
        (b"", "got an empty file"),
        (None, "got no such file"),
        ("folder", "got a folder"),
        (bytes(range(256)) * 64, "got (binary data|16,384 bytes that are|a file that is not .npy)"),
    ],
)
def test_what_failed_downloads_leave_behind(
    files: Files, which: str, content: bytes | str | None, got: str
) -> None:
    path: Path = getattr(files, which)
    path.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.mkdir()
    refused(files, rf"{path.name} cannot be imported: expected .*, {got}.*; ")


def refused(files: Files, message: str) -> None:
    """The import fails with ``message``, and leaves nothing new and nothing changed."""
    files.output.write_bytes(b"before")
    before = set(files.output.parent.iterdir())
    with pytest.raises(ModelImportError, match=message) as caught:
        files.run()
    assert "\n" not in str(caught.value)
    assert files.output.read_bytes() == b"before"
    assert set(files.output.parent.iterdir()) == before


def test_files_in_the_wrong_order(files: Files) -> None:
    p, c, n = files.prototxt, files.caffemodel, files.points
    for order, got in (
        ((c, p, n), "a.caffemodel .*text.*got binary data; give the files in the order"),
        ((p, n, n), "a.npy .*weights.*got a NumPy array; give the files in the order"),
        ((p, p, n), "a.prototxt .*weights.*got [0-9,]+ bytes of text; give the files in the order"),
        ((p, n, c), "a.caffemodel .*points.*got a file that is not .npy; give the files in the"),
    ):
        files.prototxt, files.caffemodel, files.points = order
        refused(files, got)


@pytest.mark.parametrize("part", [0.02, 0.5, 0.9, 0.9999])
def test_truncated_caffemodel(files: Files, part: float) -> None:
    data = files.caffemodel.read_bytes()
    files.caffemodel.write_bytes(data[: int(len(data) * part)])
    refused(files, "got [0-9,]+ bytes that are cut off.*; download the file again")


@pytest.mark.parametrize(
    ("points", "got"),
    [
        (np.zeros((312, 2)), r"the shape \(312, 2\)"),
        (np.zeros((313, 3)), r"the shape \(313, 3\)"),
        (np.zeros((313, 2), "U3"), "values of type <U3"),
        (np.zeros((313, 2), complex), "values of type complex128"),
        (np.full((313, 2), np.nan), "values that are not finite"),
        (np.full((313, 2), None), "an unreadable .npy file .*allow_pickle"),
    ],
)
def test_points_of_another_kind(files: Files, points: NDArray[Any], got: str) -> None:
    np.save(files.points, points, allow_pickle=True)
    refused(files, got)


def test_truncated_points(files: Files) -> None:
    files.points.write_bytes(files.points.read_bytes()[:-1])
    refused(files, "an unreadable .npy file")


def test_points_with_a_damaged_header(files: Files) -> None:
    files.points.write_bytes(files.points.read_bytes().replace(b"}", b" ", 1))
    refused(files, "an unreadable .npy file")


POOLING = 'layer { name: "pool" type: "Pooling" bottom: "a" top: "a" pooling_param { pool: MAX } }'
OLD_LAYER = 'layers { name: "conv_a" type: CONVOLUTION bottom: "data" top: "a" blobs_lr: 1 }'
NOT_ZHANG = "not a network of Zhang et al. 2016: expected a Scale"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('layer { name: "norm_a"', POOLING + 'layer { name: "norm_a"', "layer pool .*type Pooling"),
        ('type: "Dropout"', 'type: "Python"', "layer drop_b cannot .*got type Python"),
        (SMALL, OLD_LAYER, r"got its first format, V1 .*upgrade_net_proto_text"),
        (SMALL, "name: 'nothing'", "got text without layers"),
        ("stride: 2 engine", "strid: 2 engine", "an error at .*strid"),
        ('name: "relu_a"', 'name: "conv_a"', "got several called 'conv_a'"),
        ('bottom: "normed" top: "b"', 'bottom: "x" top: "b"', "layer conv_b .*above it, got x"),
        ("group: 2 bias_term", "group: 4 bias_term", "layer conv_b .*group: 4"),
        ("group: 2 bias_term", "group: 0 bias_term", "layer conv_b .*group: 0"),
        ("stride: 2 engine", "stride: 0 engine", "layer conv_a .*stride: 0"),
        ("kernel_size: 3 ", "", "layer conv_a .*one or two values of kernel_size, got 0"),
        ("dim: 16 dim: 12", "dim: 16", r"the input data_l .*got the shape \(1, 1, 16\)"),
        ("dim: 1 dim: 1 dim", "dim: 1 dim: 3 dim", r"the input data_l .*\(1, 3, 16, 12\)"),
        ("dim: 16 dim: 12", "dim: 0 dim: 12", r"the input data_l .*got the shape \(1, 1, 0, 12\)"),
        ("pad_h: 2", "", "layer conv_b .*no smaller than the kernel"),
        ("use_global_stats: true", "use_global_stats: false", "layer norm_a .*use_global_stats"),
        ("scale_param { bias_term: true", "scale_param { axis: 0 bias_term: true", "got axis 0"),
        ("num_output: 313", "num_output: 312", r"logits_layer .*expected the shape \(312, 4"),
        ('type: "Scale" bottom: "ab"', 'type: "ReLU" bottom: "ab"', NOT_ZHANG),
        ("num_output: 2 kernel", "num_output: 3 kernel", NOT_ZHANG),
        ('bottom: "rh" top', 'bottom: "ab" top', NOT_ZHANG),
        ('layer { name: "Silence"', POOLING.replace("Pooling", "ReLU"), "an error at"),
    ],
)
def test_prototxt_that_cannot_be_converted(files: Files, old: str, new: str, message: str) -> None:
    text = SMALL.replace(old, new)
    # A smaller picture for the case in which the kernel does not fit.
    text = text.replace("dim: 16", "dim: 8") if old == "pad_h: 2" else text
    assert text != SMALL
    files.prototxt.write_text(text, encoding="utf-8")
    refused(files, message)


Change = Callable[[dict[str, list[NDArray[Any]]]], object]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("deconv"), r"deconv \(Deconvolution\) .*expected 2 blobs, got none"),
        (lambda w: w["deconv"].pop(), r"deconv \(Deconvolution\) .*expected 2 blobs, got 1"),
        (
            lambda w: w.update(conv_b=[w["conv_b"][0].transpose(1, 0, 2, 3)]),
            r"conv_b .*expected the shape \(8, 3, 3, 1\) for blob 0, got the shape \(3, 8, 3, 1\)",
        ),
        (
            lambda w: w.update(norm_a=[*w["norm_a"][:2], np.ones(2)]),
            r"norm_a .*the shape \(1,\) for blob 2, got the shape \(2,\)",
        ),
        (lambda w: w.clear(), "got [0-9,]+ bytes without weights"),
    ],
)
def test_caffemodel_of_another_network(files: Files, change: Change, message: str) -> None:
    weights = small_weights()
    change(weights)
    files.caffemodel.write_bytes(caffemodel_bytes(parse(SMALL), weights))
    refused(files, message)


def test_network_for_another_number_of_colours(files: Files) -> None:
    text, weights = SMALL.replace("num_output: 313", "num_output: 312"), small_weights()
    weights["logits_layer"] = [array[:312] for array in weights["logits_layer"]]
    files.prototxt.write_text(text, encoding="utf-8")
    files.caffemodel.write_bytes(caffemodel_bytes(parse(text), weights))
    refused(files, "layer rh .*expected 313 channels, got 312 channels")


def test_blob_with_too_few_numbers(files: Files) -> None:
    net = net_parameter().FromString(files.caffemodel.read_bytes())
    (layer,) = (each for each in net.layer if each.name == "conv_b")
    layer.blobs[0].data = layer.blobs[0].data[:-4]
    files.caffemodel.write_bytes(net.SerializeToString())
    refused(files, "blob 0 of layer conv_b is damaged: expected 72 numbers .*got 284 bytes")


def test_caffemodel_in_the_first_format(files: Files) -> None:
    net = net_parameter()()
    net.layers.add(name="conv_a")
    files.caffemodel.write_bytes(net.SerializeToString())
    refused(files, r"got its first format, V1 .*upgrade_net_proto_binary")


def test_output_that_cannot_be_written(files: Files, tmp_path: Path) -> None:
    for output, got in (
        (tmp_path, "a folder"),
        (tmp_path / "none" / "a.onnx", "a folder that does not exist"),
        (files.caffemodel, "one of the files to import"),
    ):
        files.output = output
        with pytest.raises(ModelImportError, match=f"cannot be written: .*got {got};"):
            files.run()


def test_nothing_is_left_when_writing_fails(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", no_space)
    refused(files, "cannot be written: .*No space left")


def test_missing_extra(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r'pip install "photochrom\[import\]"'):
        files.run()
