"""Files of a film in a visit: stills, a list of shots, the coloured film."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ...errors import CancelToken, MissingExtraError
from ...options import ColorOptions, Still, VideoOptions
from ...video import missing_package
from .looks import Look

if TYPE_CHECKING:
    from ...shot_list import ShotList

Progress = Callable[[int, int | None], None]


def film_missing() -> str | None:
    """Why films cannot be coloured here, in a line; None if they can."""
    package = missing_package()
    return package and str(MissingExtraError.of(package, "video", "Colouring films"))


def write_still(film: Path, target: Path, seconds: float) -> None:
    """Write a frame of a film as an image file, upright.

    Args:
        film: of any kind that FFmpeg reads.
        target: replaced; its suffix says the format.
        seconds: from the start; the next frame is taken, or the first if there is none.

    Raises:
        VideoError: the film cannot be read.
        MissingExtraError: PyAV is not installed.
    """
    from ...video.color.view import quarter_turns
    from ...video.container.video_reader import VideoReader

    with VideoReader(film) as video:
        frame = next(video.frames(video.pts_at(seconds)), None) or next(video.frames())
        rgb = np.rot90(frame.to_ndarray(format="rgb24"), quarter_turns(video.tags.display))
    Image.fromarray(rgb).save(target)


def duration(film: Path) -> float:
    """Seconds that a film lasts; 0 if it does not say; VideoError if it cannot be read."""
    from ...video.container.video_reader import VideoReader

    with VideoReader(film) as video:
        return float(video.duration or 0)


def write_shots(
    film: Path, target: Path, model: Path, progress: Progress, cancel: CancelToken
) -> None:
    """Find the shots of a film, and write the list of them and a small still of each.

    Args:
        film: read as a whole.
        target: the list; the stills lie beside it, see `shot_still`.
        model: file of the model.
        progress: called with the frames that were looked at, and all.
        cancel: checked after each frame.

    Raises:
        VideoError: the film cannot be read.
        CancelledError: `cancel` was set.
    """
    from ...video.color.coloring import film_colorizer
    from ...video.shots.find_shots import find_shots

    colorizer = film_colorizer(model)
    shots = find_shots(film, colorizer=colorizer, progress=progress, cancel=cancel)
    for number, shot in enumerate(shots.shots):
        cancel.check()
        write_still(film, shot_still(target, number), shot.still)
    shots.write(target)


def shot_still(target: Path, number: int) -> Path:
    """File of the still of a shot, whose number counts from 0; see `write_shots`."""
    return target.with_name(f"{target.stem}-{number}.jpg")


def film_options(look: Look, shape: tuple[int, int], pictures: Mapping[str, Path]) -> ColorOptions:
    """The options that give a film this look.

    Args:
        look: of the film.
        shape: ``(H, W)`` of an upright frame.
        pictures: files of references by their keys.
    """
    hints = [
        replace(pin.hint(shape), page=None, time=pin.time)
        for pin in look.settled.pins
        if pin.time is not None
    ]
    stills = [Still(pictures[key], time) for time, key in look.stills if key in pictures]
    return replace(look.options, hints=hints, reference=tuple(stills))


def color_film(
    source: Path,
    target: Path,
    model: Path,
    options: ColorOptions,
    part: VideoOptions,
    progress: Progress,
    cancel: CancelToken,
) -> list[str]:
    """Colour a film, or a part of it; returns what was left out, in lines."""
    from ...video.color.coloring import film_colorizer
    from ...video.colorize_video import colorize_video

    film = colorize_video(
        source,
        target,
        options,
        part,
        colorizer=film_colorizer(model),
        progress=progress,
        cancel=cancel,
    )
    return [film.damage] if film.damage else []


def read_shots(target: Path) -> ShotList | None:
    """The list that `write_shots` wrote; None if it did not yet."""
    from ...shot_list import ShotList

    return ShotList.read(target) if target.is_file() else None
