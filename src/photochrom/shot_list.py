"""Lists of a film's shots: what is seen in each, and what a person wants of it; as JSON files.

A list is made by `photochrom.find_shots` (``photochrom shots`` on the command line), edited in any
way, and given to `photochrom.colorize_video` as `VideoOptions.shots`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any, Self

from ._io import replacing
from .errors import ArgumentError
from .hints import Hint, from_item

FORMAT = "photochrom shots 1"
"""Value of the key ``format`` in a list's file."""

_SAME = 0.0005  # seconds by which the end of a shot and the start of the next may differ


@dataclass(frozen=True)
class Shot:
    """One shot of a film.

    What a person may change: where it begins and ends, and all down to `reference`. The rest is
    for information.

    Attributes:
        start, end: seconds; of the first frame, and of the first one after it.
        still: seconds; the frame that its colours are decided by, and that hints without a time
            are on.
        place: number of the shot, from 1, whose `still` its colours come from: an earlier one
            that shows the same place; None: its own.
        version: of its colours: 0 the network's first choice, else the number of one of
            `versions`, from 1.
        vividness, warmth: as of `ColorOptions`; None: those of the whole film.
        hints: colours fixed at places of its frames.
        reference: paths of colour pictures for this shot alone.
        frame: number of its first frame, from 0.
        picture: path of the still's file.
        colors: its main colours, ``#rrggbb``, the commonest first.
        confidence: 0...1, how sure the network is of them; None where it does not tell.
        versions: what other versions there are, in words.
    """

    start: float
    end: float
    still: float
    place: int | None = None
    version: int = 0
    vividness: float | None = None
    warmth: float | None = None
    hints: tuple[Hint, ...] = ()
    reference: tuple[str, ...] = ()
    frame: int | None = None
    picture: str | None = None
    colors: tuple[str, ...] = ()
    confidence: float | None = None
    versions: tuple[str, ...] = ()

    @property
    def edited(self) -> bool:
        """Whether a person wants other colours than the network's first choice."""
        plain = self.vividness is None and self.warmth is None
        return bool(self.version or self.hints or self.reference or not plain)


@dataclass(frozen=True)
class ShotList:
    """The shots of a film, one after the other without a gap.

    Attributes:
        film: name of the film's file.
        duration: of the film, in seconds.
        shots: in the film's order.

    Raises:
        ArgumentError: shots that overlap, leave a gap or have a value that makes no sense.
    """

    film: str
    duration: float
    shots: tuple[Shot, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shots", tuple(self.shots))
        if not self.shots:
            raise ArgumentError("a list of shots", expected="shots", got="none")
        for number, shot in enumerate(self.shots, 1):
            _check(number, shot)
        for number, (one, other) in enumerate(pairwise(self.shots), 1):
            if abs(one.end - other.start) > _SAME:
                raise ArgumentError(
                    f"shots {number} and {number + 1}",
                    expected="the second to begin where the first ends",
                    got=f"an end at {one.end:g} and a start at {other.start:g}",
                )

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Self:
        """A list from its file; paths in it are taken from its folder.

        Raises:
            ArgumentError: it cannot be read, or is no such list.
        """
        path = Path(path)
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ArgumentError.unreadable(str(path), error) from None
        except (ValueError, RecursionError) as error:
            raise _bad(str(path), f"text that is not JSON ({error})") from None
        try:
            return cls.from_plain(data, path.parent)
        except ArgumentError as error:
            raise ArgumentError(
                f"{path}: {error.problem}", expected=error.expected, got=error.got, fix=error.fix
            ) from None

    @classmethod
    def from_plain(cls, data: Any, folder: Path = Path()) -> Self:
        """A list from JSON values.

        Args:
            data: as `plain` gives it; keys that are missing have their defaults.
            folder: that paths in it are taken from.

        Raises:
            ArgumentError: it is no such list.
        """
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise _bad("a list of shots", "another kind of file")
        film, items = data.get("film"), data.get("shots")
        if not isinstance(film, dict) or not isinstance(items, list):
            raise _bad("a list of shots", "no film or no shots in it")
        duration = _number("the film", "duration", film.get("duration"))
        shots = [_shot(number, item, folder) for number, item in enumerate(items, 1)]
        return cls(str(film.get("name", "")), duration, tuple(shots))

    def plain(self) -> dict[str, Any]:
        """The list as JSON values."""
        film = {"name": self.film, "duration": self.duration}
        return {"format": FORMAT, "film": film, "shots": [_plain(shot) for shot in self.shots]}

    def write(self, path: str | PathLike[str]) -> None:
        """Write the list as a file, one line for each value.

        Raises:
            OSError: it cannot be written.
        """
        path = Path(path)
        shots = (
            replace(shot, reference=tuple(_beside(each, path.parent) for each in shot.reference))
            for shot in self.shots
        )
        data = replace(self, shots=tuple(shots)).plain()
        with replacing(path) as temporary:
            text = json.dumps(data, indent=1, ensure_ascii=False)
            temporary.write_text(text + "\n", encoding="utf-8")

    def with_shot(self, number: int, **changes: Any) -> Self:
        """The list with one shot changed.

        Args:
            number: of the shot, from 1.
            changes: attributes of `Shot`.

        Raises:
            ArgumentError: there is no such shot, or the list makes no sense then.
        """
        if not 1 <= number <= len(self.shots):
            raise ArgumentError(
                "the number of a shot", expected=f"1 to {len(self.shots)}", got=str(number)
            )
        shots = list(self.shots)
        shots[number - 1] = replace(shots[number - 1], **changes)
        return replace(self, shots=tuple(shots))


def _check(number: int, shot: Shot) -> None:
    for name in ("hints", "reference", "colors", "versions"):
        object.__setattr__(shot, name, tuple(getattr(shot, name)))
    checks = [
        ("start and end", 0 <= shot.start < shot.end, "a start before the end"),
        ("still", shot.start - _SAME <= shot.still < shot.end, "a time between start and end"),
        (
            "place",
            shot.place is None or 1 <= shot.place <= number,
            f"the number of an earlier shot, 1 to {number}, or null",
        ),
        ("version", shot.version >= 0, "0 or the number of a version"),
    ]
    for name, fine, expected in checks:
        if not fine:
            got = [getattr(shot, each) for each in name.split(" and ")]
            raise ArgumentError(
                f"{name} of shot {number}",
                expected=expected,
                got=" and ".join(f"{v:g}" for v in got),
            )


def _shot(number: int, item: Any, folder: Path) -> Shot:
    """A shot from JSON values."""
    where = f"shot {number}"
    names = [field.name for field in fields(Shot)]
    if not isinstance(item, dict) or not {"start", "end", "still"} <= set(item) <= set(names):
        known = set(item) if isinstance(item, dict) else set()
        raise ArgumentError(
            where,
            expected=f"start, end and still, and of the others {', '.join(names[3:])}",
            got=", ".join(sorted(known - set(names))) or ", ".join(sorted(known)) or "no object",
            fix="correct the names",
        )
    made = {name: _value(where, name, value) for name, value in item.items() if value is not None}
    whole = [name for name in ("place", "version", "frame") if name in made]
    made |= {name: _whole(where, name, made[name]) for name in whole}
    if "hints" in item:
        made["hints"] = tuple(from_item(each) for each in item["hints"] or ())
    if "reference" in item:
        made["reference"] = tuple(str(folder / each) for each in item["reference"] or ())
    return Shot(**made)


def _value(where: str, name: str, value: Any) -> Any:
    if name in ("hints", "reference", "colors", "versions"):
        texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
        if not isinstance(value, list) or not (texts or name == "hints"):
            expected = "a list of objects" if name == "hints" else "a list of texts"
            raise ArgumentError(f"{name} of {where}", expected=expected, got=json.dumps(value))
        return tuple(value)
    if name == "picture":
        return str(value)
    return _number(where, name, value)


def _number(where: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentError(f"{name} of {where}", expected="a number", got=json.dumps(value))
    return float(value)


def _whole(where: str, name: str, value: float) -> int:
    if not value.is_integer():
        raise ArgumentError(f"{name} of {where}", expected="a whole number", got=json.dumps(value))
    return int(value)


def _plain(shot: Shot) -> dict[str, Any]:
    values = {field.name: getattr(shot, field.name) for field in fields(shot)}
    values["hints"] = [hint.plain() for hint in shot.hints]
    return {key: _listed(value) for key, value in values.items()}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _beside(path: str, folder: Path) -> str:
    """A path as it is written in a file in `folder`."""
    inside = not Path(path).is_absolute() or Path(path).is_relative_to(folder.absolute())
    return os.path.relpath(path, folder) if inside else path


def _bad(what: str, got: str) -> ArgumentError:
    return ArgumentError(
        what,
        expected=f'a list as `photochrom shots` writes it, with "format": "{FORMAT}"',
        got=got,
        fix="make one with `photochrom shots FILM -o FOLDER`",
    )
