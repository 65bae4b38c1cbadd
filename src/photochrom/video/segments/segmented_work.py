"""Coloured frames written in segments; an interrupted run continues after the last of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import numpy as np

from ...color import Float
from ...errors import ArgumentError, CancelToken
from ..color.coloring import Coloring
from .ahead import ahead
from .work_folder import State, WorkFolder

Progress = Callable[[int, int | None], None]
"""Called with the number of frames that are done, and that of all, if the file says."""

_SEGMENT = 240
"""Frames after which a segment may end: some ten seconds, so that a break costs no more."""


def reporter(progress: Progress | None, cancel: CancelToken | None) -> Progress:
    """What is called after each frame: it calls `progress`, and raises if `cancel` was set."""

    def report(done: int, total: int | None) -> None:
        if cancel is not None:
            cancel.check()
        if progress is not None:
            progress(done, total)

    return report


class SegmentedWork(ABC):
    """One work, from frames of any kind to segments.

    Args:
        name: of these frames, for messages, such as "the part of film.mp4".
        color: gives the frames their colours.
        start: place of the first frame; None: where the source begins.
        total: number of the frames, if known.

    Attributes:
        done: frames that are in finished segments, or written.
        kept: those that kept their own colours.
    """

    waiting = 8  # frames between two stages at most

    def __init__(self, name: str, color: Coloring, start: int | None, total: int | None) -> None:
        self._name, self._color, self._next, self.total = name, color, start, total
        self._finished = False
        self.done = self.kept = 0

    @abstractmethod
    def _decoded(self) -> Generator[tuple[Any, Float], None, None]:
        """The frames from `_next` on, each with its L at the working size."""

    @abstractmethod
    def _place(self, frame: Any) -> int:
        """The place of a frame, which `_next` can be."""

    @abstractmethod
    def _given(self, frame: Any, L: Float, ab: Float) -> Any:
        """A frame with its colour, as it is written."""

    @abstractmethod
    def _writer(self, path: Path) -> AbstractContextManager[Callable[[Any], None]]:
        """Writes frames into a new segment, which is there when the block has ended well."""

    def resume(self, state: State | None) -> int:
        """Go on after the segments that are done; returns the number of their frames."""
        if state is not None:
            self.done, self._next = int(state["done"]), int(state["next"])
            self.kept = int(state["kept"])
            self._finished = bool(state["finished"])
            if self._finished:
                return self.done
            self._color.restore(state)
        return self.done

    def encode(self, folder: WorkFolder, progress: Progress) -> None:
        """Make the segments that are missing."""
        with closing(ahead(self._colored(), self.waiting)) as colored:
            while not self._finished:
                with self._writer(folder.next) as write:
                    state = self._fill(write, colored, progress)
                self._finished = bool(state["finished"])
                folder.keep(state | {"done": np.array(self.done)})

    def _fill(
        self, write: Callable[[Any], None], colored: Iterator[Any], progress: Progress
    ) -> State:
        """Write one segment; returns the state after it."""
        for item in colored:
            if isinstance(item, dict):
                self._check_frames(self.done)
                return item
            write(item)
            self.done += 1
            progress(self.done, self.total)
        raise AssertionError("a state comes last")

    def _check_frames(self, count: int) -> None:
        if not count:
            raise ArgumentError(
                self._name, expected="a part with frames", got="none", fix="change start or end"
            )

    def _colored(self) -> Generator[Any, None, None]:
        """Frames with their colour; between them, where a segment may end, the state there."""
        count = 0
        with closing(ahead(self._decoded(), self.waiting)) as decoded:
            for frame, L in decoded:
                if count >= _SEGMENT and not self._color.waiting:
                    count, following = 0, self._color.undecided
                    yield self._state(self._place(following[0][0] if following else frame))
                for one in self._color.push(frame, L):
                    yield self._given(*one)
                    count += 1
        for one in self._color.flush():
            yield self._given(*one)
        yield self._state(None)

    def _state(self, following: int | None) -> State:
        """For `resume`: what the frames from place `following` on depend on; None: no more."""
        state = {
            "kept": np.array(self.kept),
            "next": np.array(following or 0),
            "finished": np.array(following is None),
        }
        return state if following is None else state | self._color.state()
