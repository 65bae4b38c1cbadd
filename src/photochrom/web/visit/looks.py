"""Look of one picture: its pins, version, reference and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ...hints import Hint
from ...options import ColorOptions, ranges


@dataclass(frozen=True)
class Pin:
    """A place somebody marked.

    Attributes:
        id: unlike that of the picture's other pins, ever.
        x, y: shares of the width and height, 0...1.
        color: ``#rrggbb``, or ``keep``: as it is without hints; None: not chosen yet, so it is no
            hint yet.
        radius: of the disc that gets the colour, as a share of the longer side; None: the thing
            that the place belongs to gets it.
        time: seconds; of a film, the frame that it lies on.
    """

    id: int
    x: float
    y: float
    color: str | None = None
    radius: float | None = None
    time: float | None = None

    def hint(self, shape: tuple[int, int]) -> Hint:
        """The same as a hint for the first page of a picture.

        Args:
            shape: ``(H, W)`` of the picture.

        Raises:
            ArgumentError: it has no colour.
        """
        height, width = shape
        radius = None if self.radius is None else self.radius * max(shape)
        return Hint(self.x * width, self.y * height, self.color or "", radius, page=0)


@dataclass(frozen=True)
class View:
    """A part of a picture.

    Attributes:
        x, y: of its corner, as shares of the picture's width and height, 0...1.
        width, height: shares too.
    """

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Look:
    """Everything about one picture that its user decided.

    Attributes:
        pins: in the order they were put.
        version: which of the alternatives, from 0; None: the model's own.
        reference: key of the reference picture; None: there is none.
        stills: of a film, seconds and keys of reference pictures, each for the shot it lies in.
        options: the numbers, such as vividness; hints are made of `pins`.
    """

    pins: tuple[Pin, ...] = ()
    version: int | None = None
    reference: str | None = None
    stills: tuple[tuple[float, str], ...] = ()
    options: ColorOptions = ColorOptions()  # noqa: RUF009 - it is frozen

    @property
    def settled(self) -> Look:
        """The same without the pins that have no colour yet: what can be seen of it."""
        return replace(self, pins=tuple(pin for pin in self.pins if pin.color))

    def to_json(self) -> dict[str, Any]:
        """Values for `json`; `from_json` makes an equal look of them."""
        return {
            "pins": [asdict(pin) for pin in self.pins],
            "version": self.version,
            "reference": self.reference,
            "stills": [list(still) for still in self.stills],
            "options": {name: getattr(self.options, name) for name in ranges(self.options)},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Look:
        """The look that `to_json` was called on."""
        return cls(
            tuple(Pin(**pin) for pin in values["pins"]),
            values["version"],
            values["reference"],
            tuple((float(time), str(key)) for time, key in values["stills"]),
            ColorOptions(**values["options"]),
        )
