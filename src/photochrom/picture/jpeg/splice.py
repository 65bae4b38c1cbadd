"""Colour added to a grey JPEG file whose scans stay as they are, and taken out of it again.

A scan of one component codes its blocks row by row, whatever the sampling factors (ITU-T T.81,
A.2.2). So the scan of a grey JPEG is, byte for byte, a scan of the Y component of a colour one; Cb
and Cr, at half size, follow in scans of their own. The pixels keep their Y' exactly.

What was changed in the source's bytes is written into segments APP9 that begin with ``Photochrom``:
a list of edits and the bytes they removed, compressed with the file's own head as a dictionary,
since most of an EXIF that was removed is in the new one. `without_color` undoes them.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping

from ...color import Codes
from ..metadata.ifd import Malformed, TiffReader
from .chroma_scans import ChromaScans, chroma_scans
from .segments import APP9, APP14, DQT, DRI, SOS, GreyJpeg, is_directory, segment, segments

_MARK = b"Photochrom\0"
_HEAD = struct.Struct(">BIIH")  # version, CRC-32 and size of the source, size of the dictionary
_EDIT = struct.Struct(">III")  # bytes kept, bytes inserted, bytes removed
_VERSION = 2
_MP_ENTRIES = 0xB002
_ROOM = 65533
_OVERHEAD = 4 + len(_MARK) + _HEAD.size
_MAX_REMOVED = 256 << 20
_RAW, _WINDOW = -15, 32767  # DEFLATE without a header, and the reach of its references
_GROWTH = 0.115  # of the source's bytes


class NotColored(Exception):  # noqa: N818 - says what the file is
    """The file is no JPEG that colour was added to, or it was changed afterwards."""


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
        quality: of Cb and Cr, 1...100; None: one that goes with the source's, and with its size:
            the file is to be at most 12 % larger.
        replaced: by number of a segment, the bytes that are to stand in its place.
        inserted: by number of a segment, not behind the frame, the bytes to stand before it.

    Returns:
        The file. Its Y scans are the source's bytes; bytes behind the source's end stay, too.
    """
    changes = replaced or {}, inserted or {}
    without = _spliced(grey, ChromaScans(bytes(64), b""), *changes)
    room = int(_GROWTH * len(grey.data)) - without.growth
    scans = chroma_scans(planes, grey, quality, room)
    return _relinked(_spliced(grey, scans, *changes).result(), grey)


def _spliced(
    grey: GreyJpeg,
    chroma: ChromaScans,
    replaced: Mapping[int, bytes],
    inserted: Mapping[int, bytes],
) -> _Edits:
    """What makes a colour JPEG of a grey one; args as of `with_color`."""
    slot = grey.free_table
    edits = _Edits(grey.data)
    for number, part in enumerate(grey.parts):
        if number in inserted:
            edits.replace(part.start, part.start, inserted[number])
        if number in replaced:
            edits.replace(part.start, part.end, replaced[number])
        elif part.marker == APP14 and grey.data[part.body :][:5] == b"Adobe":
            edits.replace(part.body + 11, part.body + 12, b"\1")  # 0 would mean RGB
        elif is_directory(grey.data, part):
            edits.freeze(part.start)
            edits.replace(part.start, part.end, grey.data[part.start : part.end])
        elif number == grey.frame:
            frame = grey.data[part.body : part.body + 5]
            frame += bytes([3, 1, 0x22, grey.table, 2, 0x11, slot, 3, 0x11, slot])
            edits.mark(part.start)
            new = segment(DQT, bytes([slot]) + chroma.steps) + segment(part.marker, frame)
            edits.replace(part.start, part.end, new)
        elif part.marker == SOS and grey.component != 1:
            edits.replace(part.body + 1, part.body + 2, b"\1")
    scans = chroma.data
    if any(part.marker == DRI for part in grey.parts):
        scans = segment(DRI, b"\0\0") + scans
    if grey.complete:
        edits.replace(grey.end, grey.end, scans)
    else:  # what follows the last whole segment is not to be read as the beginning of another
        edits.replace(grey.end, len(grey.data), scans + b"\xff\xd9")
    return edits


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
    version, check, size, known = _HEAD.unpack_from(recipe)
    if version != _VERSION:
        raise NotColored("another version of Photochrom wrote it")
    try:
        unpacker = zlib.decompressobj(_RAW, body[:known])
        packed = unpacker.decompress(recipe[_HEAD.size :], _MAX_REMOVED)
        (count,) = struct.unpack_from(">H", packed)
        removed, place, pieces = 2 + _EDIT.size * count, 0, []
        for n in range(count):
            kept, new, old = _EDIT.unpack_from(packed, 2 + _EDIT.size * n)
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
        self._data, self._view, self._at = data, memoryview(data), 0
        self._pieces: list[bytes | memoryview] = []
        self._edits: list[bytes] = []
        self._removed: list[bytes] = []
        self._place = 0
        self._known = _WINDOW

    def replace(self, start: int, end: int, new: bytes) -> None:
        """Put `new` into the place of some bytes (or of none)."""
        self._pieces += [self._view[self._at : start], new]
        self._edits.append(_EDIT.pack(start - self._at, len(new), end - start))
        self._removed.append(self._data[start:end])
        self._at = end

    def mark(self, place: int) -> None:
        """Have the list of edits at `place`."""
        self._place = self._size(place)

    def freeze(self, place: int) -> None:
        """Say that bytes from `place` on are still to change in the result."""
        self._known = min(self._known, self._size(place))

    @property
    def growth(self) -> int:
        """About the bytes that the result has more than the source."""
        body = self._body()
        return len(body) + len(self._list(body)) + _OVERHEAD - len(self._data)

    def result(self) -> bytes:
        """The new bytes, with the list of edits at its place."""
        body = self._body()
        recipe = _HEAD.pack(_VERSION, zlib.crc32(self._data), len(self._data), self._known)
        recipe += self._list(body)
        step = _ROOM - len(_MARK)
        parts = [recipe[i : i + step] for i in range(0, len(recipe), step)]
        listed = [segment(APP9, _MARK + part) for part in parts]
        return b"".join([body[: self._place], *listed, body[self._place :]])

    def _size(self, place: int) -> int:
        """Bytes of the result before a place of the source behind the last edit."""
        return sum(map(len, self._pieces)) + place - self._at

    def _body(self) -> bytes:
        return b"".join([*self._pieces, self._view[self._at :]])

    def _list(self, body: bytes) -> bytes:
        """The edits and the bytes they removed, of which many are still in the body's head."""
        count = struct.pack(">H", len(self._edits))
        packer = zlib.compressobj(9, wbits=_RAW, zdict=body[: self._known])
        return packer.compress(b"".join([count, *self._edits, *self._removed])) + packer.flush()


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
