"""Photoshop's image resources: the blocks in APP13 of JPEG files and in a tag of TIFF files."""

from __future__ import annotations

from collections.abc import Iterator

_HEAD = b"Photoshop 3.0\0"
_BLOCK = b"8BIM"
_IPTC = 0x0404
_THUMBNAILS = (0x0409, 0x040C)


def resources(block: bytes) -> Iterator[tuple[int, int, bytes, int]]:
    """Number, begin, data and end of each resource; ends where there is none any more."""
    at = 0
    while block[at : at + 4] == _BLOCK and at + 12 <= len(block):
        number = int.from_bytes(block[at + 4 : at + 6], "big")
        place = at + 6 + ((block[at + 6] + 2) & ~1)
        size = int.from_bytes(block[place : place + 4], "big")
        end = place + 4 + size
        if end > len(block):
            return
        yield number, at, block[place + 4 : end], end + size % 2
        at = end + size % 2


def iptc_records(block: bytes | None) -> bytes | None:
    """The IPTC records in a JPEG's Photoshop segment or a TIFF's tag; None if there are none."""
    if block is None or block[:1] == b"\x1c":
        return block
    for number, _, data, _ in resources(block.removeprefix(_HEAD)):
        if number == _IPTC and data[:1] == b"\x1c":
            return data
    return None


def without_thumbnails(body: bytes) -> bytes:
    """An APP13 segment without the small pictures in it; empty if nothing else was there."""
    if not body.startswith(_HEAD):
        return body
    block = body.removeprefix(_HEAD)
    found = list(resources(block))
    if not any(number in _THUMBNAILS for number, *_ in found):
        return body
    kept = b"".join(block[at:end] for number, at, _, end in found if number not in _THUMBNAILS)
    rest = block[found[-1][3] :]
    return _HEAD + kept + rest if kept + rest else b""
