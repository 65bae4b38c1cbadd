"""What a file is, told by its first bytes."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .formats import CONTAINERS, FORMATS, Media

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
    """The first bytes of a file, for `identify`.

    Raises:
        OSError: the file cannot be opened or read.
    """
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
