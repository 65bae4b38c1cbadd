"""Small files that ask for much: size, aspect, palettes, chunks, pages, frames, loops."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def png(width: int, height: int, *more: bytes, depth: int = 1, color: int = 0) -> bytes:
    """A PNG of zeros, compressed to almost nothing, with further chunks before its pixels."""
    packer = zlib.compressobj(9)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    row = bytes(1 + (width * depth * channels + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(parts)


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def _jpeg(width: int, height: int) -> bytes:
    """A JPEG whose head claims a size that its few bytes do not have."""
    data = bytearray(saved(Image.new("L", (16, 16), 90), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def _jpeg_scans() -> bytes:
    """A progressive JPEG whose scans come again and again."""
    data = saved(Image.new("L", (1500, 1500), 90), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * 100 + data[-2:]


def _jpeg_profiles() -> bytes:
    """A JPEG with many parts of a colour profile, each of the largest size."""
    data = saved(Image.new("L", (16, 16), 90), "JPEG")
    part = b"\xff\xe2\xff\xffICC_PROFILE\0\1\xff" + bytes(65519)
    return data[:2] + part * 60 + data[2:]


def _zip(size: int) -> bytes:
    return zlib.compress(bytes(size), 9)


def _tiff(entries: list[tuple[int, int, int, int]], following: int = 0, rest: bytes = b"") -> bytes:
    """A TIFF of one folder, from (tag, type, count, value)."""
    body = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    body += b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return body + struct.pack("<I", following) + rest


def _tiff_of(width: int, height: int, data: bytes, following: int = 0) -> bytes:
    place = 10 + 12 * 9 + 4
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8)]
    entries += [(262, 3, 1, 1), (273, 4, 1, place), (277, 3, 1, 1), (278, 4, 1, height)]
    return _tiff([*entries, (279, 4, 1, len(data))], following, data)


def _tiff_pages(count: int) -> bytes:
    pages = [Image.new("1", (400, 400)) for _ in range(count)]
    return saved(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="group4")


def _gif(width: int, height: int, frames: int) -> bytes:
    screen = struct.pack("<6sHHBBB", b"GIF89a", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return screen + frame * frames + b"\x3b"


def _bmp(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 1024) + info + bytes(1024) + b"\0\1"


def _jp2(width: int, height: int) -> bytes:
    data = bytearray(saved(Image.new("L", (64, 64), 90), "JPEG2000"))
    at = data.index(b"\xff\x51") + 6
    data[at : at + 8] = struct.pack(">II", width, height)
    return bytes(data)


def _avif(width: int, height: int) -> bytes:
    data = bytearray(saved(Image.new("RGB", (64, 64), 90), "AVIF"))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", width, height)
    return bytes(data)


def _webp(width: int, height: int) -> bytes:
    """A WebP whose extended head claims a size that its picture does not have."""
    image = saved(Image.new("RGB", (16, 16)), "WEBP", lossless=True)[12:]
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sides + image
    return b"RIFF" + struct.pack("<I", len(body)) + body


BOMBS: dict[str, Callable[[], bytes]] = {
    "png of 400 million pixels": lambda: png(20_000, 20_000),
    "png of 3.9 million columns": lambda: png(3_900_000, 1),
    "png of 390,000 rows": lambda: png(1, 390_000),
    "png of 16 bits and 4 channels": lambda: png(1900, 2000, depth=16, color=6),
    "png with a palette of one colour": lambda: png(
        1900, 2000, chunk(b"PLTE", b"\0\0\0"), depth=8, color=3
    ),
    "png without a palette": lambda: png(1900, 2000, depth=8, color=3),
    "png with a text of 64 MB": lambda: png(8, 8, chunk(b"zTXt", b"Comment\0\0" + _zip(1 << 26))),
    "png with a profile of 64 MB": lambda: png(8, 8, chunk(b"iCCP", b"x\0\0" + _zip(1 << 26))),
    "png with 200,000 texts": lambda: png(8, 8, chunk(b"tEXt", b"Comment\0x") * 200_000),
    "apng of many frames": lambda: png(
        1900, 2000, chunk(b"acTL", struct.pack(">II", 1 << 30, 0)), depth=8
    ),
    "jpeg of 65,500 x 65,500": lambda: _jpeg(65500, 65500),
    "jpeg of 1 x 65,500": lambda: _jpeg(1, 65500),
    "jpeg of 100 scans": _jpeg_scans,
    "jpeg of 4 MB of profiles": _jpeg_profiles,
    "tiff of one strip of 4 GB": lambda: _tiff_of(65000, 65000, _zip(1 << 20)),
    "tiff whose strip unpacks to 64 MB": lambda: _tiff_of(64, 64, _zip(1 << 26)),
    "tiff whose folders are a circle": lambda: _tiff_of(64, 64, _zip(4096), following=8),
    "tiff of a billion tags": lambda: _tiff(
        [(256, 4, 1, 64), (257, 4, 1, 64), (270, 2, 1 << 30, 8), (273, 4, 1 << 30, 8)]
    ),
    "tiff of 100 pages": lambda: _tiff_pages(100),
    "gif of 100,000 frames": lambda: _gif(16, 16, 100_000),
    "gif of 65,535 x 65,535": lambda: _gif(65535, 65535, 3),
    "bmp of 2 billion pixels": lambda: _bmp(46000, 46000),
    "jp2 of 4 billion columns": lambda: _jp2((1 << 32) - 1, 64),
    "avif of a false size": lambda: _avif(65000, 65000),
    "webp of 268 million pixels": lambda: _webp(16383, 16383),
    "font": lambda: b"\0\1\0\0\0\x10" + bytes(4000),
    "svg of many references": lambda: b"<svg>" + b"<use href='#a'/>" * 10_000 + b"</svg>",
}
"""Kind -> maker; none is larger than 5 MB."""
