"""Parts of a film, each with a folder for its segments, made one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .film_work import FilmWork
from .segments.segment_workers import SegmentWorkers, SharedSegments
from .segments.segmented_work import Progress
from .segments.work_folder import State, WorkFolder

_TICK = 0.2  # seconds between two looks at what workers have done


@dataclass(frozen=True, eq=False)
class FilmPart:
    """A part of a film that is coloured by itself."""

    folder: WorkFolder  # of its segments
    work: Callable[[], FilmWork]  # makes what is missing of them; called when the part is reached


class FilmParts:
    """All parts of a film, in its order.

    Attributes:
        folders: of the segments, one for each part.
        resumed: frames that were in segments before.
        done: frames that are in segments now.
        kept: those of them that were in colour and stayed as they were.
    """

    def __init__(self, parts: Sequence[FilmPart], total: int | None) -> None:
        self._parts, self._total = parts, total
        self.folders = [part.folder for part in parts]
        self._states = [part.folder.state() for part in parts]
        known = [state for state in self._states if state is not None]
        self.resumed = self.done = sum(int(state["done"]) for state in known)
        self.kept = sum(int(state["kept"]) for state in known)

    @property
    def segments(self) -> list[Path]:
        """Those that are made, in the film's order."""
        return [segment for folder in self.folders for segment in folder.segments]

    def make(self, workers: SegmentWorkers | None, report: Progress) -> None:
        """Make the segments that are missing, in this process or by workers."""
        if workers is None:
            self._encode(report)
        else:
            self._share(workers, report)

    def _encode(self, report: Progress) -> None:
        for part, state in self._missing():
            work = part.work()
            first = self.done - work.resume(state)
            self.kept -= work.kept

            def tell(done: int, _: int | None, first: int = first) -> None:
                self.done = first + done
                report(self.done, self._total)

            work.encode(part.folder, tell)
            self.kept += work.kept

    def _share(self, workers: SegmentWorkers, report: Progress) -> None:
        sharing = SharedSegments(workers)

        def step() -> None:
            self.done = self.resumed + sharing.frames
            report(self.done, self._total)

        for part, state in self._missing():
            work = part.work()
            work.resume(state)
            self.kept -= work.kept
            work.share(part.folder, sharing, step)
            self.kept += work.kept
        while sharing.out:
            sharing.collect(_TICK)
            step()

    def _missing(self) -> list[tuple[FilmPart, State | None]]:
        pairs = zip(self._parts, self._states, strict=True)
        return [(part, state) for part, state in pairs if state is None or not state["finished"]]
