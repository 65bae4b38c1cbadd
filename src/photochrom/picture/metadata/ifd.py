"""The directories (IFDs) of a TIFF structure, which TIFF files and EXIF blocks share.

The reader is written for files from strangers: every offset is checked, cycles end, and the bytes
it will read in total are limited, so that a crafted file costs neither memory nor time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BIG_SIZES = {16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
MAX_BYTES = 16 << 20
MAX_PAGES = 65535


class Malformed(Exception):  # noqa: N818 - says what the file is
    """The bytes are not a TIFF structure."""


class Value(NamedTuple):
    """One tag's value: TIFF type, number of elements, their bytes in the structure's byte order."""

    kind: int
    length: int
    data: bytes


class Entry(NamedTuple):
    """One tag of a directory: TIFF type, number of elements, offset of their bytes."""

    kind: int
    length: int
    place: int


class TiffReader:
    """A TIFF structure in a seekable file.

    Attributes:
        order: ``"<"`` or ``">"``, as in ``struct``.
        first: offset of the first directory.
        size: bytes in the file.

    Raises:
        Malformed: the header is none.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        self._budget = MAX_BYTES
        head = self._read(0, 16)
        if head[:2] not in (b"II", b"MM") or len(head) < 8:
            raise Malformed
        self.order = "<" if head[:2] == b"II" else ">"
        version = struct.unpack(self.order + "H", head[2:4])[0]
        if version not in (42, 43) or (version == 43 and len(head) < 16):
            raise Malformed
        self._big = version == 43
        self.first: int = (
            struct.unpack(self.order + "Q", head[8:16])[0]
            if self._big
            else struct.unpack(self.order + "I", head[4:8])[0]
        )

    def _read(self, offset: int, size: int) -> bytes:
        if offset < 0 or offset + size > self.size:
            size = max(0, self.size - offset) if offset >= 0 else 0
        if size <= 0:
            return b""
        self._budget -= size
        if self._budget < 0:
            raise Malformed
        self._file.seek(offset)
        return self._file.read(size)

    def directory(self, offset: int) -> tuple[dict[int, Entry], int]:
        """The tags of a directory, and the next one's offset (0: none); Malformed if none."""
        head, step, link = (8, 20, 8) if self._big else (2, 12, 4)
        raw = self._read(offset, head)
        if len(raw) < head or offset < 8:
            raise Malformed
        count = int.from_bytes(raw, "little" if self.order == "<" else "big")
        if not 0 < count <= 4096:
            raise Malformed
        body = self._read(offset + head, count * step + link)
        if len(body) < count * step:
            raise Malformed
        entries: dict[int, Entry] = {}
        for i in range(count):
            at = i * step
            tag, kind = struct.unpack_from(self.order + "HH", body, at)
            (n,) = struct.unpack_from(self.order + ("Q" if self._big else "I"), body, at + 4)
            size = {**_SIZES, **_BIG_SIZES}.get(kind, 0) * n
            place = offset + head + at + (12 if self._big else 8)
            if size > link:
                form = self.order + ("Q" if self._big else "I")
                (place,) = struct.unpack_from(form, body, at + step - link)
            if size and place + size <= self.size:
                entries.setdefault(tag, Entry(kind, n, place))
        end = body[count * step :]
        following = int.from_bytes(end, "little" if self.order == "<" else "big")
        return entries, following if len(end) == link else 0

    def value(self, entry: Entry) -> Value:
        """The value of one tag; Malformed if the reader's limit of bytes is used up."""
        size = self.size_of(entry)
        if size > MAX_BYTES:
            raise Malformed
        return Value(entry.kind, entry.length, self._read(entry.place, size))

    def number(self, entries: dict[int, Entry], tag: int, default: int = 0) -> int:
        """The first element of an integer tag, or ``default``."""
        entry = entries.get(tag)
        if entry is None or entry.kind not in _INTEGERS:
            return default
        form = self.order + _INTEGERS[entry.kind]
        data = self._read(entry.place, struct.calcsize(form))
        return struct.unpack(form, data)[0] if len(data) == struct.calcsize(form) else default

    def numbers(self, entries: dict[int, Entry], tag: int) -> list[int]:
        """All elements of an integer tag; none without one; raises as `value`."""
        entry = entries.get(tag)
        if entry is None or entry.kind not in _INTEGERS:
            return []
        data, form = self.value(entry).data, self.order + _INTEGERS[entry.kind]
        whole = len(data) - len(data) % struct.calcsize(form)
        return [each for (each,) in struct.iter_unpack(form, data[:whole])]

    @staticmethod
    def size_of(entry: Entry) -> int:
        """Bytes of a tag's value."""
        return {**_SIZES, **_BIG_SIZES}[entry.kind] * entry.length

    def total(self, entries: dict[int, Entry], tag: int) -> int:
        """The sum of all elements of an integer tag; 0 without one; raises as `value`."""
        return sum(self.numbers(entries, tag))

    def pages(self) -> Iterator[tuple[int, dict[int, Entry]]]:
        """Offset and tags of each directory up to a cycle or a broken link; Malformed if none."""
        seen: set[int] = set()
        offset = self.first
        while offset and offset not in seen and len(seen) < MAX_PAGES:
            seen.add(offset)
            try:
                entries, following = self.directory(offset)
            except Malformed:
                if len(seen) == 1:
                    raise
                return
            yield offset, entries
            offset = following


def pack_directory(order: str, values: dict[int, Value], at: int) -> bytes:
    """A classic directory without a successor, with its data behind it, to be placed at ``at``."""
    head = 2 + 12 * len(values) + 4
    table, heap = struct.pack(order + "H", len(values)), b""
    for tag, value in sorted(values.items()):
        data = value.data
        if len(data) > 4:
            cell = struct.pack(order + "I", at + head + len(heap))
            heap += data + b"\0" * (len(data) % 2)
        else:
            cell = data.ljust(4, b"\0")
        table += struct.pack(order + "HHI", tag, value.kind, value.length) + cell
    return table + b"\0\0\0\0" + heap
