"""The grey picture out of a coloured file: byte for byte from a JPEG, code for code from others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from ..color import grey_of
from ..errors import PictureError
from ..media import FORMATS, format_for
from . import MAX_PIXELS, open_pages, open_picture
from .jpeg.splice import NotColored, without_color
from .metadata.exif import Exif
from .metadata.xmp import remove_note
from .page import Metadata
from .picture import Picture, was_colored
from .source import Source
from .writing import save_bytes, save_pages

_EXACT = ("png", "tiff")


def uncolor(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    target: str | Path | BinaryIO,
    *,
    format: str | None = None,
    max_pixels: int = MAX_PIXELS,
) -> str:
    """Write the grey picture that a file was coloured from.

    A JPEG whose luma was copied gives its source back byte for byte; a PNG or TIFF the exact grey
    codes, with the metadata and without the mark of coloured files.

    Args:
        source: a result of Photochrom: a path, its bytes, or a file open for reading.
        target: a path, replaced whole or not at all, or a file open for writing.
        format: of the target; default: by its suffix, else the source's.
        max_pixels: as of `open_pages`.

    Returns:
        The format that was written.

    Raises:
        PictureError: the file was not coloured by Photochrom, its grey was not kept exactly, or
            it was changed since; or it cannot be read, or the target cannot be written.
    """
    file = Source.of(source)
    if file.format == "jpeg":
        grey = _grey_jpeg(file)
        path = target if isinstance(target, str | Path) else None
        name = format_for(path, format, "jpeg")
        if name == "jpeg":
            save_bytes(grey, target)
            return name
        return save_pages([open_picture(grey, max_pixels=max_pixels)], target, format=name)
    pages = open_pages(file.origin, max_pixels=max_pixels)
    return save_pages(_grey_pages(pages, file), target, format=format)


def _grey_jpeg(file: Source) -> bytes:
    try:
        return without_color(file.read())
    except NotColored as error:
        picture = open_picture(file.origin)
        if not was_colored(picture):
            raise _unmarked(file.name) from None
        raise PictureError(
            f"the grey of {file.name} cannot be had back",
            expected="a JPEG whose luma was copied",
            got=str(error),
            fix="use the source, or colour it again without recompressing it",
        ) from None


def _grey_pages(pages: Iterator[Picture], file: Source) -> Iterator[Picture]:
    for page in pages:
        if not was_colored(page):
            raise _unmarked(file.name)
        if page.format not in _EXACT:
            title = FORMATS[page.format].title if page.format else "array"
            raise PictureError(
                f"the grey of {file.name} cannot be had back",
                expected="a JPEG, PNG or TIFF",
                got=f"{title}, which keeps it only nearly",
                fix="use the source",
            )
        grey = page if page.grey else page.with_pixels(grey_of(page.pixels))
        yield grey.replaced(metadata=_without_note(page.metadata))


def _without_note(metadata: Metadata) -> Metadata:
    xmp, note = remove_note(metadata.xmp)
    exif = Exif.parse(metadata.exif) if metadata.exif else None
    if exif is not None and note:
        exif.remove_comment(note)
    block = exif.to_bytes() if exif and (exif.main or exif.exif or exif.gps) else None
    return replace(metadata, xmp=xmp, exif=block)


def _unmarked(name: str) -> PictureError:
    return PictureError(
        f"{name} was not coloured by Photochrom",
        expected="a file with Photochrom's mark in its XMP",
    )
