"""The containers of JPEG, PNG, WebP and JPEG 2000 files, as far as libraries leave something out.

libvips writes EXIF anew and adds tags of its own, loses JPEG comments and the accents in PNG texts,
and always states a resolution; Pillow knows no metadata in JPEG 2000. So these few pieces are read
and put in here, byte for byte.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from .ifd import Malformed, TiffReader

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF_BOX = b"JpgTiffExif->JP2"
_MAX_TEXT = 1 << 16
_MAX_CHUNK = 8 << 20
_MAX_PIECES = 1000
_RAW = b"Raw profile type "
_MAX_RAW = 32 << 20


def jpeg_comments(file: BinaryIO) -> tuple[bytes, ...]:
    """The comments before the pixels of a JPEG file."""
    found: list[bytes] = []
    file.seek(2)
    for _ in range(_MAX_PIECES):
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0xDA, 0xD9):
            break
        size = int.from_bytes(head[2:], "big") - 2
        if size < 0:
            break
        if head[1] == 0xFE:
            found.append(file.read(size))
        else:
            file.seek(size, 1)
    return tuple(found) if sum(map(len, found)) <= _MAX_TEXT else ()


def mpf_pictures(file: BinaryIO) -> int:
    """Number of pictures behind the first that a JPEG's directory (MPF, CIPA DC-007) lists."""
    file.seek(2)
    for _ in range(_MAX_PIECES):
        head = file.read(4)
        size = int.from_bytes(head[2:], "big") - 2
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0xDA, 0xD9) or size < 0:
            return 0
        if head[1] != 0xE2:
            file.seek(size, 1)
            continue
        body = file.read(size)
        if body.startswith(b"MPF\0"):
            try:
                reader = TiffReader(io.BytesIO(body[4:]))
                return max(reader.number(reader.directory(reader.first)[0], 0xB001) - 1, 0)
            except Malformed:
                return 0
    return 0


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


def png_pieces(file: BinaryIO) -> tuple[bool, tuple[bytes, ...], dict[str, bytes]]:
    """Whether a PNG file states a resolution, its text chunks, whole, and the metadata of
    `raw_profiles` and eXIf."""
    found: list[bytes] = []
    raw: list[bytes] = []
    exif: dict[str, bytes] = {}
    resolution = False
    file.seek(8)
    for _ in range(_MAX_PIECES):
        head = file.read(8)
        size = int.from_bytes(head[:4], "big")
        if len(head) < 8 or head[4:] == b"IEND" or size >= 1 << 31:
            break
        if head[4:] in (b"tEXt", b"iTXt", b"zTXt") and size <= _MAX_CHUNK:
            chunk = head + file.read(size + 4)
            if chunk[8:].startswith(_RAW):
                raw.append(chunk)
            elif len(chunk) == size + 12 <= _MAX_TEXT and _is_plain_text(chunk):
                found.append(chunk)
        elif head[4:] == b"eXIf" and size <= _MAX_CHUNK:
            exif = {"eXIf": file.read(size)}
            file.seek(4, 1)
        else:
            resolution |= head[4:] == b"pHYs"
            file.seek(size + 4, 1)
    texts = tuple(found) if sum(map(len, found)) <= _MAX_TEXT else ()
    return resolution, texts, raw_profiles(tuple(raw[:8])) | exif


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
    return _chunk(b"zTXt", _RAW + name.encode() + b"\0\0" + zlib.compress(text))


def png_frames(file: BinaryIO) -> int:
    """Number of frames of an animated PNG (chunk acTL); 1 of others."""
    file.seek(8)
    for _ in range(_MAX_PIECES):
        head = file.read(8)
        size = int.from_bytes(head[:4], "big")
        if len(head) < 8 or head[4:] in (b"IDAT", b"IEND") or size >= 1 << 31:
            return 1
        if head[4:] == b"acTL":
            return max(int.from_bytes(file.read(4), "big"), 1)
        file.seek(size + 4, 1)
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
        kept.append(_chunk(b"pHYs", struct.pack(">IIB", x, y, 1)))
    if exif:
        kept.append(_chunk(b"eXIf", exif))
    return b"".join([*kept, *texts, head[at:]])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def webp_is_lossless(head: bytes) -> bool:
    """Whether the (first) picture of a WebP file is compressed without loss, as far as one sees."""
    return head[12:16] == b"VP8L" or (head[12:16] == b"VP8X" and b"VP8L" in head)


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
