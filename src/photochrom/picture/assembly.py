"""From what a decoder found to a picture: sRGB, upright, metadata cleaned, losses named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..color import Codes
from ..color.srgb import of_type
from .codec import upright
from .codec.decoding import Decoded
from .metadata import profile_space
from .metadata.xmp import clean_packet
from .page import Metadata, plausible_dpi
from .picture import Picture

if TYPE_CHECKING:
    from .metadata.exif import Exif


def assembled(
    found: Decoded, format: str | None, exif: Exif | None = None, lost: tuple[str, ...] = ()
) -> Picture:
    """The picture of a decoded page.

    Args:
        found: its samples are let go.
        format: key of FORMATS.
        exif: of the page, if it was read by other means.
        lost: first notes.
    """
    samples, found.samples = found.samples, np.empty(0)
    depth = samples.dtype.itemsize * 8
    channels = {"grey": 1, "rgb": 3, "cmyk": 4}[found.space]
    alpha, extra, kinds = _further(samples[..., channels:], found.extra)
    if samples.shape[2] > channels:
        samples = np.ascontiguousarray(samples[..., :channels])
    icc = None
    if found.icc or found.space == "cmyk":
        from .metadata.icc import to_srgb

        samples, icc = to_srgb(samples, found.space, found.icc)
    exif = exif or found.tags()
    turn = found.orientation or (exif.orientation if exif else 1)
    pixels = upright(samples[..., 0] if samples.shape[2] == 1 else samples, turn)
    alpha, extra = (
        None if each is None else upright(of_type(each, pixels.dtype), turn)
        for each in (alpha, extra)
    )
    found.encoding = replace(found.encoding, extra=kinds)
    notes = (*lost, *found.notes, *notes_of(found, exif, icc))
    metadata = cleaned(found, exif, icc, pixels.shape[1], pixels.shape[0], turn)
    return Picture(pixels, alpha, metadata, format, depth, extra=extra, notes=notes)


def notes_of(found: Decoded, exif: Exif | None, kept: bytes | None) -> Iterator[str]:
    """What of a file's metadata is not kept, in words; ``kept`` is the colour profile that is."""
    space = profile_space(found.icc)
    if found.space == "cmyk":
        yield "CMYK becomes RGB"
    elif found.icc and space != found.space:
        yield "the colour profile, which is broken or made for other pixels, not kept"
    elif space == "rgb" and kept is None:
        yield "the colour profile, which leads one way only, was applied and is not kept"
    if found.exif and exif is None:
        yield "EXIF, which is damaged, not kept"
    if found.xmp and clean_packet(found.xmp) is None:
        yield "XMP, which is damaged, not kept"


def _further(
    samples: Codes, kinds: tuple[int, ...] | None
) -> tuple[Codes | None, Codes | None, tuple[int, ...]]:
    """Alpha, the other channels beside the colours, and their kinds."""
    count = samples.shape[2]
    if kinds is None:
        kinds = (2,) if count == 1 else (0,) * count
    kinds = (*kinds, *[0] * count)[:count]
    place = next((number for number, kind in enumerate(kinds) if kind in (1, 2)), None)
    others = [number for number in range(count) if number != place]
    alpha = None if place is None else np.ascontiguousarray(samples[..., place])
    extra = np.ascontiguousarray(samples[..., others]) if others else None
    return alpha, extra, tuple(kinds[number] for number in others)


def cleaned(
    found: Decoded, exif: Exif | None, icc: bytes | None, width: int, height: int, turn: int
) -> Metadata:
    """A file's metadata, for upright pixels of this size.

    Args:
        found: what the decoder found.
        exif: its EXIF, parsed; changed.
        icc: the profile to keep.
        width, height: upright, in pixels.
        turn: how the pixels were turned, 1...8.
    """
    dpi, block = found.dpi, None
    if exif is not None:
        dpi = dpi or exif.dpi
        block = exif.upright(width, height)
    if dpi and not plausible_dpi(dpi):
        dpi = None
    if dpi and turn > 4:
        dpi = (dpi[1], dpi[0])
    encoding = replace(found.encoding, further=found.further, turned=turn != 1)
    return Metadata(
        exif=block,
        icc=icc,
        xmp=clean_packet(found.xmp) if found.xmp else None,
        dpi=dpi,
        iptc=found.iptc,
        photoshop=found.photoshop,
        texts=found.texts,
        encoding=encoding,
    )
