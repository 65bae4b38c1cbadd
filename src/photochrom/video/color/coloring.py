"""Shots and steady colour as one: frames go in, and come out with their colours."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..._system import cores
from ...color import Float
from ...colorizer import Colorizer
from ...options import ColorOptions
from .references import References
from .shots import Shots
from .steady import SteadyColor
from .view import Box


class Coloring:
    """Frames of any kind with their L in, the same with their ab out, up to 12 frames later."""

    def __init__(
        self,
        colorizer: Colorizer,
        options: ColorOptions,
        turns: int = 0,
        pinned: References | None = None,
        box: Box | None = None,
    ) -> None:
        self.shots, self.steady = Shots(), SteadyColor(colorizer, options, turns, pinned, box)
        self.undecided: deque[tuple[Any, Float]] = deque()  # where shots begin
        self.waiting: deque[tuple[Any, Float]] = deque()  # for their colour

    def push(self, frame: Any, L: Float) -> Iterator[tuple[Any, Float, Float]]:
        """Take the next frame; gives those whose colour is now known."""
        self.undecided.append((frame, L))
        yield from self._take(self.shots.push(L))

    def flush(self) -> Iterator[tuple[Any, Float, Float]]:
        """Those that are left, at the end of a film."""
        yield from self._take(self.shots.flush())
        yield from self._give(self.steady.flush())

    def _take(self, cuts: list[bool]) -> Iterator[tuple[Any, Float, Float]]:
        for cut in cuts:
            self.waiting.append(self.undecided.popleft())
            yield from self._give(self.steady.push(self.waiting[-1][1], cut))

    def _give(self, colours: list[Float]) -> Iterator[tuple[Any, Float, Float]]:
        for ab in colours:
            yield *self.waiting.popleft(), ab


def film_colorizer(model: str | Path = "bundled") -> Colorizer:
    """A `Colorizer` for films: its network takes half of the cores.

    It needs them for a moment now and then, while decoding and encoding keep all of them busy; on
    two cores a film takes a tenth less time so than with both for the network.
    """
    return Colorizer(model, threads=max(1, cores() // 2))


def film_size(colorizer: Colorizer, options: ColorOptions) -> int | None:
    """The size at which the network sees a film's frames, as `ColorOptions.size`."""
    return options.size or colorizer.model.card.film_size
