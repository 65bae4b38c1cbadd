"""Importing a network as a model: an ONNX file gets a card and is tried before it is kept."""

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
class ImportOptions:
    """How the user describes a network; None where nothing was said.

    Attributes:
        family: key of `FAMILIES`.
        size: side in pixels of the square whose area the input should have.
        multiple: both sides of the input are multiples of this.
        scale: largest value of an RGB input, 1 or 255; family ``deoldify`` only.
    """

    family: str | None = None
    size: int | None = None
    multiple: int | None = None
    scale: int | None = None

    def check_empty(self, what: str) -> None:
        """Refuse options for a model that has a card.

        Raises:
            ArgumentError: there is one.
        """
        if given := [f"--{key}" for key, value in vars(self).items() if value is not None]:
            raise ArgumentError(
                f"{what} says itself what it is", got=", ".join(given), fix="leave them out"
            )


def import_onnx(file: Path, target: Path, name: str, options: ImportOptions) -> Card:
    """Copy an ONNX file to ``target`` with a card inside, if it then works.

    Raises:
        ArgumentError: ``options`` are not enough, or too many.
        ModelError: the file is no ONNX model, or does not fit the family.
        ModelImportError: ``target`` cannot be written.
    """
    inputs, text = _inspect(file)
    beside = file.with_suffix(".toml")
    if text is not None or beside.is_file():
        options.check_empty(str(file))
        card = Card.from_json(text, str(file)) if text is not None else Card.from_toml(beside)
        cards = [card]
    else:
        cards = _cards(file, name, inputs, options)
    with _writing(target) as temporary:
        for last, card in enumerate(cards, 1 - len(cards)):
            data = b"" if text is not None else card_field(card)
            _copy(file, temporary, data)
            try:
                _check_runs(temporary)
                break
            except ModelError as error:
                if last == 0:
                    raise _about(error, temporary, file) from None
    return card


def import_caffe(parts: Sequence[Path | None], target: Path, options: ImportOptions) -> Card:
    """Turn prototxt, caffemodel and points into an ONNX file at ``target``, if it then works.

    Raises:
        ArgumentError: one of the three is missing, or there are options.
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
        )
    options.check_empty("a Caffe model")
    with _writing(target) as temporary:
        card = import_zhang16(prototxt, caffemodel, points, temporary)
        _check_runs(temporary)
    return card


def _cards(
    file: Path, name: str, inputs: Sequence[Sequence[Any]], options: ImportOptions
) -> list[Card]:
    """The cards to try, best first."""
    if options.family not in FAMILIES:
        if options.family is not None:
            raise ArgumentError.not_one_of("--family", options.family, FAMILIES)
        raise ArgumentError(
            f"{file} does not say what it is", fix=f"add --family with one of {', '.join(FAMILIES)}"
        )
    if options.scale not in (None, 1, 255) or (options.scale and options.family != "deoldify"):
        raise ArgumentError(
            "--scale",
            expected="1 or 255, for the family deoldify",
            got=f"{options.scale} for the family {options.family}",
        )
    height, width = inputs[0][2:] if inputs and len(inputs[0]) == 4 else (None, None)
    fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    card = Card(
        name=name,
        family=options.family,
        source=f"imported from {file.name}",
        size=options.size or (max(fixed) if fixed else 256),
        multiple=options.multiple or (1 if fixed else 32),
        fixed=fixed,
        hints=len(inputs) == 3,
    )
    if options.family != "deoldify":
        return [card]
    # A network of 0...1 cannot give back 0...255, but one of 0...255 may do as if the other.
    scales = [options.scale] if options.scale else [255, 1]
    return [replace(card, scale=float(scale)) for scale in scales]


def _inspect(file: Path) -> tuple[list[Sequence[Any]], str | None]:
    """The shapes of a network's inputs, and the JSON of the card in the file."""
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        if not file.is_file():
            raise ModelError.not_found(file, "an ONNX file") from None
        raise ModelError.unreadable(file, error, "check that it is an ONNX file") from None
    metadata = session.get_modelmeta().custom_metadata_map
    return [each.shape for each in session.get_inputs()], metadata.get(METADATA_KEY)


def _check_runs(path: Path) -> None:
    """Load the model and run it on a grey square."""
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
        raise ModelImportError.unwritable(target, error, "choose another place with -o") from None


def _about(error: ModelError, temporary: Path, file: Path) -> ModelError:
    """The same error with the user's path in place of the temporary one."""
    words = (error.problem, error.expected, error.got, error.fix)
    problem, expected, got, fix = (w and w.replace(str(temporary), str(file)) for w in words)
    return type(error)(problem or "", expected=expected, got=got, fix=fix)
