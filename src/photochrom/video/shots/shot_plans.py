"""Plans of shots: options, hints and stills of each, from a list and the film's options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...affinity import Reference
from ...errors import ArgumentError
from ...hints import Hint
from ...hints.moment import Moment
from ...media import PICTURE_SUFFIXES
from ...options import ColorOptions, Source, Still, digest_of
from ...shot_list import Shot, ShotList
from ..container.video_reader import VideoReader


@dataclass(frozen=True, eq=False)
class ShotPlan:
    """What is wanted of one shot."""

    number: int  # from 1
    # first, end: pts; None: the film's beginning, its end
    first: int | None
    end: int | None
    options: ColorOptions  # vividness, warmth and the references of the whole film
    begin: float  # seconds; the frame that its colours begin with
    still: float  # seconds; the frame that its version is one of
    version: int = 0  # see `Shot`
    hints: tuple[Hint, ...] = ()  # with their times in seconds
    stills: tuple[Source, ...] = ()  # coloured pictures of this shot
    # coloured pictures of other shots, for those that show the same place
    others: tuple[Source, ...] = ()

    @property
    def moments(self) -> dict[float, tuple[Hint, ...]]:
        """The hints by their seconds."""
        found: dict[float, tuple[Hint, ...]] = {}
        for hint in self.hints:
            if hint.moment is not None and hint.moment.seconds is not None:
                seconds = hint.moment.seconds
                found[seconds] = (*found.get(seconds, ()), hint)
        return found

    def job(self) -> dict[str, Any]:
        """Everything about it that its frames depend on, as JSON values."""
        return {
            "pts": [self.first, self.end],
            "color": [self.options.vividness, self.options.warmth],
            "frames": [self.begin, self.still, self.version],
            "hints": [hint.plain() for hint in self.hints],
            "stills": [digest_of(each) for each in self.stills],
            "others": [digest_of(each) for each in self.others],
        }


def plans(
    shots: ShotList,
    video: VideoReader,
    options: ColorOptions,
    start: float | None = None,
    end: float | None = None,
) -> list[ShotPlan]:
    """What is wanted of each shot, in their order.

    Args:
        shots: of the film.
        video: the film.
        options: of the whole film; its hints and stills go to the shots they lie in.
        start, end: seconds; shots outside are left out.

    Raises:
        ArgumentError: a hint or still without a place in the film, or values out of range.
    """
    every = shots.shots
    hints: list[list[Hint]] = [_own_hints(number, shot) for number, shot in enumerate(every, 1)]
    stills: list[list[Source]] = [list(shot.reference) for shot in every]
    for hint in options.hints:
        if hint.moment is None:
            raise ArgumentError(
                f"the hint at {hint.x:g},{hint.y:g}",
                expected="a time, as in 1:30:410,620,#a02018, for hints in films",
                got="none",
                fix="put the time of its frame before it",
            )
        number, seconds = _place(hint.moment, shots, video)
        hints[number].append(replace(hint, time=seconds))
    placed = [(_place(still.moment, shots, video)[0], still.picture) for still in options.stills]
    found = []
    for index, shot in enumerate(every):
        first = None if index == 0 else video.pts_at(shot.start)
        last = None if index == len(every) - 1 else video.pts_at(every[index + 1].start)
        if start is not None:
            first = max(v for v in (first, video.pts_at(start)) if v is not None)
        if end is not None:
            last = min(v for v in (last, video.pts_at(end)) if v is not None)
        if first is not None and last is not None and first >= last:
            continue
        found.append(
            ShotPlan(
                index + 1,
                first,
                last,
                _options(index + 1, shot, options),
                every[(shot.place or index + 1) - 1].still,
                shot.still,
                shot.version,
                tuple(hints[index]),
                (*stills[index], *(picture for place, picture in placed if place == index)),
                tuple(picture for place, picture in placed if place != index),
            )
        )
    return found


def needs_shots(options: ColorOptions) -> bool:
    """Whether the shots of a film must be known before it is coloured."""
    return bool(options.hints or options.stills)


def with_stills(options: ColorOptions) -> ColorOptions:
    """The options with the stills of folders in their place; ArgumentError for other folders."""
    found: list[Source | Still] = list(options.stills)
    for source in options.references:
        folder = not isinstance(source, Reference) and Path(source).is_dir()
        found += _stills_in(Path(str(source))) if folder else [source]
    return replace(options, reference=found)


def _stills_in(folder: Path) -> list[Still]:
    files = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    )
    found = []
    for path in files:
        digits = path.stem[len(path.stem.rstrip("0123456789")) :]
        if not digits:
            raise ArgumentError(
                str(path),
                expected="a name that ends in the number of its frame, such as ref_000034.jpg",
                got=path.name,
                fix="rename it, or move it out of the folder",
            )
        found.append(Still(str(path), Moment(frame=int(digits))))
    if not found:
        raise ArgumentError(
            f"the folder {folder}",
            expected="stills whose names end in the number of their frame, such as ref_000034.jpg",
            got="none",
        )
    return found


def _own_hints(number: int, shot: Shot) -> list[Hint]:
    """The hints of a shot of a list, with times in seconds."""
    found = []
    for hint in shot.hints:
        moment = hint.moment or Moment(seconds=shot.still)
        seconds = moment.seconds
        if seconds is None or not shot.start <= seconds < shot.end:
            raise ArgumentError(
                f"the time of a hint of shot {number}",
                expected=f"seconds in {shot.start:g} to {shot.end:g}",
                got=str(moment),
                fix="leave it out for that of the still",
            )
        found.append(replace(hint, time=seconds))
    return found


def _place(moment: Moment, shots: ShotList, video: VideoReader) -> tuple[int, float]:
    """Index of the shot that a moment is in, and seconds; ArgumentError after the film's end."""
    seconds = moment.seconds
    if seconds is None:
        seconds = _time_of(int(moment.frame or 0), shots, video)
    if seconds is None or seconds >= shots.shots[-1].end:
        raise ArgumentError(
            f"the moment {moment}",
            expected=f"one in the film, which is {shots.shots[-1].end:.2f} s long",
            got="one after its end",
        )
    begun = [index for index, shot in enumerate(shots.shots) if shot.start <= seconds]
    return (begun[-1] if begun else 0), seconds


def _time_of(number: int, shots: ShotList, video: VideoReader) -> float | None:
    """Seconds of the frame of a number, counted from the nearest frame whose number is known."""
    known = [(shot.frame, shot.start) for shot in shots.shots if shot.frame is not None]
    count, start = max((pair for pair in known if pair[0] <= number), default=(0, 0.0))
    for frame in video.frames(video.pts_at(start) if count else None):
        if count == number and frame.pts is not None:
            return video.seconds_at(frame.pts)
        count += 1
    return None


def _options(number: int, shot: Shot, options: ColorOptions) -> ColorOptions:
    vividness = options.vividness if shot.vividness is None else shot.vividness
    warmth = options.warmth if shot.warmth is None else shot.warmth
    try:
        return replace(options, hints=(), vividness=vividness, warmth=warmth)
    except ArgumentError as error:
        raise ArgumentError(
            f"{error.problem} of shot {number}",
            expected=error.expected,
            got=error.got,
            fix=error.fix,
        ) from None
