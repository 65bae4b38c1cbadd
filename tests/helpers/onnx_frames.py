"""Files that look like ONNX models to whatever reads their metadata alone."""

from __future__ import annotations

from photochrom.models.card import METADATA_KEY, Card


def field(number: int, content: bytes) -> bytes:
    """One length-delimited protobuf field."""
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def onnx_file(card: Card | None) -> bytes:
    """The frame of an ONNX file: version, a stand-in for the graph, metadata."""
    model = b"\x08\x08" + field(7, bytes(300))
    model += field(14, field(1, b"author") + field(2, "Zoë".encode()))
    if card is not None:
        model += field(14, field(1, METADATA_KEY.encode()) + field(2, card.to_json().encode()))
    return model
