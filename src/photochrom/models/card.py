"""The card: what a model is, travels in the ONNX metadata or in a ``.toml`` beside the file."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from ..errors import ModelError

METADATA_KEY = "photochrom.card"
"""Key of the card's JSON in the ONNX file's ``metadata_props``."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """Description of one model.

    Attributes:
        name: short name, as used by ``--model``.
        family: input/output convention, a key of ``models.families.FAMILIES``.
        title: one line for people.
        licence: SPDX expression or a sentence.
        source: where the model came from (URL or description).
        size: side in pixels of the square whose area the input should have (models of free size).
        film_size: the same for films, if that is another.
        multiple: both input sides must be multiples of this.
        fixed: ``(height, width)`` if the network takes one size only.
        temperature: default T of the annealed mean (families with a distribution only).
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


_POSITIVE_INTEGERS = {"size", "film_size", "multiple"}
_POSITIVE_NUMBERS = {"temperature", "scale"}


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
