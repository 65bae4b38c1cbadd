"""A coloured JPEG file made of a grey one: its luma's bytes, Cb and Cr, and metadata."""

from __future__ import annotations

import struct

from ..codec import upright
from ..metadata import attachments
from ..page import Page
from . import APP0, APP1, APP2, APP13, Segment, segment
from .jpeg_luma import JpegLuma
from .splice import with_color

_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
_ICC_ROOM = 65519


def encode_colored(picture: Page, luma: JpegLuma, quality: int | None) -> bytes:
    """The file: the source's bytes, Cb and Cr, and the metadata of `picture`.

    Args:
        picture: coloured from `luma`.
        luma: with its chroma.
        quality: of Cb and Cr; None: one that goes with the source's.
    """
    assert luma.chroma is not None
    back = {6: 8, 8: 6}.get(luma.orientation, luma.orientation)
    cb, cr = (upright(plane, back) for plane in luma.chroma())
    replaced, inserted = _metadata(picture, luma)
    planes, file = (cb, cr), luma.file.grey
    return with_color(file, planes, quality=quality, replaced=replaced, inserted=inserted)


def _metadata(picture: Page, luma: JpegLuma) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """What is to stand in the place of segments of the source, and what before them.

    EXIF that was not changed since it was read stays as it is, but for its thumbnail; no EXIF is
    begun for the note, which is in XMP: in small files it would weigh.
    """
    file = luma.file.grey
    stored = (file.width, file.height, luma.orientation)
    extra = attachments(picture, "jpeg", stored, rest=luma.file.keeps_rest)
    exif = segment(APP1, _EXIF + extra.exif) if extra.exif else b""
    xmp = segment(APP1, _XMP + extra.xmp) if extra.xmp else b""
    replaced: dict[int, bytes] = {}
    first = 0
    for number, part in enumerate(file.parts[: file.frame]):
        body = file.data[part.body : part.stop]
        if part.marker == APP0 or body.startswith(_EXIF):
            first = number + 1
        if part.marker == APP1 and body.startswith(_EXIF):
            kept = _unchanged_exif(body.removeprefix(_EXIF), picture)
            exif = segment(APP1, _EXIF + kept) if kept else exif
            replaced[number], exif = exif, b""
        elif part.marker == APP1 and body.startswith(_XMP):
            replaced[number], xmp = xmp, b""
        elif part.marker == APP2 and body.startswith(_ICC):
            replaced[number] = b""
        elif (cleaned := _without_thumbnail(part, body)) != body:
            replaced[number] = segment(part.marker, cleaned) if cleaned else b""
    inserted = {first: exif + xmp}  # EXIF is looked for at the beginning of a file
    inserted[file.frame] = inserted.get(file.frame, b"") + _icc_segments(luma.profile)
    return replaced, {number: new for number, new in inserted.items() if new}


def _unchanged_exif(block: bytes, picture: Page) -> bytes | None:
    """The source's EXIF without its thumbnail; None if the picture's was changed since."""
    from ..metadata.exif import Exif, without_thumbnail

    exif = Exif.parse(block)
    if exif is None or exif.upright(picture.width, picture.height) != picture.metadata.exif:
        return None
    return without_thumbnail(block)


def _without_thumbnail(part: Segment, body: bytes) -> bytes:
    """A segment's body without the small picture in it, which is not in colour."""
    if part.marker == APP0 and body.startswith(b"JFXX\0"):
        return b""
    if part.marker == APP0 and body.startswith(b"JFIF\0") and len(body) > 14:
        return body[:12] + b"\0\0"
    if part.marker == APP13:
        from ..metadata.photoshop import without_thumbnails

        return without_thumbnails(body)
    return body


def _icc_segments(profile: bytes | None) -> bytes:
    if profile is None:
        return b""
    parts = [profile[i : i + _ICC_ROOM] for i in range(0, len(profile), _ICC_ROOM)]
    heads = (struct.pack("BB", number + 1, len(parts)) for number in range(len(parts)))
    return b"".join(
        segment(APP2, _ICC + head + part) for head, part in zip(heads, parts, strict=True)
    )
