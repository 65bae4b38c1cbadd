"""The format and the suffix of a result, by those of its source and by what the user wants."""

from __future__ import annotations

from pathlib import Path

from .._io import show
from ..errors import ArgumentError, PictureError
from .formats import CONTAINERS, FORMATS, PICTURE_SUFFIXES, VIDEO_SUFFIXES, Media

_WRITABLE = ", ".join(name for name, row in FORMATS.items() if row.write)
_ANY = ".mkv"  # holds every codec


def default_suffix(format: str | None, depth: int = 8) -> str:
    """The suffix for a result whose source was of ``format``: one that can hold the result.

    Args:
        format: key of FORMATS or CONTAINERS; None for arrays.
        depth: bits per channel.

    Returns:
        The format's own, except ``.png`` for GIF (256 colours) and for arrays, ``.tif`` for camera
        raw files and for a 16-bit JPEG 2000 (16-bit colour cannot be written in that format), and
        ``.mkv`` for containers that are not written.
    """
    row = CONTAINERS.get(format or "")
    if row is not None:
        return row.suffixes[0] if row.write else _ANY
    if format == "raw":
        return ".tif"
    if format is None or not FORMATS[format].write:
        return ".png"
    if format == "jp2" and depth == 16:
        return ".tif"
    return FORMATS[format].suffixes[0]


def result_suffix(media: Media, suffix: str) -> str:
    """The suffix of a result whose source has the name ending ``suffix``.

    Args:
        media: what the source is, a picture or a video.
        suffix: of the source's name, in any case; "" if it has none.

    Returns:
        ``suffix`` itself where files of that ending are written, else that of `default_suffix`.
    """
    if media.kind == "video":
        written = VIDEO_SUFFIXES.get(suffix.lower())
        kept = written is not None and CONTAINERS[written].write
    else:
        if media.rich:
            return ".png" if media.format == "bmp" else default_suffix(media.format, 16)
        named = PICTURE_SUFFIXES.get(suffix.lower())
        kept = named is not None and FORMATS[named].write
        if named is not None and not kept:
            return default_suffix(named)
    return suffix if kept else default_suffix(media.format)


def writable_format(name: str) -> str:
    """``name`` in any usual spelling ("JPG", ".tif", "jpeg") as a key of FORMATS.

    Raises:
        ArgumentError: no such format, or one that is only read.
    """
    ArgumentError.check("the format", name, str, "a name such as png")
    key = name.lower().lstrip(".")
    key = PICTURE_SUFFIXES.get(f".{key}", key)
    if key not in FORMATS or not FORMATS[key].write:
        raise ArgumentError(
            f"the picture format {name!r} cannot be written",
            expected=f"one of {_WRITABLE}",
            got=repr(name),
            fix="choose one of these formats",
        )
    return key


def format_for(target: str | Path | None, format: str | None, source: str | None) -> str:
    """The format to write: ``format``, else by the suffix of ``target``, else the source's.

    Raises:
        ArgumentError: ``format`` is unknown.
        PictureError: the suffix is unknown, or nothing says which format is meant.
    """
    if format is not None:
        return writable_format(format)
    suffix = Path(target).suffix.lower() if target is not None else ""
    if suffix:
        name = PICTURE_SUFFIXES.get(suffix)
        if name is None or not FORMATS[name].write:
            raise PictureError(
                f"{show(target)} cannot be written",
                expected=f"the suffix of one of the formats {_WRITABLE}",
                got=f"the suffix {suffix}",
                fix="change the suffix, or name the format (format=)",
            )
        return name
    if source is None:
        raise PictureError(
            f"{show(target) if target is not None else 'the picture'} cannot be written",
            expected=f"a file suffix or one of the formats {_WRITABLE}",
            got="neither",
            fix="name the format (format=)",
        )
    return source if FORMATS[source].write else "png"
