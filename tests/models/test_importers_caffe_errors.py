"""What the importer from Caffe says when a file is not what it should be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom.errors import MissingExtraError, ModelImportError
from photochrom.models.importers.caffe.schema import net_parameter
from tests.helpers.caffe_small import SMALL, Files, parse, small_files, small_weights
from tests.helpers.caffe_writer import caffemodel_bytes

pytest.importorskip("onnx")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return small_files(tmp_path)


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
        (SMALL, OLD_LAYER, r"is in Caffe.s first format, V1 .*upgrade_net_proto_text"),
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
    refused(files, r"is in Caffe.s first format, V1 .*upgrade_net_proto_binary")


def test_output_that_cannot_be_written(files: Files, tmp_path: Path) -> None:
    for output, got in (
        (tmp_path, "it is a folder"),
        (tmp_path / "none" / "a.onnx", "its folder does not exist"),
        (files.caffemodel, "it is one of the files to import"),
    ):
        files.output = output
        with pytest.raises(ModelImportError, match=f"cannot be written: {got}"):
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
