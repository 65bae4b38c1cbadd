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
    """An ONNX file that is to be imported; loaded once, run several times.

    Raises:
        ModelError: the file is no ONNX model.
        ModelImportError: a file with its weights is missing.
    """

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
                    got="none",
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
        """The card in the file, or in a ``.toml`` beside it.

        Raises:
            ModelError: it cannot be read.
        """
        text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is not None:
            return Card.from_json(text, str(self.path))
        beside = self.path.with_suffix(".toml")
        return Card.from_toml(beside) if beside.is_file() else None

    @property
    def has_card_inside(self) -> bool:
        return METADATA_KEY in self._session.get_modelmeta().custom_metadata_map

    def run(self, arrays: list[Float]) -> list[Float]:
        """The network's outputs for these inputs, float32.

        Raises:
            ModelError: it fails.
        """
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
        """Shapes of the outputs, from a run on zeros; sides that are free are 256.

        Raises:
            ModelError: the network fails.
        """
        zeros = []
        for spec in self.inputs:
            free = (1, *[_FREE] * (len(spec.shape) - 1))
            pairs = zip(spec.shape, free, strict=True)
            zeros.append(np.zeros([n if isinstance(n, int) else m for n, m in pairs], np.float32))
        return [each.shape for each in self.run(zeros)]

    @cached_property
    def proto(self) -> Any:
        """The file as ``onnx.ModelProto``, with all weights inside.

        Raises:
            MissingExtraError: onnx is not installed.
            ModelImportError: it cannot be read.
        """
        try:
            import onnx
        except ImportError as error:
            raise MissingExtraError.of("onnx", "import", "Importing this network") from error
        try:
            return onnx.load(self.path)
        except Exception as error:  # of protobuf and of onnx, of many kinds
            raise ModelImportError.unreadable(self.path, error, "check that it is whole") from None

    def serialized(self, proto: Any) -> bytes:
        """The bytes of a file with all weights inside.

        Raises:
            ModelImportError: these are too many for one file.
        """
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
