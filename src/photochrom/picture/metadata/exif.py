"""EXIF blocks: taking one apart, changing what Photochrom must change, putting it together again.

A block is read into plain dictionaries and written anew. The second directory (the thumbnail) and
everything that describes how pixels are stored are left behind. The maker's note, whose inner
offsets count from the beginning of the block, is written back to the very place it had.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from fractions import Fraction

from ..page import Page
from .ifd import Entry, Malformed, TiffReader, Value, pack_directory

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
EXIF_POINTER, GPS_POINTER, INTEROP_POINTER = 34665, 34853, 40965
MAKER_NOTE, USER_COMMENT, PIXEL_WIDTH, PIXEL_HEIGHT = 37500, 37510, 40962, 40963

# fmt: off
STRUCTURE = frozenset([
    254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 277, 278, 279, 284, 290, 291, 292, 293, 301,
    317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 333, 334, 336, 338, 339, 340, 341, 347,
    400, *range(512, 522), 529, 530, 531, 532, 700, 33723, 34377, 34675, 37724,
    EXIF_POINTER, GPS_POINTER, INTEROP_POINTER,
])
"""Tags of a main directory that describe the storage of the pixels, or are carried elsewhere."""

# fmt: on

MAX_BLOCK = 16 << 20
JPEG_ROOM = 65527
"""The most bytes of EXIF that a JPEG file can hold."""

_NO_DPI_FIELD = ("webp", "avif", "heic", "jp2")


@dataclass
class Exif:
    """The tags of one EXIF block."""

    order: str = "<"  # byte order of the values, ``"<"`` or ``">"``
    # main, exif, gps, interop: the directories; tag -> value
    main: dict[int, Value] = field(default_factory=dict)
    exif: dict[int, Value] = field(default_factory=dict)
    gps: dict[int, Value] = field(default_factory=dict)
    interop: dict[int, Value] = field(default_factory=dict)
    note_at: int = 0  # offset of the maker's note in the block it came from

    @classmethod
    def parse(cls, block: bytes) -> Exif | None:
        """The tags of ``block``, with or without ``Exif\\0\\0`` before it; None if it is broken."""
        block = block.removeprefix(b"Exif\0\0")
        if len(block) > MAX_BLOCK:
            return None
        try:
            reader = TiffReader(io.BytesIO(block))
            return cls.of_directory(reader, reader.directory(reader.first)[0])
        except Malformed:
            return None

    @classmethod
    def of_directory(cls, reader: TiffReader, main: dict[int, Entry]) -> Exif:
        """The tags of a main directory and those it points at; Malformed if they are too large."""
        found = cls(order=reader.order)
        found.main = _values(reader, {k: v for k, v in main.items() if k not in STRUCTURE})
        exif = _pointed(reader, main, EXIF_POINTER)
        found.exif = _values(reader, exif)
        found.gps = _values(reader, _pointed(reader, main, GPS_POINTER))
        found.interop = _values(reader, _pointed(reader, exif, INTEROP_POINTER))
        if MAKER_NOTE in found.exif:
            found.note_at = exif[MAKER_NOTE].place
        return found

    def to_bytes(self) -> bytes:
        """The block, without ``Exif\\0\\0`` before it."""
        main, exif = dict(self.main), dict(self.exif)
        body = b""
        note = exif.get(MAKER_NOTE)
        if note and len(note.data) > 4 and 8 <= self.note_at <= 32768:
            body = b"\0" * (self.note_at - 8) + note.data
            body += b"\0" * (len(body) % 2)
            place = struct.pack(self.order + "I", self.note_at)
            exif[MAKER_NOTE] = Value(note.kind, note.length, place)
        for values, pointer, home in (
            (self.interop, INTEROP_POINTER, exif),
            (exif, EXIF_POINTER, main),
            (self.gps, GPS_POINTER, main),
        ):
            if values:
                home[pointer] = self._long(8 + len(body))
                body += pack_directory(self.order, values, 8 + len(body))
        mark = b"II*\0" if self.order == "<" else b"MM\0*"
        first = struct.pack(self.order + "I", 8 + len(body))
        return mark + first + body + pack_directory(self.order, main, 8 + len(body))

    def _long(self, number: int) -> Value:
        return Value(4, 1, struct.pack(self.order + "I", number))

    def _short(self, number: int) -> Value:
        return Value(3, 1, struct.pack(self.order + "H", number))

    def _number(self, values: dict[int, Value], tag: int) -> float | None:
        value = values.get(tag)
        forms = {3: "H", 4: "I", 5: "II"}
        if value is None or value.kind not in forms or not value.length:
            return None
        numbers = struct.unpack_from(self.order + forms[value.kind], value.data)
        if value.kind == 5:
            return float(numbers[0] / numbers[1]) if numbers[1] else None
        return float(numbers[0])

    @property
    def orientation(self) -> int:
        """How the pixels must be turned for viewing, 1...8 (1: not at all)."""
        number = self._number(self.main, ORIENTATION) or 1
        return int(number) if number in range(1, 9) else 1

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Pixels per inch, horizontal and vertical; None if unknown."""
        x, y = self._number(self.main, X_RESOLUTION), self._number(self.main, Y_RESOLUTION)
        unit = {2.0: 1.0, 3.0: 2.54, None: 1.0}.get(self._number(self.main, RESOLUTION_UNIT))
        return (round(x * unit, 4), round(y * unit, 4)) if x and y and unit else None

    def set_geometry(self, width: int, height: int, orientation: int = 1) -> None:
        """State how many pixels there are, where the block does, and how they are turned."""
        if ORIENTATION in self.main or orientation != 1:
            self.main[ORIENTATION] = self._short(orientation)
        for tag, size in ((PIXEL_WIDTH, width), (PIXEL_HEIGHT, height)):
            if tag in self.exif:
                self.exif[tag] = self._long(size)

    def upright(self, width: int, height: int) -> bytes | None:
        """The block for upright pixels, as `Metadata.exif` has it; None if it says nothing."""
        self.set_geometry(width, height)
        return self.to_bytes() if self.main or self.exif or self.gps else None

    def set_dpi(self, dpi: tuple[float, float]) -> None:
        """State the resolution in pixels per inch."""
        for tag, number in ((X_RESOLUTION, dpi[0]), (Y_RESOLUTION, dpi[1])):
            ratio = Fraction(min(number, 1e6)).limit_denominator(4000)
            parts = struct.pack(self.order + "II", ratio.numerator, ratio.denominator)
            self.main[tag] = Value(5, 1, parts)
        self.main[RESOLUTION_UNIT] = self._short(2)

    def add_comment(self, note: str) -> None:
        """Put ``note`` into the user comment, behind what stands there already."""
        old = self._comment()
        if old is None or old.endswith(note):
            return
        self._set_comment(f"{old}\n{note}" if old.strip() else note)

    def remove_comment(self, note: str) -> None:
        """Take ``note`` out of the user comment again."""
        old = self._comment()
        if old is None or not old.endswith(note):
            return
        if earlier := old.removesuffix(note).removesuffix("\n"):
            self._set_comment(earlier)
        else:
            self.exif.pop(USER_COMMENT, None)

    def _set_comment(self, text: str) -> None:
        if text.isascii():
            data = b"ASCII\0\0\0" + text.encode()
        else:
            utf16 = "utf-16-le" if self.order == "<" else "utf-16-be"
            data = b"UNICODE\0" + text.encode(utf16, "replace")
        self.exif[USER_COMMENT] = Value(7, len(data), data)

    def _comment(self) -> str | None:
        """The user comment, empty if there is none; None if it is in a code not understood."""
        value = self.exif.get(USER_COMMENT)
        if value is None or value.kind != 7:
            return ""
        code, raw = value.data[:8], value.data[8:]
        try:
            if code == b"UNICODE\0":
                return raw.decode("utf-16-le" if self.order == "<" else "utf-16-be").rstrip("\0 ")
            if code in (b"ASCII\0\0\0", b"\0" * 8, b""):
                return raw.rstrip(b"\0 ").decode("utf-8")
        except UnicodeDecodeError:
            pass
        return None


def without_thumbnail(block: bytes) -> bytes:
    """An intact block whose second directory, the thumbnail's, is no longer pointed at."""
    reader = TiffReader(io.BytesIO(block))
    entries = int.from_bytes(block[reader.first :][:2], "little" if reader.order == "<" else "big")
    link = reader.first + 2 + 12 * entries
    return block[:link] + bytes(4) + block[link + 4 :] if len(block) >= link + 4 else block


def _pointed(reader: TiffReader, entries: dict[int, Entry], tag: int) -> dict[int, Entry]:
    offset = reader.number(entries, tag)
    try:
        return reader.directory(offset)[0] if offset else {}
    except Malformed:
        return {}


def _values(reader: TiffReader, entries: dict[int, Entry]) -> dict[int, Value]:
    # Kinds from 13 on are offsets of directories, or exist in big TIFF files only.
    pointers = (EXIF_POINTER, GPS_POINTER, INTEROP_POINTER)
    return {
        tag: reader.value(entry)
        for tag, entry in entries.items()
        if entry.kind < 13 and tag not in pointers
    }


def attached_exif(
    picture: Page, format: str, stored: tuple[int, int, int] | None = None
) -> bytes | None:
    """The EXIF block for a file of ``format``; None if there is nothing to say.

    Args:
        picture: to be written.
        format: key of FORMATS.
        stored: width, height and orientation of the pixels in the file; None: upright.
    """
    data = picture.metadata
    block = (Exif.parse(data.exif) if data.exif else None) or Exif()
    block.set_geometry(*(stored or (picture.width, picture.height)))
    if picture.note:
        block.add_comment(picture.note)
    if data.dpi and (format in _NO_DPI_FIELD or X_RESOLUTION in block.main):
        stated = block.dpi or (0, 0)  # in its own unit, perhaps
        if max(abs(a / b - 1) for a, b in zip(stated, data.dpi, strict=True)) > 1e-4:
            block.set_dpi(data.dpi)
    if not (block.main or block.exif or block.gps):
        return None
    packed = block.to_bytes()
    if format == "jpeg" and len(packed) > JPEG_ROOM:
        block.exif.pop(MAKER_NOTE, None)
        packed = block.to_bytes()
    return packed
