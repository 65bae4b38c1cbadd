"""How one picture shall look: its pins, version and reference; every change can be undone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

_STEPS = 100
"""Changes that can be undone."""

MAX_PINS = 40
"""Each hint costs time; nobody sets this many."""


@dataclass(frozen=True)
class Pin:
    """A place somebody marked.

    Attributes:
        id: unlike that of the picture's other pins, ever.
        x, y: shares of the width and height, 0...1.
        color: ``#rrggbb``; None: not chosen yet, so it is no hint yet.
    """

    id: int
    x: float
    y: float
    color: str | None = None


@dataclass(frozen=True)
class Look:
    """Everything about one picture that its user decided.

    Attributes:
        pins: in the order they were put.
        version: which of the alternatives, from 0; None: the model's own.
        reference: key of the reference picture; None: there is none.
    """

    pins: tuple[Pin, ...] = ()
    version: int | None = None
    reference: str | None = None

    @property
    def settled(self) -> Look:
        """The same without the pins that have no colour yet: what can be seen of it."""
        return replace(self, pins=tuple(pin for pin in self.pins if pin.color))


@dataclass
class Edits:
    """One picture's look, the looks before it, and the pin that is being worked on.

    Attributes:
        look: as it is now.
        chosen: id of the pin whose colour is asked for; None: no pin's.
    """

    look: Look = field(default_factory=Look)
    chosen: int | None = None
    _past: list[Look] = field(default_factory=list)
    _next: int = 1

    @property
    def pin(self) -> Pin | None:
        """The chosen pin."""
        return next((pin for pin in self.look.pins if pin.id == self.chosen), None)

    @property
    def undoable(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._past)

    def change(self, **values: Any) -> None:
        """Give the look other values."""
        new = replace(self.look, **values)
        if new.settled != self.look.settled:
            self._past = [*self._past[1 - _STEPS :], self.look.settled]
        self.look = new

    def undo(self) -> None:
        """Go back by one change."""
        if self._past:
            self.look, self.chosen = self._past.pop(), None

    def act(self, event: object) -> None:
        """Do what happened on the picture.

        Args:
            event: from the browser: ``do`` is "put" (with ``x``, ``y``), "choose", "move" (``id``,
                ``x``, ``y``), "paint" (``id``, ``color``), "delete" (``id``), "clear", "undo" or
                "close". Whatever else comes is left alone.
        """
        if not isinstance(event, Mapping):
            return
        match event.get("do"):
            case "undo":
                self.undo()
            case "close":
                self._close()
            case "clear":
                self.change(pins=())
                self.chosen = None
            case "put" if place := _place(event):
                self._put(*place)
            case "choose" | "move" | "paint" | "delete" as what:
                pin = next((p for p in self.look.pins if p.id == event.get("id")), None)
                if pin:
                    self._act_on(pin, what, event)

    def _act_on(self, pin: Pin, what: str, event: Mapping[str, Any]) -> None:
        color = str(event.get("color"))
        if what == "choose":
            self._close(keep=pin.id)
            self.chosen = pin.id
        elif what == "delete":
            self.change(pins=tuple(p for p in self.look.pins if p != pin))
            self.chosen = None
        elif what == "move" and (place := _place(event)):
            self._replace(pin, replace(pin, x=place[0], y=place[1]))
        elif what == "paint" and re.fullmatch("#[0-9a-f]{6}", color):
            self._replace(pin, replace(pin, color=color))

    def _put(self, x: float, y: float) -> None:
        self._close()
        if len(self.look.pins) < MAX_PINS:
            self.chosen = self._next
            self._next += 1
            self.change(pins=(*self.look.pins, Pin(self.chosen, x, y)))

    def _close(self, keep: int | None = None) -> None:
        """No pin is chosen any more; those that never got a colour go."""
        self.chosen = None
        self.change(pins=tuple(p for p in self.look.pins if p.color or p.id == keep))

    def _replace(self, old: Pin, new: Pin) -> None:
        self.change(pins=tuple(new if p == old else p for p in self.look.pins))


def _place(event: Mapping[str, Any]) -> tuple[float, float] | None:
    """``x`` and ``y`` inside the picture, if they are numbers."""
    x, y = event.get("x"), event.get("y")
    if not isinstance(x, int | float) or not isinstance(y, int | float):
        return None
    if not (math.isfinite(x) and math.isfinite(y)):
        return None
    return min(max(float(x), 0.0), 0.9999), min(max(float(y), 0.0), 0.9999)
