"""Animated PNG and WebP files, put together from still files of their frames.

Each frame is encoded as a picture of its own, and its compressed data go into the animation as they
are (PNG specification, third edition, section 11.3.6; WebP container specification, "Animation").
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import BinaryIO

from ..metadata.png import png_chunk

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PER_FRAME = (b"IHDR", b"IDAT", b"IEND")
_HIGHEST = 65535
_ANIMATED, _ALPHA = 0x02, 0x10  # flags of VP8X
_WHOLE = 0x02  # flag of a frame: it replaces what was there, and is not blended with it
_PICTURE = (b"ALPH", b"VP8 ", b"VP8L")

Stills = Iterable[tuple[bytes, Fraction]]
"""Whole files of one format and size, each with the seconds for which it is shown."""


def write_apng(stills: Stills, count: int, plays: int, file: BinaryIO) -> None:
    """Write an animated PNG.

    Args:
        stills: PNG files with equal headers; of the first, the metadata are kept too.
        count: number of them.
        plays: how often the animation runs; 0: for ever.
        file: to write into.
    """
    number = 0  # of the chunks that make up the animation
    for index, (still, delay) in enumerate(stills):
        chunks = list(_chunks(still))
        header = next(data for kind, data in chunks if kind == b"IHDR")
        if index == 0:
            before = chunks[: [kind for kind, _ in chunks].index(b"IDAT")]
            file.write(_SIGNATURE + png_chunk(b"IHDR", header))
            file.write(png_chunk(b"acTL", struct.pack(">II", count, plays)))
            file.writelines(
                png_chunk(kind, data) for kind, data in before if kind not in _PER_FRAME
            )
        part = delay.limit_denominator(_HIGHEST // max(1, int(delay) + 1))
        times = part.numerator, part.denominator
        place = header[:8] + struct.pack(">II", 0, 0)
        control = struct.pack(">I", number) + place + struct.pack(">HHBB", *times, 0, 0)
        file.write(png_chunk(b"fcTL", control))
        number += 1
        for kind, data in chunks:
            if kind == b"IDAT" and index == 0:
                file.write(png_chunk(kind, data))
            elif kind == b"IDAT":
                file.write(png_chunk(b"fdAT", struct.pack(">I", number) + data))
                number += 1
    file.write(png_chunk(b"IEND", b""))


def write_animated_webp(
    stills: Stills, size: tuple[int, int], alpha: bool, plays: int, file: BinaryIO
) -> None:
    """Write an animated WebP.

    Args:
        stills: WebP files; of the first, profile, EXIF and XMP are kept too.
        size: width and height.
        alpha: whether frames may be transparent.
        plays: how often the animation runs; 0: for ever.
        file: to write into; must be seekable.
    """
    canvas = b"".join(struct.pack("<I", side - 1)[:3] for side in size)
    behind: list[tuple[bytes, bytes]] = []
    for index, (still, delay) in enumerate(stills):
        pieces = list(_pieces(still))
        if index == 0:
            rest = {kind: data for kind, data in pieces if kind not in (*_PICTURE, b"VP8X")}
            marks = {b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04}
            flags = _ANIMATED | _ALPHA * alpha | sum(marks.get(kind, 0) for kind in rest)
            file.write(b"RIFF\0\0\0\0WEBP")
            file.write(_piece(b"VP8X", struct.pack("<I", flags) + canvas))
            if b"ICCP" in rest:
                file.write(_piece(b"ICCP", rest.pop(b"ICCP")))
            file.write(_piece(b"ANIM", struct.pack("<IH", 0, min(plays, _HIGHEST))))
            behind = list(rest.items())
        time = struct.pack("<I", min(round(delay * 1000), (1 << 24) - 1))[:3]
        head = b"\0" * 6 + canvas + time + bytes([_WHOLE])
        body = b"".join(_piece(kind, data) for kind, data in pieces if kind in _PICTURE)
        file.write(_piece(b"ANMF", head + body))
    for kind, data in behind:
        file.write(_piece(kind, data))
    length = file.tell()
    file.seek(4)
    file.write(struct.pack("<I", length - 8))
    file.seek(length)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at + 12 <= len(png):
        size = int.from_bytes(png[at : at + 4], "big")
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += size + 12


def _pieces(webp: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(webp):
        size = int.from_bytes(webp[at + 4 : at + 8], "little")
        yield webp[at : at + 4], webp[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _piece(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
