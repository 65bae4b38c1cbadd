"""PNG files: the chunks of metadata that libvips leaves out or changes, whole and as they are.

ImageMagick keeps EXIF, IPTC, XMP and ICC as hexadecimal digits in text chunks ("Raw profile type"),
and others read them there.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

_MAX_TEXT = 1 << 16
_MAX_CHUNK = 8 << 20
_MAX_PIECES = 1000
_RAW = b"Raw profile type "
_MAX_RAW = 32 << 20


def chunks(file: BinaryIO, end: bytes = b"IEND") -> Iterator[tuple[bytes, int]]:
    """Kind and size of each chunk up to the first of a kind, with the file at its data."""
    at = 8
    for _ in range(_MAX_PIECES):
        file.seek(at)
        head = file.read(8)
        size = int.from_bytes(head[:4], "big")
        if len(head) < 8 or head[4:] in (end, b"IEND") or size >= 1 << 31:
            return
        yield head[4:], size
        at += size + 12


def png_pieces(
    file: BinaryIO,
) -> tuple[tuple[float, float] | None, tuple[bytes, ...], dict[str, bytes]]:
    """A PNG file's resolution in pixels per inch, text chunks, whole, and hidden metadata.

    The latter are those of `raw_profiles` and of eXIf, unseen by libvips behind the pixels.
    """
    found: list[bytes] = []
    raw: list[bytes] = []
    exif: dict[str, bytes] = {}
    dpi = None
    for kind, size in chunks(file):
        if kind in (b"tEXt", b"iTXt", b"zTXt") and size <= _MAX_CHUNK:
            chunk = size.to_bytes(4, "big") + kind + file.read(size + 4)
            if chunk[8:].startswith(_RAW):
                raw.append(chunk)
            elif len(chunk) == size + 12 <= _MAX_TEXT and _is_plain_text(chunk):
                found.append(chunk)
        elif kind == b"eXIf" and size <= _MAX_CHUNK:
            exif = {"eXIf": file.read(size)}
        elif kind == b"pHYs" and size == 9:
            x, y, unit = struct.unpack(">IIB", file.read(9).ljust(9, b"\0"))
            dpi = (round(x * 0.0254, 4), round(y * 0.0254, 4)) if unit == 1 and x and y else None
    texts = tuple(found) if sum(map(len, found)) <= _MAX_TEXT else ()
    return dpi, texts, raw_profiles(tuple(raw[:8])) | exif


def raw_profiles(texts: tuple[bytes, ...]) -> dict[str, bytes]:
    """The EXIF, IPTC, XMP or ICC that ImageMagick keeps in text chunks, by their names in them."""
    found = {}
    for chunk in texts:
        keyword, _, body = chunk[8:-4].partition(b"\0")
        if not keyword.startswith(_RAW) or chunk[4:8] not in (b"zTXt", b"tEXt"):
            continue
        try:
            text = body
            if chunk[4:8] == b"zTXt":
                text = zlib.decompressobj().decompress(body[1:], _MAX_RAW)
            _, _, size, data = text.split(b"\n", 3)
            raw = bytes.fromhex(data.decode("ascii"))
            if len(raw) == int(size):
                found[keyword[len(_RAW) :].decode("latin-1").lower()] = raw
        except (ValueError, zlib.error):
            continue
    return found


def raw_profile(name: str, data: bytes) -> bytes:
    """A text chunk as ImageMagick writes it, which is where a PNG keeps IPTC."""
    digits = data.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    text = f"\n{name}\n{len(data):8d}\n{lines}\n".encode()
    return png_chunk(b"zTXt", _RAW + name.encode() + b"\0\0" + zlib.compress(text))


def png_frames(file: BinaryIO) -> int:
    """Number of frames of an animated PNG (chunk acTL); 1 of others."""
    for kind, _ in chunks(file, b"IDAT"):
        if kind == b"acTL":
            return max(int.from_bytes(file.read(4), "big"), 1)
    return 1


def _is_plain_text(chunk: bytes) -> bool:
    # XMP is carried as XMP; "Raw profile" and "Thumb" are metadata and thumbnails in disguise.
    keyword = chunk[8:87].partition(b"\0")[0]
    intact = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")
    return intact and not keyword.startswith((b"XML:com.adobe", b"Raw profile", b"Thumb"))


def png_insert(
    head: bytes, *, exif: bytes | None, dpi: tuple[float, float] | None, texts: tuple[bytes, ...]
) -> bytes | None:
    """The beginning of a PNG file with these pieces put in; None if ``head`` is too short.

    The resolution that libvips always writes is replaced by ``dpi``.
    """
    kept, at = [head[:33]], 33
    while head[at + 4 : at + 8] != b"IDAT":
        size = 12 + int.from_bytes(head[at : at + 4], "big")
        if len(head) < at + 8 or len(head) < at + size:
            return None
        if head[at + 4 : at + 8] not in (b"pHYs", b"eXIf"):
            kept.append(head[at : at + size])
        at += size
    if dpi:
        x, y = (min(max(round(v / 0.0254), 1), 0x7FFFFFFF) for v in dpi)
        kept.append(png_chunk(b"pHYs", struct.pack(">IIB", x, y, 1)))
    if exif:
        kept.append(png_chunk(b"eXIf", exif))
    return b"".join([*kept, *texts, head[at:]])


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk, with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
