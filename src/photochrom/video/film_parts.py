"""Parts of a film, as its shots are, each with a folder for its segments, made in their order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .._io import replacing
from ..errors import ArgumentError
from ..shot_list import ShotList
from .color.coloring import Coloring
from .film_work import FilmFrames, FilmSetup, FilmWork
from .segments.segment_workers import SegmentWorkers, SharedSegments
from .segments.segmented_work import Progress
from .segments.work_folder import ShotFolders, State, WorkFolder
from .shots.find_shots import shots_of
from .shots.shot_guides import ShotGuides
from .shots.shot_plans import ShotPlan, plans

_TICK = 0.2  # seconds between two looks at what workers have done
_OTHER_LENGTH = 1.0  # seconds by which a film may be longer or shorter than its list says


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


@contextmanager
def listed_film(
    setup: FilmSetup, folders: ShotFolders, report: Progress
) -> Iterator[list[FilmPart]]:
    """The shots of a film as its parts; without `VideoOptions.shots` they are looked for first.

    Hints and stills go to the shots they lie in.

    Raises:
        ArgumentError: the list is one of another film, or a hint or still has no place in it.
    """
    video, wanted = setup.video, setup.video_options
    whole = replace(setup, video_options=replace(wanted, start=None, end=None))
    job, shots = whole.job, wanted.shot_list
    if shots is None:
        shots = _found(whole, folders.found, job, report)
    length = video.duration
    if length is not None and abs(length - shots.duration) > _OTHER_LENGTH:
        raise ArgumentError(
            f"the list of shots of {shots.film}",
            expected=f"one of {video.path.name}, which is {length:.2f} s long",
            got=f"one of {shots.duration:.2f} s",
        )
    planned = plans(shots, video, setup.options, wanted.start, wanted.end)
    guides, frames = ShotGuides(setup), FilmFrames(video)

    def part(plan: ShotPlan) -> FilmWork:
        coloring = Coloring(guides.steady(plan), one_shot=True)
        name = f"shot {plan.number} of {video.path}"
        return FilmWork(name, setup, frames, coloring, plan.first, plan.end)

    kept = folders.folders([job | {"shot": plan.job()} for plan in planned])
    try:
        yield [
            FilmPart(folder, lambda plan=plan: part(plan))  # type: ignore[misc]
            for folder, plan in zip(kept, planned, strict=True)
        ]
    finally:
        guides.close()


def _found(setup: FilmSetup, file: Path, job: dict[str, Any], report: Progress) -> ShotList:
    """The shots of the film, looked for once."""
    about = {name: job[name] for name in ("method", "source", "model")}
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        if known["job"] == about:
            return ShotList.from_plain(known["shots"])
    except (OSError, ValueError, KeyError, TypeError, ArgumentError):
        pass
    shots = shots_of(setup, lambda done, total: report(0, total))
    with replacing(file) as temporary:
        temporary.write_text(json.dumps({"job": about, "shots": shots.plain()}), encoding="utf-8")
    return shots
