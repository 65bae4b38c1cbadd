"""Colour added to a grey JPEG file whose scans stay as they are, and taken out of it again.

A scan of one component codes its blocks row by row, whatever the sampling factors (ITU-T T.81,
A.2.2). So the scan of a grey JPEG is, byte for byte, a scan of the Y component of a colour one; Cb
and Cr, at half size, follow in scans of their own. The pixels keep their Y' exactly.

What was changed in the source's bytes is written into segments APP9 that begin with ``Photochrom``:
a list of edits and the bytes they removed. `without_color` undoes them.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from ...color import Codes
from ..codec.vips import image_of
from ..metadata.ifd import Malformed, TiffReader
from .segments import APP9, APP14, DHT, DQT, DRI, SOS, GreyJpeg, is_directory, segments

_MARK = b"Photochrom\0"
_HEAD = struct.Struct(">BII")  # version, CRC-32 and size of the source
_EDIT = struct.Struct(">III")  # bytes kept, bytes inserted, bytes removed
_VERSION = 1
_MP_ENTRIES = 0xB002
_ROOM = 65533
_MAX_REMOVED = 256 << 20
_SHARE, _COARSEST = 0.08, 25  # of the source's bytes for Cb and Cr, unless at this quality
_SMALL = 1 << 18  # pixels of a plane below which a second thread does not pay


class NotColored(Exception):  # noqa: N818 - says what the file is
    """The file is no JPEG that colour was added to, or it was changed afterwards."""


def segment(marker: int, body: bytes) -> bytes:
    """A marker segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def with_color(
    grey: GreyJpeg,
    planes: tuple[Codes, Codes],
    *,
    quality: int | None = None,
    replaced: Mapping[int, bytes] | None = None,
    inserted: Mapping[int, bytes] | None = None,
) -> bytes:
    """A colour JPEG made of a grey one.

    Args:
        grey: the source.
        planes: Cb and Cr, ``(H', W')`` uint8, half of the stored size, rounded up.
        quality: of Cb and Cr, 1...100; None: one that goes with the source's.
        replaced: by number of a segment, the bytes that are to stand in its place.
        inserted: by number of a segment, not behind the frame, the bytes to stand before it.

    Returns:
        The file. Its Y scans are the source's bytes; bytes behind the source's end stay, too.
    """
    chroma = [GreyJpeg.parse(file) for file in _files(grey, planes, quality)]
    assert chroma[0] is not None
    assert chroma[1] is not None
    slot = grey.free_table
    edits = _Edits(grey.data)
    for number, part in enumerate(grey.parts):
        if inserted and number in inserted:
            edits.replace(part.start, part.start, inserted[number])
        if replaced and number in replaced:
            edits.replace(part.start, part.end, replaced[number])
        elif part.marker == APP14 and grey.data[part.body :][:5] == b"Adobe":
            edits.replace(part.body + 11, part.body + 12, b"\1")  # 0 would mean RGB
        elif is_directory(grey.data, part):
            edits.replace(part.start, part.end, grey.data[part.start : part.end])
        elif number == grey.frame:
            table = bytes([slot]) + bytes(chroma[0].quantisation or ())
            frame = grey.data[part.body : part.body + 5]
            frame += bytes([3, 1, 0x22, grey.table, 2, 0x11, slot, 3, 0x11, slot])
            edits.mark(part.start)
            new = segment(DQT, table) + segment(part.marker, frame)
            edits.replace(part.start, part.end, new)
        elif part.marker == SOS and grey.component != 1:
            edits.replace(part.body + 1, part.body + 2, b"\1")
    restarts = segment(DRI, b"\0\0") if any(p.marker == DRI for p in grey.parts) else b""
    scans = b"".join(_scans(plane, number) for plane, number in zip(chroma, (2, 3), strict=True))
    if grey.complete:
        edits.replace(grey.end, grey.end, restarts + scans)
    else:  # what follows the last whole segment is not to be read as the beginning of another
        edits.replace(grey.end, len(grey.data), restarts + scans + b"\xff\xd9")
    return _relinked(edits.result(), grey)


def without_color(data: bytes) -> bytes:
    """The grey JPEG that a colour one was made of by `with_color`, byte for byte.

    Raises:
        NotColored: there is no list of edits, or undoing them does not give the source.
    """
    recipe, rest, at = b"", [], 0
    for part in segments(data):
        if part.marker == APP9 and data[part.body : part.stop].startswith(_MARK):
            recipe += data[part.body + len(_MARK) : part.stop]
            rest.append(data[at : part.start])
            at = part.end
        if part.marker == SOS:
            break
    if len(recipe) < _HEAD.size + 4:
        raise NotColored("no list of edits")
    body = b"".join([*rest, data[at:]])
    version, check, size = _HEAD.unpack_from(recipe)
    if version != _VERSION:
        raise NotColored("a newer version of Photochrom wrote it")
    try:
        unpacker = zlib.decompressobj()
        packed = unpacker.decompress(recipe[_HEAD.size :], _MAX_REMOVED)
        (count,) = struct.unpack_from(">I", packed)
        removed, place, pieces = 4 + _EDIT.size * count, 0, []
        for n in range(count):
            kept, new, old = _EDIT.unpack_from(packed, 4 + _EDIT.size * n)
            pieces += [body[place : place + kept], packed[removed : removed + old]]
            place, removed = place + kept + new, removed + old
    except (zlib.error, struct.error):
        raise NotColored("a damaged list of edits") from None
    grey = b"".join([*pieces, body[place:]])
    if len(grey) != size or zlib.crc32(grey) != check:
        raise NotColored("another program has changed the file since")
    return grey


class _Edits:
    """Bytes with some of them replaced, and the list of what was.

    Args:
        data: the source; edits are made from its front to its back.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0
        self._pieces: list[bytes] = []
        self._edits: list[tuple[int, int, int]] = []
        self._removed: list[bytes] = []
        self._marked = 0

    def replace(self, start: int, end: int, new: bytes) -> None:
        """Put `new` into the place of some bytes (or of none)."""
        self._pieces += [self._data[self._at : start], new]
        self._edits.append((start - self._at, len(new), end - start))
        self._removed.append(self._data[start:end])
        self._at = end

    def mark(self, place: int) -> None:
        """Keep everything before `place`, and have the list of edits there."""
        self.replace(place, place, b"")
        self._marked = len(self._pieces)

    def result(self) -> bytes:
        """The new bytes, with the list of edits at its place."""
        table = b"".join(_EDIT.pack(*edit) for edit in self._edits)
        packed = struct.pack(">I", len(self._edits)) + table + b"".join(self._removed)
        recipe = _HEAD.pack(_VERSION, zlib.crc32(self._data), len(self._data))
        recipe += zlib.compress(packed, 9)
        step = _ROOM - len(_MARK)
        parts = [recipe[i : i + step] for i in range(0, len(recipe), step)]
        listed = b"".join(segment(APP9, _MARK + part) for part in parts)
        self._pieces.insert(self._marked, listed)
        return b"".join([*self._pieces, self._data[self._at :]])


def _chroma_quality(grey: GreyJpeg) -> int:
    """The quality of Cb and Cr, which are encoded with libjpeg's table for luma.

    Steps are four times as wide as the source's. Their error, 1.3 codes in the mean at a source's
    quality of 90, is not seen at half size; the file grows by 4 to 10 %.
    """
    scale = 4 * (200 - 2 * grey.quality if grey.quality >= 50 else 5000 / grey.quality)
    quality = round((200 - scale) / 2 if scale < 100 else 5000 / scale)
    return min(max(quality, min(40, grey.quality // 2), 1), 90)


def _files(grey: GreyJpeg, planes: tuple[Codes, Codes], quality: int | None) -> list[bytes]:
    """Cb and Cr as grey JPEGs, by default of a quality and a size that go with the source's."""
    if quality is not None:
        return _encoded(planes, quality, grey.progressive)
    quality = _chroma_quality(grey)
    while True:
        files = _encoded(planes, quality, grey.progressive)
        if sum(map(len, files)) <= _SHARE * len(grey.data) or quality <= _COARSEST:
            return files
        quality = max(round(quality * 0.7), _COARSEST)


def _encoded(planes: tuple[Codes, Codes], quality: int, progressive: bool) -> list[bytes]:
    """Each plane as a grey JPEG."""
    options = {"Q": quality, "interlace": progressive, "optimize_coding": True, "keep": "none"}
    with ThreadPoolExecutor(2 if planes[0].size > _SMALL else 1) as pool:
        return list(pool.map(lambda p: bytes(image_of(p).jpegsave_buffer(**options)), planes))


def _scans(chroma: GreyJpeg | None, number: int) -> bytes:
    """Huffman tables and scans of a plane, as those of component `number`."""
    assert chroma is not None
    out = []
    for part in chroma.parts:
        body = chroma.data[part.body : part.stop]
        if part.marker == DHT:
            out.append(segment(DHT, body))
        elif part.marker == SOS:
            out.append(segment(SOS, bytes([1, number, body[2]]) + body[3:]))
            out.append(chroma.data[part.stop : part.end])
    return b"".join(out)


def _relinked(data: bytes, grey: GreyJpeg) -> bytes:
    """The file with its directory of further pictures (MPF) set to where they are now.

    CIPA DC-007: entries of 16 bytes, with the size at 4 and the offset at 8, which counts from the
    directory's own header and is 0 for the first picture.
    """
    before = [part for part in grey.parts if is_directory(grey.data, part)]
    after = [part for part in segments(data) if is_directory(data, part)]
    grown, out = len(data) - len(grey.data), bytearray(data)
    for old, new in zip(before, after, strict=True):
        moved = grown - (new.body - old.body)
        header = new.body + 4
        try:
            reader = TiffReader(io.BytesIO(data[header : new.stop]))
            entry = reader.directory(reader.first)[0].get(_MP_ENTRIES)
        except Malformed:
            continue
        for n in range(entry.length // 16 if entry else 0):
            place = header + entry.place + 16 * n + 4  # type: ignore[union-attr]
            size, offset = struct.unpack_from(f"{reader.order}II", data, place)
            linked = (size + grown, 0) if offset == 0 else (size, offset + moved)
            struct.pack_into(f"{reader.order}II", out, place, *linked)
    return bytes(out) if after else data
