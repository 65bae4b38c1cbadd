"""Options of a training run, kept in its folder so that it can be resumed."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from .._io import replacing
from ..errors import ArgumentError
from .data.opening import NAMES

FILE = "run.toml"
"""The options in the folder of a run; ``--config`` of another reads it."""

BUNDLED = "bundled"
"""The model inside the package, as weights to start from."""

_LENGTH = ("minutes", "epochs")
_FREE = (*_LENGTH, "patience", "device", "precision", "workers", "loggers")
"""What may change when a run goes on."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Of one run. What is None is left to the preset.

    Attributes:
        data: folders, shards or names of data sets, see ``sources.open_source``.
        validation: the same, whole sources that are not trained on but measured; none: a small
            part of `data`.
        regions: folders of pictures with region maps, see ``region_maps.RegionPictures``; with
            them a last phase trains the network's region head.
        shares: how much each source of `data` counts, by its name; those not named: not at all.
            Empty: by the number of its pictures.
        most: largest part of the crops that one source may have.
        preset: a key of ``presets.PRESETS``.
        encoder: its name in timm.
        weights: safetensors files, folders of them, or a model (``.onnx``, or ``bundled``) to
            start from.
        minutes: length of the run.
        epochs: length of the run instead, in times that each picture is seen.
        size: side of the crops.
        batch: crops per step.
        lr: largest learning rate.
        seed: of everything random.
        patience, device, precision, loggers: see ``fit.Settings``.
        workers: processes that read pictures.
    """

    data: tuple[str, ...]
    validation: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    most: float | None = None
    preset: str = "photochrom"
    encoder: str | None = None
    weights: tuple[str, ...] = ()
    minutes: float | None = None
    epochs: float | None = None
    size: int | None = None
    batch: int | None = None
    lr: float | None = None
    seed: int = 1
    patience: int = 0
    device: str | None = None
    precision: str | None = None
    workers: int | None = None
    loggers: tuple[str, ...] = ("csv", "tensorboard")

    @classmethod
    def given(cls, given: Mapping[str, Any]) -> Self:
        """Those of a new run, paths absolute; ArgumentError without data, or for two lengths."""
        options = cls(**_absolute({"data": ()} | dict(given)))
        if not options.data:
            raise ArgumentError(
                "there is nothing to train on",
                expected="folders, shards or names of data sets: " + ", ".join(NAMES),
            )
        if options.minutes is not None and options.epochs is not None:
            raise ArgumentError(
                "the length of the run", expected="either --minutes or --epochs", got="both"
            )
        return options

    @classmethod
    def stored(cls, folder: Path, given: Mapping[str, Any]) -> tuple[Self, bool]:
        """Those of the run in a folder, with the given ones that may change.

        Returns:
            The options, and whether the run has become longer or shorter.

        Raises:
            ArgumentError: there is none, or it has other options than those given.
        """
        try:
            options = cls(**read_config(folder / FILE))
        except (ArgumentError, TypeError) as error:
            raise ArgumentError(
                f"there is no run to resume in {folder}",
                expected=f"the folder of a run, with its {FILE}",
                got=getattr(error, "got", None) or str(error),
                fix="name its folder with -o, or leave --resume out",
            ) from None
        changes = {k: v for k, v in _absolute(given).items() if getattr(options, k) != v}
        for name, value in changes.items():
            if name not in _FREE:
                raise ArgumentError(
                    f"the run in {folder} cannot go on with another {name}",
                    expected=_shown(getattr(options, name)),
                    got=_shown(value),
                    fix="leave that option out, or begin a new run in another folder",
                )
        longer = any(name in changes for name in _LENGTH)
        if longer:
            changes = dict.fromkeys(_LENGTH) | changes
        return cls.given(asdict(options) | changes), longer

    def store(self, folder: Path) -> None:
        """Write them to the folder of the run, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / FILE) as temporary:
            temporary.write_text(_toml(asdict(self)), encoding="utf-8")


def read_config(path: Path) -> dict[str, Any]:
    """Options of a TOML file, by the names of `Options`; ArgumentError if it has something else."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        got = "no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise _bad_config(path, got, "correct its name or text") from None
    known = {each.name for each in fields(Options)}
    if unknown := sorted(values.keys() - known):
        raise _bad_config(path, f"{', '.join(unknown)}", "leave out what is not known")
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


def _toml(values: Mapping[str, Any]) -> str:
    lines = [f"{k} = {_value(v)}" for k, v in values.items() if v is not None and k != "shares"]
    shares = [f"{_value(k)} = {_value(v)}" for k, v in values["shares"].items()]
    return "\n".join(lines + (["", "[shares]", *shares] if shares else [])) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _bad_config(path: Path, got: str, fix: str) -> ArgumentError:
    names = ", ".join(each.name for each in fields(Options))
    return ArgumentError(
        f"{path} does not say how to train", expected=f"TOML with some of {names}", got=got, fix=fix
    )


def _absolute(given: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(Options)}
    assert given.keys() <= known
    values = dict(given)
    for name in ("data", "validation", "regions", "weights"):
        if name in values:
            values[name] = tuple(
                s if s in NAMES or s == BUNDLED else _resolved(s) for s in values[name]
            )
    return values


def _resolved(path: str) -> str:
    return str(Path(path).expanduser().resolve())


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(value) or "none"
    return "the preset's own" if value is None else str(value)
