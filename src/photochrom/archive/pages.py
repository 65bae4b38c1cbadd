"""The pages of one picture, coloured as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO

from ..colorizer import Colorizer, Prepared
from ..hints import Hint
from ..picture import MAX_PIXELS, Picture, open_pages
from . import storage as places


class StoppedError(Exception):
    """Raised between two steps after Ctrl-C."""


@dataclass(frozen=True)
class Manner:
    """How pictures are coloured, whatever colours them.

    Attributes:
        hints: colours fixed at places, in every picture.
        max_pixels: limit on a picture's size.
        quality: 1...100 for formats with loss; None: the format's default.
    """

    hints: Sequence[Hint] = ()
    max_pixels: int = MAX_PIXELS
    quality: int | None = None


@dataclass
class Pages:
    """Iterates over the pages of ``source`` in colour; keeps none of them.

    Attributes:
        source: what `open_pages` opens.
        colorizer, manner: how.
        compare: where the picture of before and after of the first page goes; None: nowhere.
        stop: set to give up between two steps.
        width, height: of the first page, once it is made.
        count, pixels: of the pages that were made.
    """

    source: Path | BinaryIO
    colorizer: Colorizer
    manner: Manner
    compare: str | None = None
    stop: Event = field(default_factory=Event)
    width: int = 0
    height: int = 0
    count: int = 0
    pixels: int = 0
    _compared: bool = False
    _first: Picture | None = None

    def __post_init__(self) -> None:
        self._sources = open_pages(self.source, max_pixels=self.manner.max_pixels)

    def begin(self) -> None:
        """Open the first page, so that a file that is no picture leaves no trace."""
        self._first = next(self._sources)

    def undo(self) -> None:
        """Take back the picture of before and after, since it stands for a finished one."""
        if self._compared and self.compare:
            places.remove(self.compare)

    def __iter__(self) -> Iterator[Picture]:
        while page := self._next():
            prepared = self._step(self.colorizer.prepare, page)
            picture = self._step(self.colorizer.render, prepared, hints=self.manner.hints)
            if not self.count:
                self.width, self.height = picture.width, picture.height
                self._compare(prepared, picture)
            self.count += 1
            self.pixels += picture.width * picture.height
            del page, prepared
            yield picture
            del picture  # before the next one is read

    def _next(self) -> Picture | None:
        first, self._first = self._first, None
        return first or next(self._sources, None)

    def _step(self, step: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self.stop.is_set():
            raise StoppedError
        return step(*args, **options)

    def _compare(self, prepared: Prepared, picture: Picture) -> None:
        if self.compare is None:
            return
        from ..picture.comparison import before_after

        side_by_side = before_after(prepared.grey, picture.pixels).with_note(picture.note)
        places.save([side_by_side], self.compare, self.manner.quality)
        self._compared = True
