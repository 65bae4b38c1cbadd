"""Films: the one place where the service meets ``photochrom.video``."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

from ..colorizer import Colorizer
from ..options import ColorOptions

Progress = Callable[[int, "int | None"], None]
"""Called as ``progress(frames so far, frames in all or None)``; may raise to break off."""

ColorizeFilm = Callable[[Path, Path, Colorizer, ColorOptions, Progress], None]
"""Source, output, colorizer, options, progress. Begun again with the same output, it goes on."""

_NEEDED = ("av", "cv2", "photochrom.video.colorize_video")


def missing() -> str | None:
    """What this service lacks for films; None if nothing."""
    for name in _NEEDED:
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            return f"the package {name}"
    return None


def colorize_film(
    source: Path,
    output: Path,
    colorizer: Colorizer,
    options: ColorOptions,
    progress: Progress,
) -> None:
    """Colour a film.

    Raises:
        PhotochromError: it cannot be read or written.
    """
    video = importlib.import_module("photochrom.video.colorize_video")
    video.colorize_video(source, output, colorizer=colorizer, options=options, progress=progress)
