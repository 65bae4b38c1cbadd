"""What the user asked of a run, kept in its folder so that it can be resumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from .._io import replacing
from ..errors import ArgumentError
from .named import NAMES

FILE = "run.json"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Of one run. What is None is left to the preset.

    Attributes:
        data: folders, shards or names of data sets, see ``sources.open_source``.
        preset: a key of ``presets.PRESETS``.
        encoder: its name in timm.
        weights: safetensors files or folders of them to start from.
        minutes: length of the run.
        epochs: length of the run instead, in times that each picture is seen.
        size: side of the crops.
        batch: crops per step.
        seed: of everything random.
    """

    data: tuple[str, ...]
    preset: str = "photochrom"
    encoder: str | None = None
    weights: tuple[str, ...] = ()
    minutes: float | None = None
    epochs: float | None = None
    size: int | None = None
    batch: int | None = None
    seed: int = 1

    @classmethod
    def given(cls, given: Mapping[str, Any]) -> Self:
        """Those of a new run; paths become absolute.

        Raises:
            ArgumentError: no data, or two lengths.
        """
        options = cls(**_absolute({"data": ()} | dict(given)))
        if not options.data:
            raise ArgumentError(
                "there is nothing to train on",
                expected="folders, shards or names of data sets: " + ", ".join(NAMES),
                got="none",
                fix="name one",
            )
        if options.minutes is not None and options.epochs is not None:
            raise ArgumentError(
                "the length of the run",
                expected="either --minutes or --epochs",
                got="both",
                fix="leave one of them out",
            )
        return options

    @classmethod
    def stored(cls, folder: Path, given: Mapping[str, Any]) -> Self:
        """Those of the run in a folder.

        Raises:
            ArgumentError: there is none, or it has other options than those given.
        """
        path = folder / FILE
        try:
            values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            for name in ("data", "weights"):
                values[name] = tuple(values[name])
            options = cls(**values)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArgumentError(
                f"there is no run to resume in {folder}",
                expected=f"the folder of a run, with its {FILE}",
                got="no such file" if isinstance(error, FileNotFoundError) else str(error),
                fix="name its folder with -o, or leave --resume out",
            ) from None
        for name, value in _absolute(given).items():
            if (kept := getattr(options, name)) != value:
                raise ArgumentError(
                    f"the run in {folder} cannot go on with another {name}",
                    expected=_shown(kept),
                    got=_shown(value),
                    fix="leave that option out, or begin a new run in another folder",
                )
        return options

    def store(self, folder: Path) -> None:
        """Write them to the folder of the run, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / FILE) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def _absolute(given: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(Options)}
    assert given.keys() <= known
    values = dict(given)
    if "data" in values:
        values["data"] = tuple(s if s in NAMES else _resolved(s) for s in values["data"])
    if "weights" in values:
        values["weights"] = tuple(_resolved(s) for s in values["weights"])
    return values


def _resolved(path: str) -> str:
    return str(Path(path).expanduser().resolve())


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(value) or "none"
    return "the preset's own" if value is None else str(value)
