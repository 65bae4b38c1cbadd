"""Pictures, EXIF blocks, XMP packets and ICC profiles made from scratch, for the picture tests."""

import io
import struct
from functools import lru_cache

import numpy as np
from PIL import Image

from tests.helpers.bombs import chunk

NOTE = "Colours inferred by Photochrom, model test; not evidence."
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" tiff:Orientation="6">'
    "<dc:creator><rdf:Seq><rdf:li>Ottó Grün</rdf:li></rdf:Seq></dc:creator>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
).encode()
IPTC = b"\x1c\x02\x00\x00\x02\x00\x02" + b"\x1c\x02\x78\x00\x0cHarbour 1931"
MAKER_NOTE = b"MAKER\0\1\2" + bytes(range(200))
THUMBNAIL = b"\xff\xd8\xff\xe0stale thumbnail\xff\xd9"


@lru_cache
def colour(dtype="uint8", height=61, width=90):
    """``(H, W, 3)``: smooth colour with a sharp edge and some noise; sides odd and even."""
    y, x = np.mgrid[0:height, 0:width] / 90
    noise = np.random.default_rng(1).normal(0, 0.01, (height, width))
    planes = [0.5 + 0.4 * np.sin(5 * x + k) * np.cos(4 * y - k) + noise for k in range(3)]
    rgb = np.clip(np.stack(planes, axis=2), 0, 1)
    rgb[20:30, 40:50] = (1, 0, 0.2)
    rgb[0, :3] = ((0, 0, 0), (1, 1, 1), (1, 1, 0))
    top = np.iinfo(dtype).max
    return np.rint(rgb * top).astype(dtype)


def grey(dtype="uint8"):
    return np.ascontiguousarray(colour(dtype)[..., 1])


def alpha(dtype="uint8", height=61, width=90):
    top = np.iinfo(dtype).max
    ramp = np.linspace(0, top, width).round().astype(dtype)
    return np.ascontiguousarray(np.broadcast_to(ramp, (height, width)))


def png(pixels, *chunks, behind=False):
    """A PNG with further chunks before its pixels, or behind them."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    data = file.getvalue()
    place = data.index(b"IEND") - 4 if behind else 33
    return data[:place] + b"".join(chunk(*each) for each in chunks) + data[place:]


def ascii_value(text):
    data = text.encode() + b"\0"
    return 2, len(data), data


def shorts(*numbers):
    return 3, len(numbers), struct.pack(f"<{len(numbers)}H", *numbers)


def longs(*numbers):
    return 4, len(numbers), struct.pack(f"<{len(numbers)}I", *numbers)


def ratios(*pairs):
    return 5, len(pairs), b"".join(struct.pack("<II", *pair) for pair in pairs)


def directory(tags, at, following=0):
    """A little-endian directory with its data, placed at ``at``."""
    head, heap = 2 + 12 * len(tags) + 4, b""
    table = struct.pack("<H", len(tags))
    for tag, (kind, count, data) in sorted(tags.items()):
        cell = data.ljust(4, b"\0")
        if len(data) > 4:
            cell = struct.pack("<I", at + head + len(heap))
            heap += data + b"\0" * (len(data) % 2)
        table += struct.pack("<HHI", tag, kind, count) + cell
    return table + struct.pack("<I", following) + heap


def exif_block(orientation=6, width=90, height=61):
    """An EXIF block of a camera: maker's note, GPS, a private tag and a thumbnail."""
    main = {
        0x010E: ascii_value("Grandma at the sea"),
        0x010F: ascii_value("Leitz"),
        0x0110: ascii_value("Leica II"),
        0x0112: shorts(orientation),
        0x011A: ratios((600, 1)),
        0x011B: ratios((600, 1)),
        0x0128: shorts(2),
        0x0131: ascii_value("Scanner 3"),
        0x0132: ascii_value("2001:01:01 00:00:00"),
        0x013B: ascii_value("Ottó Grün"),
        0x8298: ascii_value("(c) the family"),
        0xBEEF: ascii_value("a private tag"),
        0x8769: longs(0),
        0x8825: longs(0),
    }
    exif = {
        0x9000: (7, 4, b"0232"),
        0x9003: ascii_value("1931:05:04 12:00:00"),
        0x927C: (7, len(MAKER_NOTE), MAKER_NOTE),
        0x9286: (7, 20, b"ASCII\0\0\0on the beach"),
        0xA002: longs(width),
        0xA003: longs(height),
        0xA434: ascii_value("Elmar 50mm"),
    }
    gps = {
        0: (1, 4, bytes([2, 3, 0, 0])),
        1: ascii_value("N"),
        2: ratios((48, 1), (30, 1), (12, 1)),
        3: ascii_value("E"),
        4: ratios((11, 1), (0, 1), (0, 1)),
    }
    second = {0x0103: shorts(6), 0x0201: longs(0), 0x0202: longs(len(THUMBNAIL))}
    exif_at = 8 + len(directory(main, 0))
    gps_at = exif_at + len(directory(exif, 0))
    second_at = gps_at + len(directory(gps, 0))
    main |= {0x8769: longs(exif_at), 0x8825: longs(gps_at)}
    second |= {0x0201: longs(second_at + len(directory(second, 0)))}
    parts = [
        directory(main, 8, second_at),
        directory(exif, exif_at),
        directory(gps, gps_at),
        directory(second, second_at),
    ]
    return b"II*\0" + struct.pack("<I", 8) + b"".join(parts) + THUMBNAIL


def _fixed(*numbers):
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def _xyz(*numbers):
    return b"XYZ \0\0\0\0" + _fixed(*numbers)


def _gamma(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _profile(space, tags):
    title = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 78
    tags = [(b"desc", title), (b"cprt", b"text\0\0\0\0none\0"), *tags]
    offset = 132 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags:
        padded = value + b"\0" * (-len(value) % 4)
        table += name + struct.pack(">II", offset + len(data), len(padded))
        data += padded
    head = struct.pack(">I", offset + len(data)) + b"\0" * 4 + bytes([2, 0x20, 0, 0]) + b"mntr"
    head += space + b"XYZ " + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28
    return head + _fixed(0.9642, 1.0, 0.8249) + b"\0" * 48 + table + data


ADOBE_PRIMARIES = (
    (0.60974, 0.31111, 0.01947),
    (0.20528, 0.62567, 0.06087),
    (0.14919, 0.06322, 0.74457),
)
ADOBE_GAMMA = 2.19921875
ADOBE_RGB = _profile(
    b"RGB ",
    [
        (b"wtpt", _xyz(0.9642, 1, 0.8249)),
        *((b"rgb"[i : i + 1] + b"XYZ", _xyz(*ADOBE_PRIMARIES[i])) for i in range(3)),
        *((b"rgb"[i : i + 1] + b"TRC", _gamma(ADOBE_GAMMA)) for i in range(3)),
    ],
)
"""A matrix profile with the primaries and the gamma of Adobe RGB (1998)."""


def grey_profile(gamma):
    return _profile(b"GRAY", [(b"wtpt", _xyz(0.9642, 1, 0.8249)), (b"kTRC", _gamma(gamma))])
