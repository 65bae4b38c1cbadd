"""Colour for black-and-white photographs.

>>> import photochrom
>>> photochrom.colorize("grandma.jpg").save("grandma-color.jpg")     # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    ArgumentError,
    CancelledError,
    CancelToken,
    DownloadError,
    InColorError,
    MissingExtraError,
    ModelError,
    ModelImportError,
    ModelNotFoundError,
    PhotochromError,
    PictureError,
    PictureTooLargeError,
    VideoError,
)

if TYPE_CHECKING:
    from .affinity import Match, Reference
    from .colorizer import Colorizer, Prepared, colorize
    from .colorizer.versions import Version, versions
    from .hints import Hint
    from .hints.moment import Moment
    from .hints.palette import Suggestion
    from .options import ColorOptions, OutputOptions, Still, VideoOptions
    from .picture import Picture, open_pages, open_picture, save_pages
    from .picture.uncolor import uncolor
    from .pipeline import colorize_file
    from .shot_list import Shot, ShotList
    from .video.colorize_frames import colorize_frames
    from .video.colorize_sequence import colorize_sequence
    from .video.colorize_video import Film, colorize_video
    from .video.film_check import FilmCheck, check_film
    from .video.shots.find_shots import find_shots
    from .video.shots.shot_sheet import write_shot_sheet

    __version__: str

_HOMES = {
    "options": ("ColorOptions", "OutputOptions", "Still", "VideoOptions"),
    "shot_list": ("Shot", "ShotList"),
    "pipeline": ("colorize_file",),
    "affinity": ("Match", "Reference"),
    "colorizer": ("Colorizer", "Prepared", "colorize"),
    "colorizer.versions": ("Version", "versions"),
    "hints": ("Hint",),
    "hints.moment": ("Moment",),
    "hints.palette": ("Suggestion",),
    "picture": ("Picture", "open_pages", "open_picture", "save_pages"),
    "picture.uncolor": ("uncolor",),
    "video.colorize_frames": ("colorize_frames",),
    "video.colorize_sequence": ("colorize_sequence",),
    "video.colorize_video": ("Film", "colorize_video"),
    "video.film_check": ("FilmCheck", "check_film"),
    "video.shots.find_shots": ("find_shots",),
    "video.shots.shot_sheet": ("write_shot_sheet",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = (
    *("archive", "color", "colorizer", "evaluate", "gamut", "hints", "models", "picture"),
    *("upsample", "video"),
)

__all__ = [
    "ArgumentError",
    "CancelToken",
    "CancelledError",
    "ColorOptions",
    "Colorizer",
    "DownloadError",
    "Film",
    "FilmCheck",
    "Hint",
    "InColorError",
    "Match",
    "MissingExtraError",
    "ModelError",
    "ModelImportError",
    "ModelNotFoundError",
    "Moment",
    "OutputOptions",
    "PhotochromError",
    "Picture",
    "PictureError",
    "PictureTooLargeError",
    "Prepared",
    "Reference",
    "Shot",
    "ShotList",
    "Still",
    "Suggestion",
    "Version",
    "VideoError",
    "VideoOptions",
    "__version__",
    "check_film",
    "colorize",
    "colorize_file",
    "colorize_frames",
    "colorize_sequence",
    "colorize_video",
    "find_shots",
    "open_pages",
    "open_picture",
    "save_pages",
    "uncolor",
    "versions",
    "write_shot_sheet",
]


def __getattr__(name: str) -> Any:
    """Load what is asked for only then: ``photochrom --help`` needs neither numpy nor libvips."""
    if name == "__version__":
        value: Any = import_module("importlib.metadata").version("photochrom")
    elif name in _MODULES:
        return import_module(f".{name}", __name__)
    elif name in _HOME_OF:
        value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
