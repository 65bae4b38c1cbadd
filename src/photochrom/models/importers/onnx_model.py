"""Making a model of a network that others exported: giving it its card, and trying it out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..._io import replacing
from ...errors import ArgumentError, ModelError, ModelImportError
from ..card import METADATA_KEY, Card
from ..card_file import card_field
from ..families import FAMILIES
from ..session import import_onnxruntime


@dataclass(frozen=True)
class Wishes:
    """What the user says about a network; None for what is left open."""

    family: str | None
    size: int | None
    multiple: int | None
    scale: int | None

    def check_empty(self, what: str) -> None:
        """Refuse wishes about a model that says itself what it is.

        Raises:
            ArgumentError: there is one.
        """
        if given := [f"--{key}" for key, value in vars(self).items() if value is not None]:
            raise ArgumentError(
                f"{what} says itself what it is",
                expected="none of the options that describe a network",
                got=", ".join(given),
                fix="leave them out",
            )


def adopt_onnx(file: Path, target: Path, name: str, wishes: Wishes) -> Card:
    """Copy an ONNX file to ``target`` with a card inside, if it then works.

    Raises:
        ArgumentError: ``wishes`` are not enough, or too much.
        ModelError: the file is no ONNX model, or does not fit the family.
        ModelImportError: ``target`` cannot be written.
    """
    inputs, text = _look_into(file)
    beside = file.with_suffix(".toml")
    if text is not None or beside.is_file():
        wishes.check_empty(str(file))
        card = Card.from_json(text, str(file)) if text is not None else Card.from_toml(beside)
        cards = [card]
    else:
        cards = _cards(file, name, inputs, wishes)
    with _writing(target) as temporary:
        for last, card in enumerate(cards, 1 - len(cards)):
            data = b"" if text is not None else card_field(card)
            _copy(file, temporary, data)
            try:
                _try_out(temporary)
                break
            except ModelError as error:
                if last == 0:
                    raise _about(error, temporary, file) from None
    return card


def adopt_caffe(parts: Sequence[Path | None], target: Path, wishes: Wishes) -> Card:
    """Turn prototxt, caffemodel and points into an ONNX file at ``target``, if it then works.

    Raises:
        ArgumentError: one of the three is missing, or there are wishes.
        ModelError: they cannot be imported.
        MissingExtraError: onnx or protobuf is not installed.
    """
    from .caffe import import_zhang16

    prototxt, caffemodel, points = parts
    if prototxt is None or caffemodel is None or points is None:
        raise ArgumentError(
            "a Caffe model consists of three files",
            expected="--prototxt FILE, --caffemodel FILE and --points FILE",
            got=f"{3 - list(parts).count(None)} of them",
            fix="name all three",
        )
    wishes.check_empty("a Caffe model")
    with _writing(target) as temporary:
        card = import_zhang16(prototxt, caffemodel, points, temporary)
        _try_out(temporary)
    return card


def _cards(file: Path, name: str, inputs: Sequence[Sequence[Any]], wishes: Wishes) -> list[Card]:
    """The cards to try, best first."""
    if wishes.family not in FAMILIES:
        raise ArgumentError(
            f"{file} does not say what it is" if wishes.family is None else "unknown family",
            expected=f"--family with one of {', '.join(FAMILIES)}",
            got=str(wishes.family or "no --family"),
            fix="name the family whose inputs and outputs it has",
        )
    if wishes.scale not in (None, 1, 255) or (wishes.scale and wishes.family != "deoldify"):
        raise ArgumentError(
            "the scale cannot be used",
            expected="1 or 255, for the family deoldify",
            got=f"{wishes.scale} for the family {wishes.family}",
            fix="leave --scale out",
        )
    height, width = inputs[0][2:] if inputs and len(inputs[0]) == 4 else (None, None)
    fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    card = Card(
        name=name,
        family=wishes.family,
        source=f"imported from {file.name}",
        size=wishes.size or (max(fixed) if fixed else 256),
        multiple=wishes.multiple or (1 if fixed else 32),
        fixed=fixed,
        hints=len(inputs) == 3,
    )
    if wishes.family != "deoldify":
        return [card]
    # A network of 0...1 cannot give back 0...255, but one of 0...255 may do as if the other.
    scales = [wishes.scale] if wishes.scale else [255, 1]
    return [replace(card, scale=float(scale)) for scale in scales]


def _look_into(file: Path) -> tuple[list[Sequence[Any]], str | None]:
    """The shapes of a network's inputs, and the card in the file."""
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        lines = str(error).strip().splitlines()
        raise ModelError(
            f"{file} cannot be imported",
            expected="an ONNX file",
            got="no such file" if not file.is_file() else lines[0][:200] if lines else repr(error),
            fix="check the file",
        ) from None
    metadata = session.get_modelmeta().custom_metadata_map
    return [each.shape for each in session.get_inputs()], metadata.get(METADATA_KEY)


def _try_out(path: Path) -> None:
    """Load the model and let it colour a grey square."""
    from ..session import Model

    model = Model(path)
    height, width = model.fit(256, 256)
    model.predict(np.full((1, 1, height, width), 50, np.float32))


def _copy(file: Path, target: Path, more: bytes) -> None:
    with file.open("rb") as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
        copy.write(more)


@contextmanager
def _writing(target: Path) -> Iterator[Path]:
    """A temporary file beside ``target`` that takes its place if all went well."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            yield temporary
    except OSError as error:
        raise ModelImportError(
            f"{target} cannot be written",
            expected="a folder that can be written",
            got=error.strerror or str(error),
            fix="choose another place with -o",
        ) from None


def _about(error: ModelError, temporary: Path, file: Path) -> ModelError:
    """The same error, speaking of the file that the user knows."""
    words = (error.problem, error.expected, error.got, error.fix)
    problem, expected, got, fix = (w and w.replace(str(temporary), str(file)) for w in words)
    return type(error)(problem or "", expected=expected, got=got, fix=fix)
