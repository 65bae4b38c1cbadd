"""Edits of one picture's look by events from the browser, with undo and redo."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...hints import KEEP
from .looks import Look, Pin, View

_STEPS = 100
"""Changes that can be undone."""

_ONE_MOVE = 2.0  # seconds

_SPOT = 0.005  # of the longer side; least radius of a disc

MAX_PINS = 40
"""Each hint costs time; nobody sets this many."""


@dataclass
class Edits:
    """One picture's look, the looks before and after it, and the pin that is being worked on."""

    look: Look = field(default_factory=Look)  # as it is now
    chosen: int | None = None  # id of the pin whose colour is asked for; None: no pin's
    # the part that is looked at in full size; None: the whole is, as large as fits
    view: View | None = None
    moment: float | None = None  # seconds; the frame of a film that is looked at; None for pictures
    downloaded: Look = field(default_factory=Look)  # the look of the file that was last downloaded
    # the page that last told something, and the number of its newest event
    heard: tuple[str, int] = ("", 0)
    _past: list[Look] = field(default_factory=list)
    _future: list[Look] = field(default_factory=list)
    _next: int = 1
    _tuned: tuple[str, float] = ("", 0.0)  # the number changed last, and when

    @property
    def pins(self) -> tuple[Pin, ...]:
        """The pins of the picture, or of the frame that is looked at."""
        return tuple(pin for pin in self.look.pins if pin.time == self.moment)

    @property
    def pin(self) -> Pin | None:
        """The chosen pin."""
        return next((pin for pin in self.pins if pin.id == self.chosen), None)

    @property
    def undoable(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._past)

    @property
    def redoable(self) -> bool:
        """Whether there is something to do again."""
        return bool(self._future)

    @property
    def unsaved(self) -> bool:
        """Whether there are changes that no downloaded file has."""
        return self.look.settled != self.downloaded.settled

    def change(self, **values: Any) -> None:
        """Give the look other values."""
        new = replace(self.look, **values)
        self._tuned = "", 0.0
        if new.settled != self.look.settled:
            self._past = [*self._past[1 - _STEPS :], self.look.settled]
            self._future = []
        self.look = new

    def tune(self, name: str, value: float) -> None:
        """Give one number of the look's options another value.

        Moves of one slider in quick succession are undone together.
        """
        values: dict[str, Any] = {name: value}
        options, now = replace(self.look.options, **values), time.monotonic()
        if self._tuned[0] == name and now - self._tuned[1] < _ONE_MOVE:
            self.look = replace(self.look, options=options)
        else:
            self.change(options=options)
        self._tuned = name, now

    def undo(self) -> None:
        """Go back by one change."""
        self._tuned = "", 0.0
        if self._past:
            self._future.append(self.look.settled)
            self.look, self.chosen = self._past.pop(), None

    def redo(self) -> None:
        """Take the last `undo` back."""
        if self._future:
            self._past.append(self.look.settled)
            self.look, self.chosen = self._future.pop(), None

    def reset(self) -> None:
        """Go back to the model's own colours; it can be undone."""
        self.chosen = None
        self.change(**vars(Look()))

    def to_json(self) -> dict[str, Any]:
        """Values for `json`; `from_json` makes equal edits of them."""
        return {
            "look": self.look.settled.to_json(),
            "downloaded": self.downloaded.to_json(),
            "heard": self.heard,
            "past": [look.to_json() for look in self._past],
            "future": [look.to_json() for look in self._future],
            "next": self._next,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Edits:
        """The edits that `to_json` was called on, with no pin chosen."""
        return cls(
            Look.from_json(values["look"]),
            None,
            None,
            None,
            Look.from_json(values["downloaded"]),
            (str(values["heard"][0]), int(values["heard"][1])),
            [Look.from_json(look) for look in values["past"]],
            [Look.from_json(look) for look in values["future"]],
            values["next"],
        )

    def receive(self, message: object) -> list[Mapping[str, Any]]:
        """The events of a message that were not received before, in their order.

        Args:
            message: from the browser: ``client``, the page, and ``events``, all that it has no
                confirmation of, each with its number ``n``. Whatever else comes is left alone.
        """
        new: list[Mapping[str, Any]] = []
        match message:
            case {"client": str(client), "events": list(events)}:
                last = self.heard[1] if self.heard[0] == client else 0
                for event in events:
                    match event:
                        case {"n": int(number)} if number > last:
                            new.append(event)
                            last = number
                self.heard = client, last
        return new

    def act(self, event: object) -> None:
        """Do what happened on the picture.

        Args:
            event: from the browser: ``do`` is "put" (with ``x``, ``y``), "choose", "move" (``id``,
                ``x``, ``y``), "paint" (``id``, ``color``), "reach" (``id``, ``radius``), "delete"
                (``id``), "clear", "undo", "redo", "reset", "close", "look" (``x``, ``y``,
                ``width``, ``height``) or "fit".
                Whatever else comes is left alone.
        """
        if not isinstance(event, Mapping):
            return
        match event.get("do"):
            case "undo":
                self.undo()
            case "redo":
                self.redo()
            case "reset":
                self.reset()
            case "look" if part := _numbers(event, "x", "y", "width", "height"):
                self.view = View(*part)
            case "fit":
                self.view = None
            case "close":
                self._close()
            case "clear":
                self.change(pins=())
                self.chosen = None
            case "put" if place := _place(event):
                self._put(*place)
            case "choose" | "move" | "paint" | "reach" | "delete" as what:
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
        elif what == "paint" and re.fullmatch(f"#[0-9a-f]{{6}}|{KEEP}", color):
            self._replace(pin, replace(pin, color=color))
        elif what == "reach":
            radius = _numbers(event, "radius")
            self._replace(pin, replace(pin, radius=max(radius[0], _SPOT) if radius else None))

    def _put(self, x: float, y: float) -> None:
        self._close()
        if len(self.look.pins) < MAX_PINS:
            self.chosen = self._next
            self._next += 1
            self.change(pins=(*self.look.pins, Pin(self.chosen, x, y, time=self.moment)))

    def _close(self, keep: int | None = None) -> None:
        """No pin is chosen any more; those that never got a colour go."""
        self.chosen = None
        self.change(pins=tuple(p for p in self.look.pins if p.color or p.id == keep))

    def _replace(self, old: Pin, new: Pin) -> None:
        self.change(pins=tuple(new if p == old else p for p in self.look.pins))


def _place(event: Mapping[str, Any]) -> tuple[float, float] | None:
    """``x`` and ``y`` inside the picture, if they are numbers."""
    if (place := _numbers(event, "x", "y")) is None:
        return None
    x, y = place
    return min(x, 0.9999), min(y, 0.9999)


def _numbers(event: Mapping[str, Any], *names: str) -> tuple[float, ...] | None:
    """Values of an event as shares, 0...1; None if one is no number."""
    values = [event.get(name) for name in names]
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in values):
        return None
    return tuple(min(max(float(v), 0.0), 1.0) for v in values if v is not None)
