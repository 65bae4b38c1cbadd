"""What a file is, by its first bytes, and the one table of picture formats and video containers."""

from .formats import (
    CONTAINERS,
    FORMATS,
    PICTURE_SUFFIXES,
    READABLE,
    VIDEO_SUFFIXES,
    Container,
    Format,
    Kind,
    Media,
)
from .identify import HEAD, TEXT, TOLD_BY_HEAD, identify, read_head
from .results import default_suffix, format_for, result_suffix, writable_format

__all__ = [
    "CONTAINERS",
    "FORMATS",
    "HEAD",
    "PICTURE_SUFFIXES",
    "READABLE",
    "TEXT",
    "TOLD_BY_HEAD",
    "VIDEO_SUFFIXES",
    "Container",
    "Format",
    "Kind",
    "Media",
    "default_suffix",
    "format_for",
    "identify",
    "read_head",
    "result_suffix",
    "writable_format",
]
