"""Films: the one place where the service meets ``photochrom.video``."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

from ..colorizer import Colorizer
from ..options import ColorOptions

Progress = Callable[[int, "int | None"], None]
"""Called as ``progress(frames so far, frames in all or None)``; may raise to break off."""

ColorizeFilm = Callable[[Path, Path, Colorizer, ColorOptions, Progress], None]
"""Source, output, colorizer, options, progress. Begun again with the same output, it goes on."""

_NEEDED = ("av", "cv2", "photochrom.video.colorize")
# First bytes -> suffix of the result, a container that video/ writes. No playlist is among them:
# those make FFmpeg open other files and addresses.
_CONTAINERS = (
    (rb"....ftypqt", ".mov"),
    (rb"....(?:moov|mdat|wide|free|skip)", ".mov"),
    (rb"....ftyp(?!avi[fs]|hei[cmsx]|hev[cx]|mif1|msf1)", ".mp4"),
    (rb"\x1aE\xdf\xa3", ".mkv"),
    (rb"RIFF....AVI |FLV\x01|\x30\x26\xb2\x75|\x00\x00\x01[\xb3\xba]|G.{187}G", ".mkv"),
)


def film_suffix(head: bytes) -> str | None:
    """The suffix for the coloured film of a file that begins with `head`; None if it is none."""
    for pattern, suffix in _CONTAINERS:
        if re.match(pattern, head, re.DOTALL):
            return suffix
    return None


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
    video = importlib.import_module("photochrom.video.colorize")
    video.colorize_video(source, output, colorizer=colorizer, options=options, progress=progress)
