"""What libvips leaves out of TIFF files: which pages are pictures, most tags, pages of any size."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..page import Metadata
from .exif import (
    DESCRIPTION,
    EXIF_POINTER,
    GPS_POINTER,
    INTEROP_POINTER,
    ORIENTATION,
    RESOLUTION_UNIT,
    X_RESOLUTION,
    Y_RESOLUTION,
    Exif,
)
from .ifd import Entry, Malformed, TiffReader, Value

_KIND, _COMPRESSION, _SUB_IFDS, _IPTC = 254, 259, 330, 33723
_STRIP_SIZES, _TILE_SIZES = 279, 325
_WIDTH, _HEIGHT, _BITS, _SAMPLES = 256, 257, 258, 277
_LOSSLESS = {1: "none", 5: "lzw", 8: "deflate", 32946: "deflate", 32773: "packbits"}
_RESOLUTION = (X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT)
_FORMS = {1: "B", 3: "H", 4: "I", 5: "II", 6: "b", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d"}
_LARGE_STRIP = 10_000_000


@dataclass(frozen=True)
class Page:
    """One page of a TIFF file.

    Attributes:
        compression: for results, as in ``Encoding``.
        exif: its descriptive tags and its EXIF and GPS directories.
        orientation: how the pixels are to be turned, 1...8.
        large_strips: the strips are so large that libtiff refuses them unless it is asked to.
    """

    compression: str | None
    exif: Exif
    orientation: int
    large_strips: bool


def find_pages(file: BinaryIO) -> list[tuple[int, int]]:
    """Number and place of each page that is a picture: no thumbnail, reduced copy or mask.

    Raises:
        Malformed: the file has no readable first page, or it is a camera raw file (whose pictures
            are thumbnails).
    """
    reader = TiffReader(file)
    pages = []
    for number, (offset, entries) in enumerate(reader.pages()):
        kind = reader.number(entries, _KIND)
        if number == 0 and kind & 1 and _SUB_IFDS in entries:
            raise Malformed("a camera raw file, of which only a thumbnail could be read")
        pages.append((number, offset, kind))
    # Bit 0: a reduced copy of another page; bit 2: a transparency mask.
    full = [page for page in pages if not page[2] & 5]
    return [(number, offset) for number, offset, _ in full or pages]


def read_page(file: BinaryIO, offset: int) -> Page:
    """The tags of the page at ``offset``.

    Raises:
        Malformed: there is no such page, or its tags are absurdly large.
    """
    reader = TiffReader(file)
    entries, _ = reader.directory(offset)
    wanted = DESCRIPTION | {ORIENTATION, EXIF_POINTER, GPS_POINTER}
    strip = max(reader.number(entries, tag) for tag in (_STRIP_SIZES, _TILE_SIZES))
    exif = Exif.of_directory(reader, {k: v for k, v in entries.items() if k in wanted})
    orientation = exif.orientation
    exif.main.pop(ORIENTATION, None)
    exif.note_at = 0  # offsets in a TIFF file count from its beginning: they cannot be kept
    return Page(
        _compression(reader, entries),
        exif,
        orientation,
        _LARGE_STRIP < strip <= reader.size,
    )


def _compression(reader: TiffReader, entries: dict[int, Entry]) -> str | None:
    """What a result is compressed with: as the page was, unless that has made it larger.

    LZW does so to most scans of 16 bits, whose last bits are noise, and takes ten times as long as
    writing the samples as they are.
    """
    name = _LOSSLESS.get(reader.number(entries, _COMPRESSION, 1))
    stored = sum(reader.total(entries, tag) for tag in (_STRIP_SIZES, _TILE_SIZES))
    pixels = reader.number(entries, _WIDTH) * reader.number(entries, _HEIGHT)
    bits = pixels * reader.number(entries, _SAMPLES, 1) * reader.number(entries, _BITS, 1)
    return "none" if name and 8 * stored >= bits > 0 else name


def tagged_page(file: BinaryIO, exif: bytes | None, metadata: Metadata) -> Any:
    """The directory of a TIFF file libvips has written, with an EXIF block and IPTC records added.

    Returns:
        A directory for ``tifftools.write_tiff``; its data are still in ``file``.
    """
    import tifftools

    file.seek(0)
    directory = tifftools.read_tiff(file)["ifds"][0]
    tags = directory["tags"]
    block = Exif.parse(exif) if exif else None
    if metadata.iptc:
        tags[_IPTC] = {"datatype": 7, "data": metadata.iptc}
    if metadata.dpi is None:
        for tag in _RESOLUTION:
            tags.pop(tag, None)
    if block is None:
        return directory
    for tag, value in _tags(block.order, block.main).items():
        if tag not in _RESOLUTION:
            tags[tag] = value
    inner = _tags(block.order, block.exif)
    for home, pointer, values in (
        (inner, INTEROP_POINTER, _tags(block.order, block.interop)),
        (tags, EXIF_POINTER, inner),
        (tags, GPS_POINTER, _tags(block.order, block.gps)),
    ):
        if values:
            home[pointer] = {"datatype": 4, "ifds": [[{"tags": values}]]}
    return directory


def _tags(order: str, values: dict[int, Value]) -> dict[int, Any]:
    """Values in the form tifftools writes."""
    tags: dict[int, Any] = {}
    for tag, (kind, count, data) in values.items():
        form = _FORMS.get(kind)
        if form:
            unpacked = struct.unpack(f"{order}{form * count}", data) if count < 1 << 16 else ()
            tags[tag] = {"datatype": kind, "data": list(unpacked)}
        else:
            tags[tag] = {"datatype": kind, "data": data.rstrip(b"\0") if kind == 2 else data}
    return {tag: value for tag, value in tags.items() if value["data"]}
