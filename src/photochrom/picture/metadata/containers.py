"""The containers of JPEG, WebP, AVIF and JPEG 2000 files, as far as libraries leave something out.

libvips writes EXIF anew and adds tags of its own, loses comments, and always states a resolution;
Pillow knows no metadata in JPEG 2000. So these few pieces are read and put in here, byte for byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF_BOX = b"JpgTiffExif->JP2"
_MAX_PIECES = 1000


def jpeg_insert(
    head: bytes, *, exif: bytes | None, dpi: tuple[float, float] | None, texts: tuple[bytes, ...]
) -> bytes | None:
    """The beginning of a JPEG file with these pieces put in; None if ``head`` is too short.

    A block of EXIF that does not fit into a JPEG segment is left out.
    """
    if len(head) < 4:
        return None
    rest = 2
    if head[2:4] == b"\xff\xe0":
        rest = 4 + int.from_bytes(head[4:6], "big") if len(head) >= 6 else 1 << 20
        if len(head) < rest:
            return None
    x, y = (min(max(round(v), 1), 65535) for v in dpi or (1, 1))
    jfif = b"JFIF\0\1\1" + struct.pack(">BHHBB", 1 if dpi else 0, x, y, 0, 0)
    pieces = [b"\xff\xe0", jfif]
    if exif and len(exif) <= 65527:
        pieces += [b"\xff\xe1", b"Exif\0\0" + exif]
    for text in texts:
        pieces += [b"\xff\xfe", text[:65533]]
    middle = b"".join(
        marker + struct.pack(">H", len(data) + 2) + data
        for marker, data in zip(pieces[::2], pieces[1::2], strict=True)
    )
    return head[:2] + middle + head[rest:]


def webp_insert(file: bytes, *, exif: bytes | None, width: int, height: int) -> bytes:
    """A WebP file with a block of EXIF put in."""
    if not exif:
        return file
    body = file[12:]
    if body[:4] != b"VP8X":
        alpha = 0x10 if body[:4] == b"VP8L" and body[12] & 0x10 else 0
        size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
        body = b"VP8X" + struct.pack("<II", 10, alpha) + size + body
    body = body[:8] + bytes([body[8] | 0x08]) + body[9:]
    body += b"EXIF" + struct.pack("<I", len(exif)) + exif + b"\0" * (len(exif) % 2)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes (ISO BMFF) of a file between two offsets: kind, begin and end of the content."""
    at = start
    for _ in range(_MAX_PIECES):
        file.seek(at)
        head = file.read(16)
        if at + 8 > end or len(head) < 8:
            return
        size, skip = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, skip = int.from_bytes(head[8:16], "big"), 16
        stop = end if size == 0 else at + size
        if (size and size < skip) or stop > end:
            return
        yield head[4:8], at + skip, stop
        at = stop


def nclx(file: BinaryIO) -> tuple[int, int] | None:
    """Code points of the primaries and of the transfer curve of an AVIF or HEIC (H.273)."""
    place = _inside(file, (b"meta", b"iprp", b"ipco"))
    if place is None:
        return None
    begin, stop = place
    for kind, at, limit in boxes(file, begin, stop):
        if kind == b"colr" and limit - at >= 8:
            file.seek(at)
            data = file.read(8)
            if data[:4] == b"nclx":
                return int.from_bytes(data[4:6], "big"), int.from_bytes(data[6:8], "big")
    return None


def sequence_length(file: BinaryIO) -> int:
    """Number of frames of an AVIF or HEIC sequence; 0 if the file has none."""
    place = _inside(file, (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz"))
    if place is None:
        return 0
    file.seek(place[0])
    return int.from_bytes(file.read(12)[8:], "big")


def _inside(file: BinaryIO, path: tuple[bytes, ...]) -> tuple[int, int] | None:
    """Begin and end of the content of the first box at the end of a path of boxes."""
    begin, stop = 0, file.seek(0, 2)
    for kind in path:
        place = next(((b, e) for k, b, e in boxes(file, begin, stop) if k == kind), None)
        if place is None:
            return None
        begin, stop = place[0] + (4 if kind == b"meta" else 0), place[1]
    return begin, stop


def jp2_metadata(file: BinaryIO) -> tuple[bytes | None, bytes | None, bytes | None, int]:
    """ICC profile, EXIF, XMP and bits per channel (0: unknown) of a JPEG 2000 file."""
    icc = exif = xmp = None
    bits = _codestream_bits(file, 0)
    end = file.seek(0, 2)
    for kind, begin, stop in boxes(file, 0, end):
        size = min(stop - begin, 16 << 20)
        if kind == b"jp2h":
            for inner, place, limit in boxes(file, begin, stop):
                file.seek(place)
                data = file.read(min(limit - place, 16 << 20))
                if inner == b"colr" and data[:1] == b"\2" and icc is None:
                    icc = data[3:]
        elif kind == b"jp2c":
            bits = _codestream_bits(file, begin)
        elif kind == b"uuid" and size > 16:
            file.seek(begin)
            data = file.read(size)
            if data[:16] == _XMP_BOX:
                xmp = data[16:]
            elif data[:16] == _EXIF_BOX:
                exif = data[16:]
    return icc, exif, xmp, bits


def _codestream_bits(file: BinaryIO, at: int) -> int:
    """Bits per channel of the JPEG 2000 codestream at ``at``; 0 if there is none."""
    file.seek(at)
    head = file.read(43)
    return (head[42] & 0x7F) + 1 if len(head) == 43 and head[:4] == b"\xff\x4f\xff\x51" else 0


def jp2_append(*, exif: bytes | None, xmp: bytes | None) -> bytes:
    """The boxes to put behind a JPEG 2000 file for these pieces."""
    pieces = ((_EXIF_BOX, exif), (_XMP_BOX, xmp))
    return b"".join(
        struct.pack(">I", len(data) + 24) + b"uuid" + mark + data for mark, data in pieces if data
    )
