"""Hints: colours the user fixes at places of the picture."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from ..color import Float, srgb_to_lab
from ..color.css import FORMS, Rgb, parse_color
from ..errors import ArgumentError

if TYPE_CHECKING:
    from .moment import Moment
    from .palette import Suggestion

KEEP = "keep"
"""In the place of a colour: the place keeps the colour that it has without hints."""

_FORM = (
    f"x,y,COLOUR or x,y,COLOUR,radius in pixels of the picture, for a film after TIME: ; COLOUR is "
    f"{FORMS}, or {KEEP}"
)
_FIX = "for example 120,80,#c0392b or 120,80,teal,15 or 300,40,keep or 1:30:120,80,teal"
_KEYS = ("x", "y", "color", "radius", "page", "time")


@dataclass(frozen=True)
class Hint:
    """One colour at one place.

    Without a radius it is a click: the colour goes to what the place belongs to. With one it is a
    brush: the colour goes to that disc and nowhere else.

    Attributes:
        x, y: pixels of the full picture, from the left and from the top.
        color: ``#rgb``, ``#rrggbb``, a CSS name, three integers 0...255, a `Suggestion` of a
            palette, or ``keep`` for the colour that the place has without hints. Only its chroma
            counts; lightness is the picture's.
        radius: of the disc, in pixels of the full picture; None: a click.
        page: number of the page it is for, from 0; None: every page.
        time: the moment of a film whose frame it lies on, also as seconds or text, see
            `Moment.parse`; None: for pictures.

    Raises:
        ArgumentError: a value out of range, or no colour.
    """

    x: float
    y: float
    color: str | Rgb | Suggestion
    radius: float | None = None
    page: int | None = None
    time: Moment | float | str | None = None

    def __post_init__(self) -> None:
        numbers = (self.x, self.y, 1.0 if self.radius is None else self.radius)
        if not all(isinstance(v, Real) and math.isfinite(v) for v in numbers) or numbers[2] <= 0:
            raise _bad(f"x={self.x}, y={self.y}, radius={self.radius}")
        if self.page is not None and (not isinstance(self.page, Integral) or self.page < 0):
            raise _bad(f"page={self.page}")
        color = getattr(self.color, "color", self.color)  # of a Suggestion
        object.__setattr__(self, "color", KEEP if color == KEEP else parse_color(color))
        if self.time is not None:
            object.__setattr__(self, "time", self.moment)

    @property
    def keep(self) -> bool:
        """Whether the place keeps its colour."""
        return self.color == KEEP

    @property
    def moment(self) -> Moment | None:
        """`time` as a `Moment`."""
        from .moment import Moment

        return None if self.time is None else Moment.parse(self.time)

    @property
    def ab(self) -> Float:
        """The colour's a and b: ``(2,)`` float32.

        Raises:
            ArgumentError: it is a hint that keeps a colour.
        """
        rgb = np.array([parse_color(self.color)], np.uint8)
        return np.asarray(srgb_to_lab(rgb)[0, 1:])

    @classmethod
    def parse(cls, text: str) -> Hint:
        """A hint from ``x,y,COLOUR`` or ``x,y,COLOUR,radius``; for a film from ``TIME:x,y,COLOUR``.

        Raises:
            ArgumentError: `text` is not of that form.
        """
        if not isinstance(text, str):
            raise _bad(repr(text))
        moment, colon, rest = text.rpartition(":")
        time = moment if colon else None
        match rest.split(","):
            case [x, y, color]:
                place = _number(x, text), _number(y, text)
                return cls(*place, _color(color.strip(), text), time=time)
            case [x, y, color, radius]:
                place = _number(x, text), _number(y, text)
                return cls(*place, _color(color.strip(), text), _number(radius, text), time=time)
        raise _bad(repr(text))

    def cell(self, shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, int]:
        """Row and column of the place on a grid.

        Args:
            shape: ``(H, W)`` of the full picture.
            size: ``(h, w)`` of the grid.

        Raises:
            ArgumentError: the place lies outside the picture.
        """
        height, width = shape
        if not (0 <= self.x < width and 0 <= self.y < height):
            raise ArgumentError(
                "a hint lies outside the picture",
                expected=f"x in 0...{width - 1} and y in 0...{height - 1}",
                got=f"{self.x:g},{self.y:g}",
                fix="give the place in pixels of the full picture",
            )
        row, column = int(self.y * size[0] / height), int(self.x * size[1] / width)
        return min(row, size[0] - 1), min(column, size[1] - 1)

    def plain(self) -> dict[str, Any]:
        """The hint as JSON values, without those that are None; see `from_item`."""
        color = KEEP if self.keep else "#" + bytes(parse_color(self.color)).hex()
        time = None if self.moment is None else self.moment.plain
        values = (self.x, self.y, color, self.radius, self.page, time)
        return {k: v for k, v in zip(_KEYS, values, strict=True) if v is not None}


def parse_json(text: str) -> list[Hint]:
    """Hints from JSON, as `to_json` writes them.

    Args:
        text: a list of ``{"x": 1, "y": 2, "color": "#rrggbb", "radius": 3, "page": 0,
            "time": 12.5}``; radius, page and time may be absent or null.

    Raises:
        ArgumentError: `text` is not such a list.
    """
    try:
        items = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise _bad(f"text that is not JSON ({error})") from None
    if not isinstance(items, list):
        raise _bad(f"JSON of a {type(items).__name__}, not a list")
    return [from_item(item) for item in items]


def to_json(hints: Sequence[Hint]) -> str:
    """Hints as JSON, to be saved and read again with `parse_json`."""
    ArgumentError.check("hints", hints, Iterable, "a sequence of Hint")
    for hint in hints:
        ArgumentError.check("hints", hint, Hint, "a sequence of Hint")
    return json.dumps([hint.plain() for hint in hints])


def rasterise(
    hints: Sequence[Hint],
    shape: tuple[int, int],
    size: tuple[int, int],
    unhinted: Float | None = None,
) -> tuple[Float, Float]:
    """Hints as the network takes them.

    Args:
        hints: later ones lie over earlier ones.
        shape: ``(H, W)`` of the full picture.
        size: ``(h, w)`` of the model's input.
        unhinted: ``(2, h', w')``, chroma without hints, for those that keep it.

    Returns:
        Hint map ``(1, 2, h, w)``, ab, and hint mask ``(1, 1, h, w)``, 0 or 1; both float32. Every
        hint covers at least one cell.

    Raises:
        ArgumentError: a hint lies outside the picture, or one keeps a colour and `unhinted` is
            not given.
    """
    hint_map, mask = np.zeros((1, 2, *size), np.float32), np.zeros((1, 1, *size), np.float32)
    for hint in hints:
        disc = cover(hint, shape, size) >= 0.5
        disc[hint.cell(shape, size)] = True
        if not hint.keep:
            color = hint.ab
        elif unhinted is not None:
            row, column = hint.cell(shape, unhinted.shape[1:])
            color = unhinted[:, row, column]
        else:
            raise ArgumentError(
                "hints that keep a colour", expected="the colours without hints", got="none"
            )
        hint_map[0, :, disc] = color
        mask[0, 0, disc] = 1
    return hint_map, mask


def cover(hint: Hint, shape: tuple[int, ...], size: tuple[int, ...]) -> Float:
    """How far the cells of a grid lie in the disc of a hint; a click's is a small one.

    Args and errors: see `Hint.cell`.

    Returns:
        ``(h, w)`` float32, 0 outside ... 1 inside.
    """
    hint.cell(shape, size)
    # In cells of the grid, whose aspect may differ from the picture's.
    scale_y, scale_x = size[0] / shape[0], size[1] / shape[1]
    radius = 0.012 * max(shape) if hint.radius is None else hint.radius
    down, across = max(radius * scale_y, 0.7), max(radius * scale_x, 0.7)
    rows = (np.arange(size[0]) + 0.5 - (hint.y + 0.5) * scale_y) / down
    columns = (np.arange(size[1]) + 0.5 - (hint.x + 0.5) * scale_x) / across
    distance = np.sqrt(rows[:, None] ** 2 + columns[None] ** 2)
    inside = np.clip(0.5 + (1 - distance) * min(down, across), 0, 1)
    return np.asarray(inside, np.float32)


def from_item(item: object) -> Hint:
    """A hint from JSON values, as `Hint.plain` gives them.

    Raises:
        ArgumentError: `item` is no such object.
    """
    if not isinstance(item, dict) or not {"x", "y", "color"} <= set(item) <= set(_KEYS):
        raise _bad(json.dumps(item))
    text, radius, page = str(item), item.get("radius"), item.get("page")
    if page is not None and (isinstance(page, bool) or not isinstance(page, int)):
        raise _bad(text)
    return Hint(
        _number(item["x"], text),
        _number(item["y"], text),
        _color(item["color"], text),
        None if radius is None else _number(radius, text),
        page,
        item.get("time"),
    )


def _number(value: object, whole: str) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # anything else is the user's mistake
    except (TypeError, ValueError, OverflowError):
        raise _bad(repr(whole)) from None


def _color(value: object, whole: str) -> str | Rgb:
    try:
        return KEEP if value == KEEP else parse_color(value)
    except ArgumentError:
        raise _bad(repr(whole)) from None


def _bad(got: str) -> ArgumentError:
    return ArgumentError("a hint cannot be read", expected=_FORM, got=got, fix=_FIX)
