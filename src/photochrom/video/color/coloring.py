"""Shot detection and steady colour combined: frames go in, and come out with their ab."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..._system import cores
from ...color import Float
from ...colorizer import Colorizer
from ...options import ColorOptions
from ..shots.cuts import Shots
from .references import State
from .steady import SteadyColor, inner


class Coloring:
    """Frames of any kind with their L in, the same with their ab out, up to 12 frames later.

    Args:
        steady: what colours them.
        one_shot: all frames are of one shot; otherwise shots are looked for.
    """

    def __init__(self, steady: SteadyColor, *, one_shot: bool = False) -> None:
        self._steady, self._shots = steady, None if one_shot else Shots()
        self._begun = False
        self.undecided: deque[tuple[Any, Float]] = deque()  # where shots begin
        self.waiting: deque[tuple[Any, Float]] = deque()  # for their colour

    def push(self, frame: Any, L: Float) -> Iterator[tuple[Any, Float, Float]]:
        """Take the next frame; gives those whose colour is now known."""
        self.undecided.append((frame, L))
        if self._shots is not None:
            cuts = self._shots.push(L)
        else:
            cuts, self._begun = [not self._begun], True
        yield from self._take(cuts)

    def flush(self) -> Iterator[tuple[Any, Float, Float]]:
        """Those that are left, at the end of a film."""
        if self._shots is not None:
            yield from self._take(self._shots.flush())
        yield from self._give(self._steady.flush())

    def state(self) -> State:
        """What a later one needs to go on from the first undecided frame; none may be waiting."""
        found = self._shots.state() if self._shots is not None else {}
        kept = {f"shots.{key}": value for key, value in found.items()}
        return kept | {f"steady.{key}": value for key, value in self._steady.state().items()}

    def restore(self, state: State) -> None:
        """Go on where another one has been, see `state`."""
        self._begun = True
        if self._shots is not None:
            self._shots.restore(inner(state, "shots."))
        self._steady.restore(inner(state, "steady."))

    def _take(self, cuts: list[bool]) -> Iterator[tuple[Any, Float, Float]]:
        for cut in cuts:
            self.waiting.append(self.undecided.popleft())
            yield from self._give(self._steady.push(self.waiting[-1][1], cut))

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
