"""Cards in and beside ONNX files, without loading the model."""

from __future__ import annotations

import json
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

from .._io import replacing
from ..errors import ModelError
from .card import METADATA_KEY, Card
from .onnx_fields import field, fields


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

    An ONNX file is a Protocol Buffers message, and further fields may follow one: so a model of
    any size gets its card without being read, or the package onnx being there.
    """
    pair = field(1, METADATA_KEY.encode()) + field(2, card.to_json().encode())
    return field(14, pair)  # metadata_props of onnx.ModelProto
