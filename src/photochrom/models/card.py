"""The card: what a model is; and the families of networks, one of which it names.

The card is in the metadata of the ONNX file, or in a ``.toml`` beside it. ONNX files are Protocol
Buffers messages, taken apart here without the packages onnx or protobuf. Fields of the same number
in one message are merged by every reader, so whatever is appended to a file adds to what the file
already holds.

A family says how L and hints become a network's inputs, and its outputs become ab. It is a pair of
small functions. ``encode`` takes L ``(N, 1, h, w)``, the hint map ``(N, 2, h, w)``, the hint mask
``(N, 1, h, w)`` and the card, and gives the network's inputs in their order; ``decode`` takes the
network's outputs and the card, and gives a `Prediction`. Features, a vector for each place that
says what lies there, are an output ``features`` ``(N, C, h, w)`` of networks of any family;
vectors by which the regions of one picture are told apart are an output ``regions``.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from .._io import replacing
from ..color import Float, lab_to_srgb, srgb_to_lab
from ..errors import ModelError
from ..gamut import BIN_COUNT

METADATA_KEY = "photochrom.card"
"""Key of the card's JSON in the ONNX file's ``metadata_props``."""
_POSITIVE_INTEGERS = {"size", "film_size", "multiple"}
_POSITIVE_NUMBERS = {"temperature", "chroma", "scale"}
FEATURES = "features"
"""Name of the output with features."""

REGIONS = "regions"
"""Name of the output with the vectors of regions."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """Description of one model.

    Attributes:
        name: short name, as used by ``--model``.
        family: input/output convention, a key of ``FAMILIES``.
        title: one line for people.
        licence: SPDX expression or a sentence.
        source: where the model came from (URL or description).
        size: side in pixels of the square whose area the input should have (models of free size).
        film_size: the same for films, if that is another.
        multiple: both input sides must be multiples of this.
        fixed: ``(height, width)`` if the network takes one size only.
        temperature: default T of the annealed mean (families with a distribution only).
        chroma: factor of the annealed mean in the model's ab, which makes up for the chroma that a
            mean loses; hints are divided by it. Both happen inside the graph.
        hints: whether the network itself takes hints.
        scale: largest value of an RGB input and output (family ``deoldify`` only): 1 or 255.
        data, limits, training: free text for people: what it was trained on, what it is bad at,
            how it was trained.
        metrics: measured figures, name -> value.
    """

    name: str
    family: str
    title: str = ""
    licence: str = "unknown"
    source: str = ""
    size: int = 256
    film_size: int | None = None
    multiple: int = 1
    fixed: tuple[int, int] | None = None
    temperature: float = 0.38
    chroma: float = 1.0
    hints: bool = False
    scale: float = 1.0
    data: str = ""
    limits: str = ""
    training: str = ""
    metrics: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """The card as JSON, keys sorted, for the ONNX metadata."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, where: str) -> Self:
        """A card from JSON.

        Raises:
            ModelError: ``text`` is not JSON of a card; ``where`` names the file in the message.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise _bad(where, f"text that is not JSON ({error})") from None
        return cls._checked(values, where)

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """A card from a TOML file, whose keys are the attributes above.

        Raises:
            ModelError: the file is not TOML of a card.
        """
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _bad(str(path), str(error)) from None
        return cls._checked(values, str(path))

    @classmethod
    def _checked(cls, values: Any, where: str) -> Self:
        if not isinstance(values, dict):
            raise _bad(where, f"a {type(values).__name__}")
        known = {f.name: f for f in fields(cls)}
        if unknown := sorted(set(values) - set(known)):
            raise _bad(where, f"the unknown keys {', '.join(unknown)}")
        if missing := {"name", "family"} - set(values):
            raise _bad(where, f"no {' and no '.join(sorted(missing))}")
        if isinstance(values.get("fixed"), list):
            values["fixed"] = tuple(values["fixed"])
        for key, value in values.items():
            if not _fits(key, value):
                raise _bad(where, f"{key} = {value!r}")
        return cls(**values)


def _fits(key: str, value: Any) -> bool:
    if key == "film_size" and value is None:
        return True
    if key in _POSITIVE_INTEGERS:
        return type(value) is int and 0 < value <= 4096
    if key in _POSITIVE_NUMBERS:
        return type(value) in (int, float) and 0 < value < 1e6
    if key == "hints":
        return type(value) is bool
    if key == "metrics":
        return isinstance(value, dict) and all(type(v) in (int, float) for v in value.values())
    if key == "fixed":
        return value is None or (
            isinstance(value, tuple)
            and len(value) == 2
            and all(type(v) is int and 0 < v <= 4096 for v in value)
        )
    return isinstance(value, str)


def _bad(where: str, got: str) -> ModelError:
    return ModelError(
        f"{where}: the model card cannot be read",
        got=got,
        fix="correct the card, or import the model again with `photochrom models import`",
    )


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
            for _, pair in message_fields(file, {14}):  # metadata_props of onnx.ModelProto
                texts = dict(message_fields(BytesIO(pair), {1, 2}))  # its key and its value
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


def _field(number: int, content: bytes) -> bytes:
    """One length-delimited field of a message."""
    length, size = len(content), bytearray()
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    return bytes([number << 3 | 2]) + bytes(size) + bytes([length]) + content


def message_fields(file: BinaryIO, wanted: set[int]) -> Iterator[tuple[int, bytes]]:
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


@dataclass(frozen=True)
class Prediction:
    """What a model says of pictures.

    Attributes:
        ab: ``(N, 2, h', w')`` float32, CIELAB chroma on the model's own grid.
        logits: ``(N, 313, h', w')`` float32 over the gamut bins, where the family gives a
            distribution; T = 1 is what the network says.
        features: ``(N, C, h'', w'')`` float32, a vector for each place that says what lies there,
            where the network has them; see `photochrom.affinity`.
        regions: the same for places of one picture only, by which its regions are told apart;
            `features` where the network has no others.
    """

    ab: Float
    logits: Float | None = None
    features: Float | None = None
    regions: Float | None = None


@dataclass(frozen=True)
class Family:
    """One input/output convention; `inputs` is the number of inputs it may have."""

    encode: Callable[[Float, Float, Float, Card], list[Float]]
    decode: Callable[[Sequence[Float], Card], Prediction]
    inputs: tuple[int, ...]


def _with_hints(L: Float, hint_map: Float, mask: Float, card: Card) -> list[Float]:
    return [L, hint_map, mask] if card.hints else [L]


def _centred(L: Float, hint_map: Float, mask: Float, card: Card) -> list[Float]:
    return [L - np.float32(50)]


def _lightness(L: Float, hint_map: Float, mask: Float, card: Card) -> list[Float]:
    return [L]


def _grey_rgb(L: Float, hint_map: Float, mask: Float, card: Card) -> list[Float]:
    lab = np.concatenate([L, np.zeros_like(L), np.zeros_like(L)], 1).transpose(0, 2, 3, 1)
    grey = lab_to_srgb(np.ascontiguousarray(lab), np.float32).transpose(0, 3, 1, 2)
    return [np.ascontiguousarray(grey) * np.float32(card.scale)]


def _distribution(outputs: Sequence[Float], card: Card) -> Prediction:
    maps = {o.shape[1]: o for o in outputs if o.ndim == 4}
    features = next((o for channels, o in maps.items() if channels not in (2, BIN_COUNT)), None)
    return Prediction(_output(outputs, 2, card), maps.get(BIN_COUNT), features)


def _chroma(outputs: Sequence[Float], card: Card) -> Prediction:
    return Prediction(_output(outputs, 2, card))


def _chroma_over_128(outputs: Sequence[Float], card: Card) -> Prediction:
    return Prediction(_output(outputs, 2, card) * np.float32(128))


def _rgb(outputs: Sequence[Float], card: Card) -> Prediction:
    rgb = np.clip(_output(outputs, 3, card) / np.float32(card.scale), 0, 1)
    lab = srgb_to_lab(np.ascontiguousarray(rgb.transpose(0, 2, 3, 1)))
    return Prediction(np.ascontiguousarray(lab[..., 1:].transpose(0, 3, 1, 2)))


def _output(outputs: Sequence[Float], channels: int, card: Card) -> Float:
    for output in outputs:
        if output.ndim == 4 and output.shape[1] == channels:
            return output
    raise ModelError(
        f"the model {card.name} does not fit its family",
        expected=f"an output of shape (N, {channels}, h, w), as {card.family} has",
        got=", ".join(str(o.shape) for o in outputs),
        fix="import it again with the right --family",
    )


FAMILIES: dict[str, Family] = {
    "photochrom": Family(_with_hints, _distribution, (1, 3)),
    "zhang16": Family(_centred, _distribution, (1,)),
    "siggraph17": Family(_with_hints, _chroma, (1, 3)),
    "ddcolor": Family(_grey_rgb, _chroma, (1,)),
    "deoldify": Family(_grey_rgb, _rgb, (1,)),
    "plain": Family(_lightness, _chroma_over_128, (1,)),
}
