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
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from ...color import Codes
from . import APP9, APP14, DHT, DQT, DRI, SOS, GreyJpeg, is_directory, segment, segments

_MARK = b"Photochrom\0"
_HEAD = struct.Struct(">BIIH")  # version, CRC-32 and size of the source, size of the dictionary
_EDIT = struct.Struct(">III")  # bytes kept, bytes inserted, bytes removed
_VERSION = 2
_ROOM = 65533
_OVERHEAD = 4 + len(_MARK) + _HEAD.size
_MAX_REMOVED = 256 << 20
_RAW, _WINDOW = -15, 32767  # DEFLATE without a header, and the reach of its references
_GROWTH = 0.115  # of the source's bytes

# For chroma at half size, of quality 50 (T.81, table K.2), row by row.
_TABLE_50 = np.full((8, 8), 99)
_TABLE_50[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
_COARSEST_MEAN = 32  # step of a block's mean: 4 codes, above which a plain sky shows its blocks
_COARSER = 2.5  # steps than the source's own, each over its table of quality 50 ...
_FINEST, _COARSEST = 16, 250  # ... in percent, which are the qualities 92 and 20
_NEXT = 1.5  # factor between two attempts to fit
_SMALL = 1 << 18  # pixels of a plane up to which both are coded at once, with the same tables
_HIGHEST = 65500 // 2  # libjpeg's limit, for two
_RESTART = b"\xff\xd0"


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
    without = _spliced(grey, _ChromaScans(bytes(64), b""), *changes)
    room = int(_GROWTH * len(grey.data)) - without.growth
    scans = _chroma_scans(planes, grey, quality, room)
    colored = _spliced(grey, scans, *changes).result()
    if not any(is_directory(grey.data, part) for part in grey.parts):
        return colored
    from .multi_picture import relinked

    return relinked(colored, grey)


def _spliced(
    grey: GreyJpeg,
    chroma: _ChromaScans,
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
    """The grey JPEG that `with_color` was given, byte for byte; NotColored of other files."""
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
    """Bytes with some of them replaced, from front to back, and the list of what was."""

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


class _ChromaScans(NamedTuple):
    """Two coded planes."""

    steps: bytes  # of quantisation, 64 bytes in zigzag order
    data: bytes  # Huffman tables and scans of the components 2 and 3


def _chroma_scans(
    planes: tuple[Codes, Codes], grey: GreyJpeg, quality: int | None, room: int
) -> _ChromaScans:
    """Code Cb and Cr, baseline or progressive as the source.

    Args:
        planes: ``(H', W')`` uint8.
        grey: the source.
        quality: 1...100, on libjpeg's scale; None: one that goes with the source's, less if the
            scans are larger than `room`. At a source's quality of 90 the error is 1.3 codes in
            the mean, which is not seen at half size.
        room: bytes.
    """
    percent = _COARSER * _percent(grey.quality)
    percent = min(max(percent, _FINEST), _COARSEST) if quality is None else _percent(quality)
    while True:
        coded = _coded(planes, percent, grey.progressive)
        if quality is not None or len(coded.data) <= room or percent >= _COARSEST:
            return coded
        percent = min(percent * _NEXT, _COARSEST)


def _percent(quality: int) -> float:
    """How coarse libjpeg's tables of a quality are, in percent of those of 50."""
    return 5000 / quality if quality < 50 else 200 - 2 * quality


def _coded(planes: tuple[Codes, Codes], percent: float, progressive: bool) -> _ChromaScans:
    steps = np.clip(np.rint(_TABLE_50 * (percent / 100)), 1, 255).astype(int)
    steps[0, 0] = min(steps[0, 0], _COARSEST_MEAN)
    padded = [_to_blocks(plane) for plane in planes]
    if padded[0].size <= _SMALL and padded[0].shape[0] <= _HIGHEST:
        # One above the other, with one restart marker where the second begins.
        blocks = padded[0].size // 64
        both = _file(np.concatenate(padded), steps, progressive, blocks)
        data = b"".join(_scans(both, (2, 3)))
        return _ChromaScans(bytes(both.quantisation or ()), data)
    with ThreadPoolExecutor(2) as pool:
        cb, cr = pool.map(lambda plane: _file(plane, steps, progressive), padded)
    data = b"".join([*_scans(cb, (2,)), *_scans(cr, (3,))])
    return _ChromaScans(bytes(cb.quantisation or ()), data)


def _to_blocks(plane: Codes) -> Codes:
    """A plane enlarged to whole blocks."""
    down, across = (-side % 8 for side in plane.shape)
    return np.pad(plane, ((0, down), (0, across)), mode="edge")


def _file(plane: Codes, steps: Codes, progressive: bool, restart: int = 0) -> GreyJpeg:
    """A plane as a grey JPEG, with restart markers every so many blocks."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(plane).save(
        file,
        "JPEG",
        qtables=[steps.ravel().tolist()],
        optimize=True,
        progressive=progressive,
        restart_marker_blocks=restart,
    )
    parsed = GreyJpeg.parse(file.getvalue())
    assert parsed is not None
    return parsed


def _scans(file: GreyJpeg, components: tuple[int, ...]) -> Iterator[bytes]:
    """Huffman tables and scans, each cut at its restart markers for one component after another."""
    for part in file.parts:
        body = file.data[part.body : part.stop]
        if part.marker == DHT:
            yield segment(DHT, body)
        elif part.marker == SOS:
            coded = file.data[part.stop : part.end].split(_RESTART)
            for number, scan in zip(components, coded, strict=True):
                yield segment(SOS, bytes([1, number, body[2]]) + body[3:]) + scan
