"""Fields of ONNX files, which are Protocol Buffers messages, without the packages onnx or protobuf.

Fields of the same number in one message are merged by every reader, so whatever is appended to a
file adds to what the file already holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO


def output_fields(names: Iterable[str]) -> bytes:
    """Bytes that make results inside the graph outputs of it, when they are appended to a file.

    Args:
        names: of the results, which become the last outputs in this order.
    """
    infos = b"".join(field(12, field(1, name.encode())) for name in names)  # GraphProto.output
    return field(7, infos)  # ModelProto.graph


def field(number: int, content: bytes) -> bytes:
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
