"""Reads the files of a Caffe colouring project: prototxt, caffemodel and points."""

from __future__ import annotations

import io
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import ModelImportError
from .schema import net_parameter

POINTS = 313
"""Number of colours the networks of Zhang et al. 2016 choose among."""

_MAX_BYTES = 2**31 - 1  # protobuf reads no larger message
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r"))

_PROTOTXT = "the network's definition as text (colorization_deploy_v2.prototxt)"
_CAFFEMODEL = (
    "the network's weights (colorization_release_v2.caffemodel, 128,946,764 bytes as released)"
)
_POINTS = f"the {POINTS} ab points as a NumPy array of shape ({POINTS}, 2) (pts_in_hull.npy)"
_ORDER = "give the files in the order prototxt, caffemodel, points"


def read_prototxt(path: Path, types: Collection[str]) -> Any:
    """The network's definition.

    Args:
        path: a prototxt in Caffe's current format (``layer { type: "Convolution" … }``).
        types: the layer types the caller can convert.

    Returns:
        A ``NetParameter``; its layers are all of one of ``types`` and of different names.

    Raises:
        ModelImportError: the file is not such a prototxt, or has a layer of another type.
    """
    from google.protobuf import text_format

    data = _read(path, _PROTOTXT)
    if _is_binary(data):
        raise _unfit(path, _PROTOTXT, "binary data", _ORDER)
    text = data.decode("utf-8-sig", errors="replace")  # a comment may be in any encoding
    broken: Exception | None = None
    try:
        net = text_format.Parse(text, net_parameter()())
    except text_format.ParseError as error:
        # A layer of another type has settings of its own; naming the layer helps more than
        # naming the setting, so look at the layers before complaining.
        broken, net = error, net_parameter()()
        try:
            text_format.Parse(text, net, allow_unknown_field=True)
        except text_format.ParseError:
            net = None
    if net is not None:
        _check_layers(path, net, types)
    if broken is not None:
        raise _unfit(path, _PROTOTXT, f"text with an error at {broken}", "correct the file")
    return net


def _check_layers(path: Path, net: Any, types: Collection[str]) -> None:
    if net.layers:
        raise _old_format(path, "upgrade_net_proto_text")
    if not net.layer:
        raise _unfit(path, _PROTOTXT, "text without layers", "give the deploy prototxt")
    for layer in net.layer:
        if sum(layer.name == other.name for other in net.layer) > 1:
            got = f"several called {layer.name!r}"
            raise _unfit(path, "layers with names of their own", got, "correct the file")
        if layer.type not in types:
            raise ModelImportError(
                f"{path}: layer {layer.name} cannot be converted",
                expected=f"one of the types {', '.join(sorted(types))}",
                got=f"type {layer.type or '(none)'}",
                fix="give the deploy prototxt of Zhang et al. 2016; other networks need their "
                "own converter",
            )


def read_caffemodel(path: Path) -> dict[str, list[Any]]:
    """The learned blobs of each layer by its name, as ``BlobProto``; else ModelImportError."""
    from google.protobuf.message import DecodeError

    data = _read(path, _CAFFEMODEL)
    if data.startswith(b"\x93NUMPY"):
        raise _unfit(path, _CAFFEMODEL, "a NumPy array", _ORDER)
    if not _is_binary(data):
        raise _unfit(path, _CAFFEMODEL, f"{len(data):,} bytes of text", _ORDER)
    try:
        net = net_parameter().FromString(data)
        layers = {layer.name: list(layer.blobs) for layer in net.layer}
    except (DecodeError, UnicodeDecodeError):
        got = f"{len(data):,} bytes that are cut off or not of this format"
        raise _unfit(path, _CAFFEMODEL, got, "download the file again") from None
    if any(layer.name for layer in net.layers):
        raise _old_format(path, "upgrade_net_proto_binary")
    if not any(layers.values()):
        got = f"{len(data):,} bytes without weights"
        raise _unfit(path, _CAFFEMODEL, got, "give the trained caffemodel")
    return layers


def to_array(blob: Any, where: str) -> NDArray[np.float32]:
    """The numbers of a ``BlobProto`` as float32 in the blob's own shape.

    Args:
        where: names the blob in the message ("model.caffemodel: blob 0 of layer conv1").

    Raises:
        ModelImportError: the blob holds more or fewer numbers than its shape says.
    """
    if blob.HasField("shape"):
        shape = tuple(blob.shape.dim)
    else:
        shape = (blob.num, blob.channels, blob.height, blob.width)
    kind, raw = ("<f8", blob.double_data) if blob.double_data else ("<f4", blob.data)
    expected = math.prod(shape) * np.dtype(kind).itemsize
    if min(shape, default=1) < 0 or len(raw) != expected:
        raise ModelImportError(
            f"{where} is damaged",
            expected=f"{math.prod(shape):,} numbers for the shape {shape}",
            got=f"{len(raw):,} bytes where {expected:,} should be",
            fix="download the caffemodel again",
        )
    return np.frombuffer(raw, dtype=kind).reshape(shape).astype(np.float32)


def read_points(path: Path) -> NDArray[np.float32]:
    """The ab points, ``(313, 2)`` float32, also of a transpose; else ModelImportError."""
    data = _read(path, _POINTS)
    fix = "give pts_in_hull.npy"
    if not data.startswith(b"\x93NUMPY"):
        raise _unfit(path, _POINTS, "a file that is not .npy", _ORDER)
    try:
        points = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # damaged headers also bring out errors of Python's tokenizer
        raise _unfit(path, _POINTS, f"an unreadable .npy file ({error})", fix) from None
    if points.dtype.kind not in "iuf":
        raise _unfit(path, _POINTS, f"values of type {points.dtype}", fix)
    if points.shape == (2, POINTS):
        points = points.T
    if points.shape != (POINTS, 2):
        raise _unfit(path, _POINTS, f"the shape {points.shape}", fix)
    if not np.isfinite(points).all():
        raise _unfit(path, _POINTS, "values that are not finite", fix)
    return np.ascontiguousarray(points, dtype=np.float32)


def _read(path: Path, expected: str) -> bytes:
    """The file's bytes, refused if they are what a failed download leaves behind."""
    if path.is_dir():
        raise _unfit(path, expected, "a folder", "give the file inside it")
    if not path.is_file():
        raise _unfit(path, expected, "no such file", "check the path")
    try:
        if (size := path.stat().st_size) > _MAX_BYTES:
            raise _unfit(path, expected, f"{size:,} bytes", "give the right file")
        data = path.read_bytes()
    except OSError as error:
        raise _unfit(path, expected, str(error), "make the file readable") from None
    if not data:
        raise _unfit(path, expected, "an empty file", "download the file again")
    if data.startswith(b"version https://git-lfs"):
        fix = "run `git lfs pull` in its repository, or download the file itself"
        raise _unfit(path, expected, f"a Git LFS pointer ({len(data)} bytes)", fix)
    head = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        fix = "download the file itself (on GitHub: the link `Raw`), not the page that shows it"
        raise _unfit(path, expected, "a web page (HTML)", fix)
    return data


def _is_binary(data: bytes) -> bool:
    head = data[:4096]
    return len(head.translate(None, _CONTROL)) < len(head)


def _unfit(path: Path, expected: str, got: str, fix: str) -> ModelImportError:
    return ModelImportError(f"{path} cannot be imported", expected=expected, got=got, fix=fix)


def _old_format(path: Path, tool: str) -> ModelImportError:
    return ModelImportError(
        f"{path} is in Caffe's first format, V1 (`layers`)",
        fix=f"convert the file with Caffe's {tool}",
    )
