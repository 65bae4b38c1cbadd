"""The picture formats: names, suffixes, abilities, and how to tell them by their first bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ._io import show
from .errors import ArgumentError, PictureError


@dataclass(frozen=True, kw_only=True)
class Format:
    """What one file format is called and can hold.

    Attributes:
        title: name for people.
        suffixes: file name endings, the usual one first.
        deep: holds more than 8 bits per channel.
        alpha: holds transparency.
        quality: default of the ``quality`` option; None if the format has none (it is lossless).
        write: Photochrom writes it.
    """

    title: str
    suffixes: tuple[str, ...]
    deep: bool = False
    alpha: bool = False
    quality: int | None = None
    write: bool = True


# The qualities mean about the same in every format: the loss of a JPEG of quality 95 (41 to 42 dB
# on a scan with film grain); docs/pictures.md has the figures.
FORMATS = {
    "jpeg": Format(title="JPEG", suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"), quality=95),
    "png": Format(title="PNG", suffixes=(".png",), deep=True, alpha=True),
    "tiff": Format(title="TIFF", suffixes=(".tif", ".tiff"), deep=True, alpha=True),
    "webp": Format(title="WebP", suffixes=(".webp",), alpha=True, quality=93),
    "avif": Format(title="AVIF", suffixes=(".avif",), deep=True, alpha=True, quality=87),
    "heic": Format(
        title="HEIC", suffixes=(".heic", ".heif", ".hif"), deep=True, alpha=True, quality=60
    ),
    "bmp": Format(title="BMP", suffixes=(".bmp", ".dib")),
    "jp2": Format(title="JPEG 2000", suffixes=(".jp2",), alpha=True),
    "gif": Format(title="GIF", suffixes=(".gif",), alpha=True, write=False),
}
"""Every format Photochrom reads, by the name that ``Picture.format`` and ``format=`` use."""

_BY_SUFFIX = {suffix: name for name, row in FORMATS.items() for suffix in row.suffixes}
_WRITABLE = ", ".join(name for name, row in FORMATS.items() if row.write)
READABLE = ", ".join(row.title for row in FORMATS.values())
HEAD = 4096
"""Bytes from the beginning of a file that the functions below like to see."""


def default_suffix(format: str | None, depth: int = 8) -> str:
    """The suffix for a result whose source was of ``format``: one that can hold the result.

    Its own, except ``.png`` for GIF (256 colours) and for arrays, and ``.tif`` for a 16-bit
    JPEG 2000 (16-bit colour cannot be written in that format).
    """
    if format is None or not FORMATS[format].write:
        return ".png"
    if format == "jp2" and depth == 16:
        return ".tif"
    return FORMATS[format].suffixes[0]


def writable_format(name: str) -> str:
    """``name`` in any usual spelling ("JPG", ".tif", "jpeg") as a key of FORMATS.

    Raises:
        ArgumentError: no such format, or one that is only read.
    """
    key = name.lower().lstrip(".")
    key = _BY_SUFFIX.get(f".{key}", key)
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
        name = _BY_SUFFIX.get(suffix)
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


def sniff(head: bytes) -> str | None:
    """The format (key of FORMATS) of a file that begins with ``head``; None if it is none."""
    if head[4:8] == b"ftyp":
        return _sniff_heif(head)
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") and head[8:10] != b"CR":
        return "tiff"
    if head[:4] == b"RIFF":
        return "webp" if head[8:12] == b"WEBP" else None
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    return None


_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"BM", "bmp"),
)


def _sniff_heif(head: bytes) -> str | None:
    size = min(max(int.from_bytes(head[:4], "big"), 16), 256)
    brands = {head[8:12]} | {head[i : i + 4] for i in range(16, size, 4)}
    if brands & {b"avif", b"avis"}:
        return "avif"
    if brands & {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis"}:
        return "heic"
    if brands & {b"mif1", b"msf1"}:
        return "avif" if b"av01" in head else "heic"
    return None


_OTHERS = (
    (rb"version https://git-lfs", "a Git LFS pointer (fetch the file with: git lfs pull)"),
    (rb"%PDF", "a PDF document"),
    (rb"%!PS", "a PostScript document"),
    (rb"\x00\x00\x00\x0cJXL |\xff\x0a", "a JPEG XL picture, which is not supported"),
    (rb"8BPS", "a Photoshop document"),
    (rb"II\*\0....CR|FUJIFILMCCD|IIRO|IIRS|IIU\x00|....ftypcrx ", "a camera raw file"),
    (rb"\x76\x2f\x31\x01|#\?RAD", "a picture of floating-point numbers"),
    (rb"P[1-7]\s", "a Netpbm picture, which is not supported"),
    (rb"\x00\x00[\x01\x02]\x00", "an icon"),
    (rb"....ftyp|....moov|\x1aE\xdf\xa3|RIFF....AVI |FLV|\x30\x26\xb2\x75", "a video"),
    (rb"RIFF....WAVE|ID3|OggS|fLaC", "a sound file"),
    (rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd", "an archive"),
    (rb"\x7fELF|MZ", "a program"),
)


def seems_to_be(head: bytes) -> str:
    """What a file that begins with ``head`` and is no picture seems to be, in words."""
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
        return "text"
    return "a file of an unknown kind"
