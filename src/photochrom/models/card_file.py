"""Cards in and beside ONNX files, read and written without loading the model.

ONNX files are Protocol Buffers messages, taken apart here without the packages onnx or protobuf.
Fields of the same number in one message are merged by every reader, so whatever is appended to a
file adds to what the file already holds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from .._io import replacing
from ..errors import ModelError
from .card import METADATA_KEY, Card


def write_card(card: Card, path: Path) -> None:
    """Write ``card`` as TOML, unless the user has one there."""
    if path.exists():
        return
    values = {key: value for key, value in asdict(card).items() if value not in (None, "")}
    metrics = values.pop("metrics")
    # JSON's strings, numbers, truth values and lists are written the same way in TOML.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    if metrics:
        lines += ["[metrics]", *(f"{json.dumps(key)} = {value}" for key, value in metrics.items())]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_card(path: Path) -> Card | None:
    """The card in an ONNX file or beside it; None if there is none that can be read."""
    try:
        with path.open("rb") as file:
            for _, pair in fields(file, {14}):  # metadata_props of onnx.ModelProto
                texts = dict(fields(BytesIO(pair), {1, 2}))  # its key and its value
                if texts.get(1) == METADATA_KEY.encode():
                    return Card.from_json(texts.get(2, b"").decode(), str(path))
        return Card.from_toml(path.with_suffix(".toml"))
    except (ModelError, OSError, ValueError, OverflowError):
        return None


def card_field(card: Card) -> bytes:
    """The card as bytes that make it part of an ONNX file when they are appended to it.

    So a model of any size gets its card without being read, or the package onnx being there.
    """
    pair = _field(1, METADATA_KEY.encode()) + _field(2, card.to_json().encode())
    return _field(14, pair)  # metadata_props of onnx.ModelProto


def output_fields(names: Iterable[str]) -> bytes:
    """Bytes that make results inside the graph outputs of it, when they are appended to a file.

    Args:
        names: of the results, which become the last outputs in this order.
    """
    infos = b"".join(_field(12, _field(1, name.encode())) for name in names)  # GraphProto.output
    return _field(7, infos)  # ModelProto.graph


def _field(number: int, content: bytes) -> bytes:
    """One length-delimited field of a message."""
    length, size = len(content), bytearray()
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    return bytes([number << 3 | 2]) + bytes(size) + bytes([length]) + content


def fields(file: BinaryIO, wanted: set[int]) -> Iterator[tuple[int, bytes]]:
    """(number, bytes) of the wanted length-delimited fields of a protobuf message.

    The others are jumped over, so that a list of models does not read gigabytes of weights.
    """
    while (tag := _varint(file)) is not None:
        if tag & 7 == 2:
            length = _varint(file) or 0
            if tag >> 3 in wanted:
                yield tag >> 3, file.read(min(length, 1 << 20))
            else:
                file.seek(length, os.SEEK_CUR)
        elif tag & 7 == 0:
            _varint(file)
        else:
            raise ValueError("not an ONNX file")


def _varint(file: BinaryIO) -> int | None:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return value
    raise ValueError("not an ONNX file")
