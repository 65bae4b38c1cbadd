"""The importer of Caffe's files of Zhang et al. 2016."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom.models.card import METADATA_KEY, Card
from tests.helpers import caffe_writer as writer
from tests.helpers.caffe_small import SMALL, Files, parse, small_files, small_points, small_weights
from tests.helpers.caffe_writer import caffemodel_bytes

onnx = pytest.importorskip("onnx")
SHARED = Path(__file__).parents[3] / "shared" / "fixtures" / "zhang16"
REFERENCE = Path(__file__).parents[1] / "data" / "zhang16_reference.npz"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return small_files(tmp_path)


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


def test_what_the_caffemodel_holds_for_the_filled_layers_is_not_used(files: Files) -> None:
    files.run()
    expected = files.output.read_bytes()
    more = {"rh": [np.ones(313)], "points": [np.ones((2, 313, 1, 1)), np.ones(2)]}
    files.caffemodel.write_bytes(caffemodel_bytes(parse(SMALL), small_weights() | more))
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


@pytest.mark.slow
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
