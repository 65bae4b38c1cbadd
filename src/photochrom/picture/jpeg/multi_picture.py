"""The directory of further pictures behind the first of a JPEG file (MPF, CIPA DC-007).

Entries have 16 bytes, with the size at 4 and the offset at 8, which counts from the directory's
own header and is 0 for the first picture.
"""

from __future__ import annotations

import io
import struct

from ..metadata.ifd import Malformed, TiffReader
from . import GreyJpeg, is_directory, segments

_COUNT, _ENTRIES = 0xB001, 0xB002


def further_pictures(directory: bytes) -> int:
    """Number of pictures behind the first, by what `jpeg.directory` gives."""
    try:
        reader = TiffReader(io.BytesIO(directory))
        return max(reader.number(reader.directory(reader.first)[0], _COUNT) - 1, 0)
    except Malformed:
        return 0


def relinked(data: bytes, grey: GreyJpeg) -> bytes:
    """The coloured file of `grey` whose directory says where the further pictures are now."""
    before = [part for part in grey.parts if is_directory(grey.data, part)]
    after = [part for part in segments(data) if is_directory(data, part)]
    grown, out = len(data) - len(grey.data), bytearray(data)
    for old, new in zip(before, after, strict=True):
        moved = grown - (new.body - old.body)
        header = new.body + 4
        try:
            reader = TiffReader(io.BytesIO(data[header : new.stop]))
            entry = reader.directory(reader.first)[0].get(_ENTRIES)
        except Malformed:
            continue
        for n in range(entry.length // 16 if entry else 0):
            place = header + entry.place + 16 * n + 4  # type: ignore[union-attr]
            size, offset = struct.unpack_from(f"{reader.order}II", data, place)
            linked = (size + grown, 0) if offset == 0 else (size, offset + moved)
            struct.pack_into(f"{reader.order}II", out, place, *linked)
    return bytes(out)
