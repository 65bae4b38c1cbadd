"""Grey JPEGs of every kind whose luma can be copied, made by Pillow and by hand."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .picture_files import XMP, exif_block


@cache
def scene(width: int, height: int) -> NDArray[np.uint8]:
    """Smooth tones with an edge and grain, ``(H, W)``."""
    y, x = np.mgrid[0:height, 0:width]
    tones = 128 + 80 * np.sin(x / 19) * np.cos(y / 27) + 30 * (x > width / 2)
    grain = np.random.default_rng(width).normal(0, 5, (height, width))
    return np.clip(tones + grain, 0, 255).astype(np.uint8)


def grey_jpeg(width: int = 90, height: int = 61, **options: Any) -> bytes:
    """A grey JPEG by Pillow; options as of ``Image.save``."""
    file = io.BytesIO()
    Image.fromarray(scene(width, height)).save(file, "JPEG", **options)
    return file.getvalue()


def with_segments(data: bytes, *added: tuple[int, bytes]) -> bytes:
    """A JPEG with further segments behind SOI."""
    parts = (bytes([0xFF, m]) + struct.pack(">H", len(b) + 2) + b for m, b in added)
    return data[:2] + b"".join(parts) + data[2:]


def renumbered(data: bytes, component: int) -> bytes:
    """A baseline grey JPEG whose component has another identifier."""
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    out = bytearray(data)
    out[frame + 10] = out[scan + 5] = component
    return bytes(out)


def retabled(data: bytes, table: int) -> bytes:
    """A baseline grey JPEG that uses another quantisation table."""
    out = bytearray(data)
    out[data.index(b"\xff\xdb") + 4] = table
    out[data.index(b"\xff\xc0") + 12] = table
    return bytes(out)


def kinds() -> Iterator[tuple[str, bytes]]:
    """A name and the bytes of each kind."""
    coding: dict[str, dict[str, Any]] = {
        "baseline": {},
        "optimised": {"optimize": True},
        "progressive": {"progressive": True},
        "restarts": {"restart_marker_blocks": 5},
        "restarts of rows, progressive": {"restart_marker_rows": 1, "progressive": True},
        "quality 30": {"quality": 30},
        "quality 98": {"quality": 98, "optimize": True},
    }
    sizes = [(1, 1), (1, 40), (8, 8), (17, 16), (90, 61), (255, 131)]
    for name, options in coding.items():
        for width, height in sizes:
            yield f"{name} {width}x{height}", grey_jpeg(width, height, **options)
    plain = grey_jpeg(quality=85)
    for turn in range(1, 9):
        for progressive in (False, True):
            exif = b"Exif\0\0" + exif_block(turn)
            data = grey_jpeg(progressive=progressive, exif=exif, xmp=XMP, comment=b"Box 12")
            yield f"orientation {turn}, progressive {progressive}", data
    adobe = b"Adobe\0\x64\0\0\0\0\0"
    yield "bytes behind the end", plain + b"\0SEFT a phone's trailer" * 20
    yield "an Adobe marker", with_segments(plain, (0xEE, adobe))
    yield "no JFIF", plain[:2] + plain[plain.index(b"\xff\xdb") :]
    yield (
        "no JFIF, an Adobe marker",
        with_segments(plain[:2] + plain[plain.index(b"\xff\xdb") :], (0xEE, adobe)),
    )
    for component in (0, 2, 82):
        yield f"component {component}", renumbered(plain, component)
    for table in (1, 2, 3):
        yield f"table {table}", retabled(plain, table)
    yield "fill bytes", plain.replace(b"\xff\xda", b"\xff\xff\xff\xda", 1)
    yield "private segments", with_segments(plain, (0xE7, b"maker"), (0xEB, b"JP" * 40))
    yield "a large thumbnail", with_segments(plain, (0xE0, b"JFXX\0\x10" + grey_jpeg(120, 90)))
    yield "a wide strip", grey_jpeg(65500, 1)
    yield "a high strip", grey_jpeg(3, 65500)
