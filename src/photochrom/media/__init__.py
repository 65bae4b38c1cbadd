"""What a file is, by its first bytes, and what a result made of it is called.

`formats` is the one table of picture formats and video containers.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from .._io import show
from ..errors import ArgumentError, PictureError
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

HEAD = 4096
"""Bytes from the beginning of a file that `identify` looks at."""

_AUDIO = (
    (rb"RIFF....WAVE|ID3|OggS|fLaC|\xff[\xf1\xf9\xfb\xf3]|FORM....AIF|caff|#!AMR", "a sound file"),
)
_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"F4A ")
_OTHERS = (
    (rb"version https://git-lfs", "a Git LFS pointer (fetch the file with: git lfs pull)"),
    (rb"%PDF", "a PDF document"),
    (rb"%!PS", "a PostScript document"),
    (rb"\x00\x00\x00\x0cJXL |\xff\x0a", "a JPEG XL picture, which is not supported"),
    (rb"8BPS", "a Photoshop document"),
    (rb"#\?RAD", "a picture of floating-point numbers"),
    (rb"P[1-7]\s", "a Netpbm picture, which is not supported"),
    (rb"\x00\x00[\x01\x02]\x00", "an icon"),
    (rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd", "an archive"),
    (rb"\x7fELF|MZ", "a program"),
)
TEXT = Media("other", "text")
"""What `identify` returns for text of no known kind."""


def identify(head: bytes) -> Media:
    """What a file is that begins with ``head`` (`HEAD` bytes of it), whatever its name."""
    head = head[:HEAD]
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    for name, row in FORMATS.items():
        if re.match(row.magic, head, re.DOTALL):
            return Media("picture", name, name in _RICH and _RICH[name](head))
    for name, kind in CONTAINERS.items():
        if re.match(kind.magic, head, re.DOTALL):
            return Media("video", name)
    for pattern, words in _AUDIO:
        if re.match(pattern, head, re.DOTALL):
            return Media("audio", words)
    return Media("other", _description(head))


def read_head(path: str | os.PathLike[str]) -> bytes:
    """The first bytes of a file, for `identify`; OSError if it cannot be read."""
    with Path(path).open("rb") as file:
        return file.read(HEAD)


def _bmp_is_rich(head: bytes) -> bool:
    """Whether a BMP states where its alpha is (BITMAPV3INFOHEADER and later)."""
    return head[14:18] >= b"\x38" and head[28:30] == b"\x20\0" and any(head[66:70])


def _jp2_is_rich(head: bytes) -> bool:
    """Whether a JPEG 2000 has more than 8 bits (ISO/IEC 15444-1, box ``ihdr``)."""
    place = head.find(b"ihdr")
    bits = head[place + 14 : place + 15]
    return place > 0 and bits not in (b"", b"\xff") and bits[0] & 0x7F > 7


_RICH = {"bmp": _bmp_is_rich, "jp2": _jp2_is_rich}
TOLD_BY_HEAD = frozenset(_RICH)
"""Formats of which the first bytes, and not the name, say what a result is called."""


def _iso_media(head: bytes) -> Media:
    """A file of the ISO base media format, by its brands."""
    size = min(max(int.from_bytes(head[:4], "big"), 16), 256)
    main = head[8:12]
    brands = {main} | {head[i : i + 4] for i in range(16, size, 4)}
    for name, row in FORMATS.items():
        if brands.intersection(row.brands):
            return Media("picture", name)
    if brands & {b"mif1", b"msf1"}:
        return Media("picture", "avif" if b"av01" in head else "heic")
    if main in _AUDIO_BRANDS:
        return Media("audio", "a sound file")
    found = (name for name, kind in CONTAINERS.items() if main in kind.brands)
    return Media("video", next(found, "mp4"))


def _description(head: bytes) -> str:
    """A file that is neither picture nor film, in words."""
    if not head:
        return "an empty file"
    for pattern, words in _OTHERS:
        if re.match(pattern, head, re.DOTALL):
            return words
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in text:
        return "an SVG drawing"
    if text.startswith((b"<!doctype html", b"<html")) or b"<html" in text[:512]:
        return "an HTML page (a download that went wrong?)"
    if not head.strip(b"\0"):
        return "nothing but zero bytes"
    if not re.search(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]", head):
        return TEXT.format
    return "a file of an unknown kind"


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
    """The key of FORMATS that "JPG", ".tif" or "jpeg" mean; ArgumentError if none is written."""
    ArgumentError.check("the format", name, str, "a name such as png")
    key = name.lower().lstrip(".")
    key = PICTURE_SUFFIXES.get(f".{key}", key)
    if key not in FORMATS or not FORMATS[key].write:
        raise ArgumentError(
            f"the picture format {name!r} cannot be written",
            expected=f"one of {_WRITABLE}",
            got=repr(name),
        )
    return key


def format_for(target: str | Path | None, format: str | None, source: str | None) -> str:
    """``format``, else by ``target``'s suffix, else ``source``; ArgumentError or PictureError."""
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
