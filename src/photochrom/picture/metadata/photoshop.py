"""Photoshop's image resources: the blocks in APP13 of JPEG files and in a tag of TIFF files."""

from __future__ import annotations

from collections.abc import Iterator

PHOTOSHOP = b"Photoshop 3.0\0"
"""What a JPEG's segment of resources begins with."""
_BLOCK = b"8BIM"
_IPTC = 0x0404
_THUMBNAILS = (0x0409, 0x040C)
_ELSEWHERE = (*_THUMBNAILS, _IPTC, 0x040F, 0x0424)  # and a profile, an XMP packet


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
    for number, _, data, _ in resources(block.removeprefix(PHOTOSHOP)):
        if number == _IPTC and data[:1] == b"\x1c":
            return data
    return None


def other_resources(block: bytes | None) -> bytes | None:
    """The resources that are carried nowhere else: paths, guides, captions' checksums and so on."""
    if block is None:
        return None
    block = block.removeprefix(PHOTOSHOP)
    found = resources(block)
    kept = [block[at:end] for number, at, _, end in found if number not in _ELSEWHERE]
    return b"".join(kept) or None


def app13(iptc: bytes | None, others: bytes | None, room: int) -> bytes | None:
    """The body of a JPEG's Photoshop segment; resources that exceed the room are left out."""
    block = b""
    if iptc:
        size = len(iptc).to_bytes(4, "big")
        block = _BLOCK + _IPTC.to_bytes(2, "big") + b"\0\0" + size + iptc + bytes(len(iptc) % 2)
    if others and len(block) + len(others) <= room:
        block += others
    return PHOTOSHOP + block if 0 < len(block) <= room else None


def without_thumbnails(body: bytes) -> bytes:
    """An APP13 segment without the small pictures in it; empty if nothing else was there."""
    if not body.startswith(PHOTOSHOP):
        return body
    block = body.removeprefix(PHOTOSHOP)
    found = list(resources(block))
    if not any(number in _THUMBNAILS for number, *_ in found):
        return body
    kept = b"".join(block[at:end] for number, at, _, end in found if number not in _THUMBNAILS)
    rest = block[found[-1][3] :]
    return PHOTOSHOP + kept + rest if kept + rest else b""
