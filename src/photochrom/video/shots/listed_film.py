"""A film as the parts that its shots are, each with its own folder, guide and job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..._io import replacing
from ...errors import ArgumentError
from ...shot_list import ShotList
from ..color.coloring import Coloring
from ..film_parts import FilmPart
from ..film_work import FilmFrames, FilmSetup, FilmWork
from ..segments.segmented_work import Progress
from ..segments.work_folder import ShotFolders
from .find_shots import shots_of
from .shot_guides import ShotGuides
from .shot_plans import ShotPlan, plans

_OTHER_LENGTH = 1.0  # seconds by which a film may be longer or shorter than its list says


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
