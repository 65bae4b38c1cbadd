"""What an ONNX file holds: its inputs and outputs, its card, and weights in files beside it."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ..._io import show
from ...color import Float
from ...errors import MissingExtraError, ModelError, ModelImportError
from ...gamut import BIN_COUNT
from .. import NUMBERS, import_onnxruntime
from ..card import METADATA_KEY, Card, message_fields

_LOCATION = b"\x0a\x08location"  # of onnx.TensorProto.external_data, a pair of strings
_FREE = 256  # pixels: a size that networks take, whatever they say
_LARGEST = 2**31 - 1  # bytes of a Protocol Buffers message


@dataclass(frozen=True)
class Spec:
    """An input or output of a network; dimensions of any size are names, or None."""

    name: str
    shape: tuple[int | str | None, ...]
    numbers: type[np.generic]


class OnnxContents:
    """An ONNX file to import, loaded once; ModelError, or ModelImportError without its weights."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ModelError.not_found(path, "an ONNX file")
        self.path = path
        self.beside = list(external_files(path))
        for name in self.beside:
            if not (path.parent / name).is_file():
                raise ModelImportError(
                    f"{path} keeps its weights in another file, which is missing",
                    expected=f"{name} in the same folder",
                    fix="copy both files into one folder",
                )
        ort = import_onnxruntime()
        options = ort.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = ort.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's exceptions share no base class
            raise ModelError.unreadable(path, error, "check that it is an ONNX file") from None
        self.inputs = [_spec(each) for each in self._session.get_inputs()]
        self.outputs = [_spec(each) for each in self._session.get_outputs()]

    @property
    def card(self) -> Card | None:
        """The card in the file, or in a ``.toml`` beside it; ModelError if it cannot be read."""
        text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is not None:
            return Card.from_json(text, str(self.path))
        beside = self.path.with_suffix(".toml")
        return Card.from_toml(beside) if beside.is_file() else None

    @property
    def has_card_inside(self) -> bool:
        return METADATA_KEY in self._session.get_modelmeta().custom_metadata_map

    def run(self, arrays: list[Float]) -> list[Float]:
        """The network's outputs for these inputs, float32; ModelError if it fails."""
        feed = {
            spec.name: np.ascontiguousarray(array, spec.numbers)
            for spec, array in zip(self.inputs, arrays, strict=True)
        }
        try:
            return [np.asarray(each, np.float32) for each in self._session.run(None, feed)]
        except Exception as error:
            raise ModelError(
                f"{self.path} cannot be run",
                expected=f"inputs of shapes {[list(spec.shape) for spec in self.inputs]}",
                got=f"{[each.shape for each in arrays]} ({show(str(error))[:200]})",
            ) from None

    @cached_property
    def output_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the outputs of a run on zeros, free sides being 256; ModelError if it fails."""
        zeros = []
        for spec in self.inputs:
            free = (1, *[_FREE] * (len(spec.shape) - 1))
            pairs = zip(spec.shape, free, strict=True)
            zeros.append(np.zeros([n if isinstance(n, int) else m for n, m in pairs], np.float32))
        return [each.shape for each in self.run(zeros)]

    @cached_property
    def proto(self) -> Any:
        """The ``onnx.ModelProto`` with all weights; MissingExtraError or ModelImportError."""
        try:
            import onnx
        except ImportError as error:
            raise MissingExtraError.of("onnx", "import", "Importing this network") from error
        try:
            return onnx.load(self.path)
        except Exception as error:  # of protobuf and of onnx, of many kinds
            raise ModelImportError.unreadable(self.path, error, "check that it is whole") from None

    def serialized(self, proto: Any) -> bytes:
        """The bytes of a file with all weights inside; ModelImportError if too many for one."""
        if proto.ByteSize() > _LARGEST:
            raise ModelImportError(
                f"{self.path} is too large",
                expected="a network of at most 2 GiB",
                got=f"{proto.ByteSize() / 2**30:.1f} GiB",
                fix="export it in half precision",
            )
        data: bytes = proto.SerializeToString()
        return data


def external_files(path: Path) -> Iterator[str]:
    """Names of the files in which an ONNX file keeps its weights; none for most.

    They are found in the bytes, without the package onnx and whatever the size.
    """
    seen = set()
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            place = data.find(_LOCATION)
            while place >= 0:
                start = place + len(_LOCATION)
                for _, value in message_fields(BytesIO(data[start : start + 1024]), {2}):
                    name = value.decode(errors="replace")
                    if name not in seen:
                        seen.add(name)
                        yield name
                    break
                place = data.find(_LOCATION, start)


def _spec(info: Any) -> Spec:
    shape: tuple[Any, ...] = tuple(info.shape)
    numbers: type[np.generic] = NUMBERS.get(info.type, np.float32)
    return Spec(info.name, shape, numbers)


@dataclass(frozen=True)
class Ends:
    """The shape of a network's inputs and outputs."""

    inputs: int  # how many there are
    channels: int  # of the first one
    colors: int  # channels of the output with colours, 2 or 3
    distribution: bool  # whether there are logits over the gamut bins
    channels_last: bool  # whether arrays are ``(N, H, W, C)``
    # ``(height, width)`` if the network says that it takes one size only
    size: tuple[int, int] | None


def ends_of(contents: OnnxContents) -> Ends:
    """The ends of a network; ModelError if they are those of no family, or it fails."""
    shapes = [spec.shape for spec in contents.inputs]
    if not shapes or any(len(shape) != 4 for shape in shapes):
        raise no_family(contents)
    first = shapes[0]
    last = first[1] not in (1, 3, 4) and first[3] in (1, 3, 4)
    found = first[3] if last else first[1]
    channels = found if isinstance(found, int) else 0
    height, width = first[1:3] if last else first[2:4]
    size = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    axis = 3 if last else 1
    outputs = [shape[axis] for shape in contents.output_shapes if len(shape) == 4]
    colors = 2 if 2 in outputs else 3 if 3 in outputs else 0
    known = (channels, len(shapes)) in {(1, 1), (1, 3), (3, 1), (4, 1)}
    if not known or not colors or (channels != 3 and colors != 2):
        raise no_family(contents)
    return Ends(len(shapes), channels, colors, BIN_COUNT in outputs, last, size)


def no_family(contents: OnnxContents) -> ModelError:
    """The error for a network that is none of those known."""
    return ModelError(
        f"{contents.path} does not fit any family",
        expected="inputs (N, 1, H, W), perhaps with hints, (N, 3, H, W) or (N, 4, H, W), and an "
        "output of 2 or 3 channels; or the same with the channels last",
        got=f"{[list(each.shape) for each in contents.inputs]} and "
        f"{[list(each.shape) for each in contents.outputs]}",
    )
