"""What libvips leaves out of TIFF files: which pages are pictures, most tags, pages of any size."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..page import Metadata
from .exif import (
    EXIF_POINTER,
    GPS_POINTER,
    INTEROP_POINTER,
    ORIENTATION,
    RESOLUTION_UNIT,
    STRUCTURE,
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
_LARGE_TAG = 4 << 20
_PLANAR = 284
_PHOTOMETRIC, _EXTRA, _PHOTOSHOP, _LAYERS, _DNG_VERSION = 262, 338, 34377, 37724, 50706
_SENSOR = (32803, 34892)  # colour filter array, linear raw


class CameraRaw(Exception):  # noqa: N818 - says what the file is
    """A file of a camera's sensor data in the form of a TIFF."""


@dataclass(frozen=True)
class TiffPage:
    """What the tags of one page of a TIFF file say."""

    compression: str | None  # for results, as in ``Encoding``
    exif: Exif  # all its tags but those of the storage, and its EXIF and GPS directories
    orientation: int  # how the pixels are to be turned, 1...8
    large_strips: bool  # the strips are so large that libtiff refuses them unless it is asked to
    photometric: int  # what the first channels are (TIFF 6.0, tag 262)
    extra: tuple[int, ...]  # kinds of the further channels: 0 unspecified, 1 and 2 alpha (tag 338)
    bits: int  # per channel
    coding: int  # number of the compression (tag 259)
    planes: bool  # each channel is stored by itself (tag 284)
    lost: tuple[str, ...]  # what is not kept, in words

    @property
    def colors(self) -> int | None:
        """Number of channels that are colour; None if only the decoder knows."""
        return {0: 1, 1: 1, 2: 3, 5: 4, 6: 3, 8: 3, 9: 3, 10: 3}.get(self.photometric)


def find_pages(file: BinaryIO) -> list[tuple[int, int]]:
    """Number and place of each page that is a picture: no thumbnail, reduced copy or mask.

    Raises:
        Malformed: the file has no readable page.
        CameraRaw: it is one, whatever pictures it shows as thumbnails.
    """
    reader = TiffReader(file)
    pages = []
    for number, (offset, entries) in enumerate(reader.pages()):
        kind = reader.number(entries, _KIND)
        if _is_raw(reader, entries) or (number == 0 and kind & 1 and _SUB_IFDS in entries):
            raise CameraRaw
        pages.append((number, offset, kind))
    if not pages:
        raise Malformed("no directory of tags, so no picture")
    # Bit 0: a reduced copy of another page; bit 2: a transparency mask.
    full = [page for page in pages if not page[2] & 5]
    return [(number, offset) for number, offset, _ in full or pages]


def _is_raw(reader: TiffReader, entries: dict[int, Entry]) -> bool:
    """Whether a directory, or one below it, has the samples of a sensor."""
    inner = [entries]
    for offset in reader.numbers(entries, _SUB_IFDS)[:8]:
        with suppress(Malformed):
            inner.append(reader.directory(offset)[0])
    sensor = any(reader.number(each, _PHOTOMETRIC) in _SENSOR for each in inner)
    return sensor or _DNG_VERSION in entries


def read_page(file: BinaryIO, offset: int) -> TiffPage:
    """The tags of the page at ``offset``; Malformed if there is none, or they are too large."""
    reader = TiffReader(file)
    entries, _ = reader.directory(offset)
    strip = max(reader.number(entries, tag) for tag in (_STRIP_SIZES, _TILE_SIZES))
    large = {tag: reader.size_of(entry) for tag, entry in entries.items()}
    large = {tag: n for tag, n in large.items() if n > _LARGE_TAG and tag not in STRUCTURE}
    lost = [f"the private tag {tag} of {n:,} bytes" for tag, n in large.items()]
    if _LAYERS in entries:
        lost.append("the layers of Photoshop")
    exif = Exif.of_directory(reader, {k: v for k, v in entries.items() if k not in large})
    orientation = exif.orientation
    exif.main.pop(ORIENTATION, None)
    exif.note_at = 0  # offsets in a TIFF file count from its beginning: they cannot be kept
    return TiffPage(
        compression=_compression(reader, entries),
        exif=exif,
        orientation=orientation,
        large_strips=_LARGE_STRIP < strip <= reader.size,
        photometric=reader.number(entries, _PHOTOMETRIC, 1),
        extra=tuple(reader.numbers(entries, _EXTRA)),
        bits=reader.number(entries, _BITS, 1),
        coding=reader.number(entries, _COMPRESSION, 1),
        planes=reader.number(entries, _PLANAR, 1) == 2,
        lost=tuple(lost),
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


def tagged_page(
    file: BinaryIO, exif: bytes | None, metadata: Metadata, extra: tuple[int, ...] = ()
) -> Any:
    """The directory of a TIFF file libvips has written, with tags added.

    Args:
        file: it.
        exif: an EXIF block.
        metadata: IPTC records, Photoshop's resources and resolution.
        extra: kinds of the channels beyond the colours, as in `TiffPage`.

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
    if metadata.photoshop:
        tags[_PHOTOSHOP] = {"datatype": 1, "data": metadata.photoshop}
    if extra:
        tags[_EXTRA] = {"datatype": 3, "data": list(extra)}
    if metadata.dpi is None:
        for tag in _RESOLUTION:
            tags.pop(tag, None)
    if block is None:
        return directory
    tags.update(_tags(block.order, block.main))
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
            unpacked = struct.unpack(f"{order}{form * count}", data) if count < 1 << 22 else ()
            tags[tag] = {"datatype": kind, "data": list(unpacked)}
        else:
            tags[tag] = {"datatype": kind, "data": data.rstrip(b"\0") if kind == 2 else data}
    return {tag: value for tag, value in tags.items() if value["data"]}
