"""Colour for black-and-white photographs.

>>> import photochrom
>>> photochrom.colorize("grandma.jpg").save("grandma-color.jpg")     # doctest: +SKIP
"""

from importlib.metadata import version as _version

from .colorizer import Colorizer, Prepared, Suggestion, colorize
from .errors import (
    ArgumentError,
    ClipError,
    DownloadError,
    MissingExtraError,
    ModelError,
    ModelImportError,
    ModelNotFoundError,
    PhotochromError,
    PictureError,
    PictureTooLargeError,
)
from .hints import Hint
from .picture import Picture, open_pages, open_picture, save_pages
from .video.colorize import Film, colorize_frames, colorize_video

__version__ = _version("photochrom")

__all__ = [
    "ArgumentError",
    "ClipError",
    "Colorizer",
    "DownloadError",
    "Film",
    "Hint",
    "MissingExtraError",
    "ModelError",
    "ModelImportError",
    "ModelNotFoundError",
    "PhotochromError",
    "Picture",
    "PictureError",
    "PictureTooLargeError",
    "Prepared",
    "Suggestion",
    "__version__",
    "colorize",
    "colorize_frames",
    "colorize_video",
    "open_pages",
    "open_picture",
    "save_pages",
]
