"""Importing a network as a model: it becomes an ONNX file with a card, tried before it is kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..._io import replacing
from ...errors import ArgumentError, MissingExtraError, ModelError, ModelImportError
from .. import Model
from ..card import FAMILIES, Card, card_field, read_card
from .conventions import Convention
from .family_guess import RANGES, guess
from .onnx_contents import OnnxContents, ends_of

CHECKPOINTS = (".pth", ".pt", ".bin", ".ckpt", ".safetensors")
"""Suffixes of files with weights alone."""


@dataclass(frozen=True)
class ImportOptions:
    """How the user describes a network; None where nothing was said."""

    family: str | None = None  # key of `FAMILIES`
    size: int | None = None  # side in pixels of the square whose area the input should have
    multiple: int | None = None  # both sides of the input are multiples of this
    scale: int | None = None  # largest value of an RGB input, 1 or 255; family ``deoldify`` only
    # range of the lightness that goes in, a key of `family_guess.RANGES`
    lightness: str | None = None

    def check_empty(self, what: str) -> None:
        """Refuse options for a model that has a card, with ArgumentError."""
        if given := [f"--{key}" for key, value in vars(self).items() if value is not None]:
            raise ArgumentError(
                f"{what} says itself what it is", got=", ".join(given), fix="leave them out"
            )


def import_onnx(file: Path, target: Path, name: str, options: ImportOptions) -> tuple[Card, str]:
    """Write an ONNX file as a model to ``target``, with a card inside, if it then works.

    Weights in files beside it are taken in, and a network of another convention than its family's
    is rewritten to it.

    Returns:
        The card, and for people what the network takes and gives; empty for a file with a card.

    Raises:
        ArgumentError: ``options`` are not enough, too many, or contradict the network.
        ModelError: the file is no ONNX model, or does not fit the family.
        ModelImportError: weights are missing, or ``target`` cannot be written.
        MissingExtraError: the file has to be rewritten and onnx is not installed.
    """
    contents = OnnxContents(file)
    card = contents.card
    if card is not None:
        options.check_empty(str(file))
        with _writing(target) as temporary:
            _copy(contents, temporary, b"" if contents.has_card_inside else card_field(card))
            _tried(temporary, file, [card])
        return card, ""
    _check(options)
    conventions = guess(contents, options.family, options.lightness)
    if options.scale is not None:
        conventions = [each for each in conventions if each.scale == options.scale] or conventions
    first = conventions[0]
    card = _card(file, name, first, ends_of(contents).size, len(contents.inputs) == 3, options)
    cards = [replace(card, scale=each.scale) for each in conventions]
    with _writing(target) as temporary:
        if first.is_family:
            _copy(contents, temporary, b"")
        else:
            temporary.write_bytes(contents.serialized(_rewritten(contents, first)))
        card = _tried(temporary, file, cards)
    about = next(each.about for each in conventions if each.scale == card.scale)
    return card, about


def import_checkpoint(file: Path, target: Path, name: str, options: ImportOptions) -> Card:
    """Write the network whose weights ``file`` holds as an ONNX file, if it then works.

    Raises:
        ArgumentError: ``options`` say what the weights say themselves.
        ModelImportError: the file cannot be read safely, its network is not known, or ``target``
            cannot be written.
        MissingExtraError: PyTorch is not installed.
    """
    for package in ("torch", "onnxscript", "safetensors"):
        if find_spec(package) is None:
            raise MissingExtraError.of(package, "train", "Importing weights of PyTorch")
    from . import checkpoint

    replace(options, size=None).check_empty(f"{file}, as weights of a known network,")
    if not file.is_file():
        raise ModelError.not_found(file, "weights of a network")
    with _writing(target) as temporary:
        card = checkpoint.import_checkpoint(file, temporary, name, size=options.size)
        _check_runs(temporary)
    return card


def import_caffe(parts: Sequence[Path | None], target: Path, options: ImportOptions) -> Card:
    """An ONNX file of the three at ``target``, if it works; ArgumentError or ModelError if not."""
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


def _check(options: ImportOptions) -> None:
    if options.family is not None and options.family not in FAMILIES:
        raise ArgumentError.not_one_of("--family", options.family, FAMILIES)
    if options.lightness is not None and options.lightness not in RANGES:
        raise ArgumentError.not_one_of("--lightness", options.lightness, RANGES)
    if options.scale not in (None, 1, 255) or (options.scale and options.family != "deoldify"):
        raise ArgumentError(
            "--scale",
            expected="1 or 255, for the family deoldify",
            got=f"{options.scale} for the family {options.family}",
        )


def _card(
    file: Path,
    name: str,
    convention: Convention,
    fixed: tuple[int, int] | None,
    hints: bool,
    options: ImportOptions,
) -> Card:
    if fixed is not None and options.size not in (None, *fixed):
        raise ArgumentError(
            "--size",
            expected=f"{fixed[1]} x {fixed[0]}, the only size that {file} takes",
            got=options.size,
            fix="leave it out, or export the network with dynamic axes",
        )
    return Card(
        name=name,
        family=convention.family,
        source=f"imported from {file.name}",
        size=options.size or (max(fixed) if fixed else 256),
        multiple=options.multiple or (1 if fixed else 32),
        fixed=fixed,
        temperature=1.0 if convention.logits else Card.temperature,
        hints=hints or convention.stacked,
    )


def _rewritten(contents: OnnxContents, convention: Convention) -> Any:
    from .conventions import rewritten

    return rewritten(contents, convention)


def _tried(path: Path, file: Path, cards: Sequence[Card]) -> Card:
    """The first card with which the model runs; the card goes into the file if it has none."""
    before = path.stat().st_size
    has_one = read_card(path) is not None
    for last, card in enumerate(cards, 1 - len(cards)):
        found = card
        try:
            _add(path, before, b"" if has_one else card_field(card))
            _check_runs(path)
        except ModelError as error:
            if last == 0:
                raise _about(error, path, file) from None
            continue
        if card.fixed is None and not _takes_other_sizes(path):
            side = Model(path).fit(256, 256)
            found = replace(card, fixed=side, size=max(side), multiple=1)
            _add(path, before, b"" if has_one else card_field(found))
        return found
    raise AssertionError("no card to try")


def _add(path: Path, length: int, more: bytes) -> None:
    """Cut the file to ``length`` and append to it."""
    with path.open("r+b") as file:
        file.truncate(length)
        file.seek(length)
        file.write(more)


def _takes_other_sizes(path: Path) -> bool:
    """Whether a network that says so takes pictures that are no squares."""
    model = Model(path)
    try:
        side = max(model.card.multiple, 128 // model.card.multiple * model.card.multiple)
        model.predict(np.full((1, 1, side, 2 * side), 50, np.float32))
    except ModelError:
        return False
    return True


def _check_runs(path: Path) -> None:
    """Load the model and run it on a grey square."""
    model = Model(path)
    height, width = model.fit(256, 256)
    model.predict(np.full((1, 1, height, width), 50, np.float32))


def _copy(contents: OnnxContents, target: Path, more: bytes) -> None:
    if contents.beside:
        target.write_bytes(contents.serialized(contents.proto) + more)
        return
    with contents.path.open("rb") as source, target.open("wb") as copy:
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
