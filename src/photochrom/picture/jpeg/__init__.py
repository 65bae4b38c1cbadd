"""The structure of JPEG files: segments, scans, and grey files whose luma can be copied.

ITU-T T.81 (JPEG), annex B: markers and segments; T.871 (JFIF): components 1, 2, 3 are Y, Cb, Cr.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ...color import Codes
from ..codec import array_of, load

SOI, EOI, SOS, DQT, DHT, DRI = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD
APP0, APP1, APP2, APP9, APP13, APP14, COMMENT = 0xE0, 0xE1, 0xE2, 0xE9, 0xED, 0xEE, 0xFE
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
_FRAMES = frozenset(range(0xC0, 0xD0)) - {DHT, 0xC8, 0xCC}
_ALONE = frozenset([0x01, *range(0xD0, 0xD8)])
_MAX_SEGMENTS = 10_000
_MAX_COMMENTS = 1 << 16  # bytes
_MAX_SCANS = 80  # decoders refuse files of more than a hundred, which only cost time

# Of quality 50 (T.81, table K.1), in the zigzag order of the files.
# fmt: off
_TABLE_50 = np.array([
    16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37,
    29, 40, 58, 51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
    95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
])
# fmt: on


class Segment(NamedTuple):
    """One marker with what belongs to it, as offsets into the file."""

    marker: int  # second byte of the marker
    start: int  # of the marker, with any fill bytes before it
    body: int  # of the parameters, behind their length
    stop: int  # of the parameters
    end: int  # of the entropy-coded bytes behind a SOS; else `stop`


def segments(data: bytes, *, scans: bool = True) -> Iterator[Segment]:
    """The segments of the first image of a JPEG file, from SOI's successor to EOI.

    Ends early where the bytes end, or where there is no marker.

    Args:
        data: the file.
        scans: else only what is before the first scan.
    """
    positions: Any = None
    at = 2
    for _ in range(_MAX_SEGMENTS):
        start = at
        while data[at + 1 : at + 2] == b"\xff" and data[at] == 0xFF:
            at += 1
        if len(data) < at + 2 or data[at] != 0xFF or data[at + 1] in (0, SOI):
            return
        marker, at = data[at + 1], at + 2
        if marker == EOI or marker in _ALONE:
            yield Segment(marker, start, at, at, at)
            if marker == EOI:
                return
            continue
        size = int.from_bytes(data[at : at + 2], "big")
        stop = at + size
        if size < 2 or stop > len(data) or (marker == SOS and not scans):
            return
        end = stop
        if marker == SOS:
            positions = _markers(data, stop) if positions is None else positions
            place = int(np.searchsorted(positions, stop))
            end = int(positions[place]) if place < len(positions) else len(data)
        yield Segment(marker, start, at + 2, stop, end)
        at = end


def segment(marker: int, body: bytes) -> bytes:
    """A marker segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def comments(data: bytes) -> tuple[bytes, ...]:
    """The comments before the pixels of a JPEG file; none if they are too long."""
    head = segments(data, scans=False)
    found = tuple(data[part.body : part.stop] for part in head if part.marker == COMMENT)
    return found if sum(map(len, found)) <= _MAX_COMMENTS else ()


def lacks_end(data: bytes) -> bool:
    """Whether a JPEG file has coded pixels, and no end."""
    parts = list(segments(data))
    scans = any(part.marker == SOS and part.end > part.stop + 16 for part in parts)
    return scans and parts[-1].marker != EOI


def _markers(data: bytes, start: int) -> Any:
    """Where entropy-coded bytes from `start` on are interrupted by a marker that is no RSTn."""
    codes = np.frombuffer(data, np.uint8)
    found = np.flatnonzero(codes[start:-1] == 0xFF) + start
    following = codes[found + 1]
    fill = following == 0xFF
    return found[(following != 0) & ~fill & ((following < 0xD0) | (following > 0xD7))]


def is_directory(data: bytes, part: Segment) -> bool:
    """Whether a segment lists further pictures behind the first (MPF)."""
    return part.marker == APP2 and data[part.body : part.body + 4] == b"MPF\0"


def directory(data: bytes) -> bytes | None:
    """The list of further pictures, see `multi_picture`; None if there is none."""
    head = segments(data, scans=False)
    return next((data[p.body + 4 : p.stop] for p in head if is_directory(data, p)), None)


@dataclass(frozen=True, eq=False)
class GreyJpeg:
    """A JPEG file of one component, whose scans can become the Y scans of a colour JPEG."""

    data: bytes  # the file
    parts: tuple[Segment, ...]  # its segments
    frame: int  # the place of SOFn in `parts`
    # width, height: pixels as stored, before EXIF's orientation
    width: int
    height: int
    component: int  # identifier of the component
    table: int  # number of its quantisation table

    @classmethod
    def parse(cls, data: bytes) -> GreyJpeg | None:
        """The structure of a file; None if it is of another kind.

        Its kind is: one component of 8 bits; baseline, extended sequential or progressive,
        Huffman-coded; at least one scan. The end may be missing.
        """
        walk, found = segments(data), []
        for part in walk:
            found.append(part)
            if part.marker in _FRAMES:  # of a colour JPEG no more than the head is looked at
                break
        else:
            return None
        frame, place = found[-1], len(found) - 1
        body = data[frame.body : frame.stop]
        if frame.marker not in (BASELINE, EXTENDED, PROGRESSIVE) or len(body) != 9:
            return None
        height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
        if body[0] != 8 or body[5] != 1 or not height or not width or body[8] > 3:
            return None
        parts = (*found, *walk)
        if any(part.marker in _FRAMES for part in parts[place + 1 :]):
            return None
        scans = [data[part.body : part.stop] for part in parts if part.marker == SOS]
        if not 0 < len(scans) <= _MAX_SCANS or any(
            len(s) != 6 or s[:2] != bytes([1, body[6]]) for s in scans
        ):
            return None
        if frame.marker != PROGRESSIVE and len(scans) != 1:
            return None
        grey = cls(data, parts, place, width, height, body[6], body[8])
        return grey if grey.quantisation is not None and grey.free_table >= 0 else None

    @property
    def grey(self) -> GreyJpeg:
        """The file whose scans are copied: this one."""
        return self

    @property
    def keeps_rest(self) -> bool:
        """Whether `grey` has the bytes behind the end: further pictures, a film."""
        return True

    @property
    def progressive(self) -> bool:
        """Whether the scans refine each other."""
        return self.parts[self.frame].marker == PROGRESSIVE

    @property
    def end(self) -> int:
        """Where the image ends: of EOI, or of the last whole segment if EOI is missing."""
        last = self.parts[-1]
        return last.start if last.marker == EOI else last.end

    @property
    def complete(self) -> bool:
        """Whether the file has an end."""
        return self.parts[-1].marker == EOI

    def tables(self, after: int = 0) -> dict[int, tuple[int, ...]]:
        """Quantisation tables by number, as defined from the segment `after` on."""
        found = {}
        for part in self.parts[after:]:
            body, at = self.data[part.body : part.stop], 0
            while part.marker == DQT and at < len(body):
                size = 128 if body[at] >> 4 else 64
                values = np.frombuffer(body[at + 1 : at + 1 + size], ">u2" if size == 128 else "u1")
                if len(values) == 64:
                    found[body[at] & 15] = tuple(map(int, values))
                at += 1 + size
        return found

    @cached_property
    def quantisation(self) -> tuple[int, ...] | None:
        """The 64 steps of the component's table, in zigzag order; None if it is not there."""
        return self.tables().get(self.table)

    @property
    def free_table(self) -> int:
        """A number for the table of Cb and Cr that luma leaves free; -1: none."""
        taken = {self.table, *self.tables(after=self.frame)}
        return next((number for number in (1, 0, 2, 3) if number not in taken), -1)

    @property
    def quality(self) -> int:
        """About the quality 1...100, on libjpeg's scale, that the file was written with."""
        steps = np.maximum(np.array(self.quantisation), 1)
        scale = float(np.mean(steps * 100 / _TABLE_50))
        return round(min(max(5000 / scale if scale > 100 else (200 - scale) / 2, 1), 100))

    def decode(self, fail_on: str = "error") -> Codes:
        """Codes of Y' as stored, ``(H, W)`` uint8.

        Args:
            fail_on: how strict libvips is: ``"error"``, ``"truncated"``, ``"none"``.

        Raises:
            pyvips.Error: the scans are damaged.
        """
        image = load("jpeg", None, self.data, fail_on=fail_on)
        return array_of(image)[..., 0]

    def decode_half(self, fail_on: str = "error") -> Codes:
        """Codes of Y' at half size, rounded up; args and errors as of `decode`."""
        if min(self.width, self.height) < 2:
            return halved(self.decode(fail_on))
        image = load("jpeg", None, self.data, shrink=2, fail_on=fail_on)
        codes = array_of(image)[..., 0]  # rounded down
        rows, columns = -(-self.height // 2), -(-self.width // 2)
        missing = ((0, rows - codes.shape[0]), (0, columns - codes.shape[1]))
        return np.pad(codes, missing, mode="edge") if np.any(missing) else codes


def halved(codes: Codes) -> Codes:
    """Means of two by two codes, ``(H, W)`` uint8; an odd last row or column counts twice."""
    height, width = codes.shape
    if height % 2 or width % 2:
        codes = np.pad(codes, ((0, height % 2), (0, width % 2)), mode="edge")
    rows = codes[::2].astype(np.uint16) + codes[1::2]
    return np.asarray((rows[:, ::2] + rows[:, 1::2] + np.uint16(2)) // np.uint16(4), np.uint8)
