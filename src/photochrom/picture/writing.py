"""Saving pictures: whole files or none, one page or many."""

from __future__ import annotations

import io
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from .._io import show
from ..errors import ArgumentError, PictureError
from ..media import FORMATS, format_for
from .page import Page

_CLASSIC_TIFF = 3_900_000_000


def save_pages(
    pages: Iterable[Page],
    target: str | Path | BinaryIO,
    *,
    format: str | None = None,
    quality: int | None = None,
    recompress: bool = False,
) -> str:
    """Write pages, of any sizes, to one file; several of them to a TIFF only.

    Pages are taken from ``pages`` one after the other and not kept in memory.

    Args:
        pages: at least one.
        target, format, quality, recompress: as in ``Picture.save``; the default format is that
            of the first page.

    Returns:
        The format that was written.

    Raises:
        PictureError: a format cannot hold the pages, or the file cannot be written.
        ArgumentError: ``format`` or ``quality`` is not of its form, or there is no page.
    """
    if quality is not None and (type(quality) is not int or not 1 <= quality <= 100):
        raise ArgumentError(
            "the quality is wrong", expected="an integer in 1...100", got=repr(quality)
        )
    ArgumentError.check("pages", pages, Iterable, "pictures")
    rest = iter(pages)
    path = _path(target)
    with writing_to(target) as file:
        first = next(rest, None)
        if first is None:
            raise ArgumentError(
                "there is nothing to save", expected="at least one page", got="none"
            )
        name = format_for(path, format, first.format)
        if name == "tiff":
            queue = [first]
            del first
            _write_tiff(queue, rest, file, path.parent if path else None)
            return name
        if name == "jpeg" and first.luma and first.luma.chroma and not recompress:
            from .jpeg.colored_jpeg import encode_colored

            file.write(encode_colored(first, first.luma, quality))
        else:
            from .codec.encoding import encode

            encode(first, file, name, quality)
        del first
        if next(rest, None) is not None:
            raise PictureError(
                f"several pages cannot be written as {FORMATS[name].title}",
                expected="one page, or the format TIFF",
                fix="save as .tif, or take one page (page=, --page)",
            )
        return name


def save_bytes(data: bytes, target: str | Path | BinaryIO) -> None:
    """Write a finished file, whole or not at all; PictureError if it cannot be written."""
    with writing_to(target) as file:
        file.write(data)


def writing_to(target: str | Path | BinaryIO) -> AbstractContextManager[BinaryIO]:
    """A file that replaces a path, or fills an open file, if all goes well; else PictureError."""
    path = _path(target)
    return _replacing(path) if path else _collecting(target)  # type: ignore[arg-type]


def _path(target: str | Path | BinaryIO) -> Path | None:
    if isinstance(target, str | os.PathLike):
        return Path(target)
    if hasattr(target, "write"):
        return None
    raise ArgumentError(
        "the picture cannot be saved",
        expected="a path or a file open for writing",
        got=f"a {type(target).__name__}",
    )


def _write_tiff(
    queue: list[Page],
    rest: Iterator[Page],
    file: BinaryIO,
    folder: Path | None,
) -> None:
    """Write the page in ``queue`` and those of ``rest``, holding one at a time."""
    import tifftools

    from .codec.encoding import encode
    from .metadata.exif import attached_exif
    from .metadata.tiff_tags import tagged_page

    directories: list[Any] = []
    total = 0
    with tempfile.TemporaryDirectory(dir=folder, prefix=".photochrom-") as scratch:
        while queue:
            path = Path(scratch) / f"{len(directories)}.tif"
            with path.open("w+b") as part:
                page = queue.pop()
                encode(page, part, "tiff", None)
                exif, metadata = attached_exif(page, "tiff"), page.metadata
                kinds = metadata.encoding.extra if page.extra is not None else ()
                kinds = (2, *kinds) if page.alpha is not None else kinds
                del page
                directory = tagged_page(part, exif, metadata, kinds)
                total += part.seek(0, 2)
            directory["path_or_fobj"] = str(path)
            directories.append(directory)
            queue.extend(islice(rest, 1))
        tifftools.write_tiff(directories, file, bigEndian=False, bigtiff=total > _CLASSIC_TIFF)


@contextmanager
def _collecting(target: BinaryIO) -> Iterator[BinaryIO]:
    """A temporary file whose bytes go into ``target`` if all went well."""
    with tempfile.SpooledTemporaryFile(max_size=64 << 20) as file:
        try:
            yield file  # type: ignore[misc]
            file.seek(0)
            shutil.copyfileobj(file, target, 1 << 20)
        except OSError as error:
            raise _unwritable("the picture", error) from None


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """A file that replaces ``target`` if all went well, and else disappears; PictureError."""
    name = show(target)
    temporary = None
    try:
        # A link keeps pointing at its file, and a device or pipe is written into.
        target = Path(os.path.realpath(target))
        if target.is_dir():
            raise IsADirectoryError
        if target.exists() and not target.is_file():
            with io.BytesIO() as buffer:
                yield buffer
                target.write_bytes(buffer.getvalue())
            return
        temporary = target.with_name(f".photochrom-{secrets.token_hex(8)}.tmp")
        with temporary.open("x+b") as file:
            yield file
        temporary.replace(target)
    except OSError as error:
        raise _unwritable(name, error) from None
    finally:
        if temporary:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _unwritable(name: str, error: OSError) -> PictureError:
    words, fix = error.strerror or str(error), "check the folder and the space on the disk"
    if isinstance(error, IsADirectoryError):
        words, fix = "a folder of this name", "name a file"
    elif isinstance(error, FileNotFoundError | NotADirectoryError):
        words, fix = "no such folder", "create the folder first"
    elif isinstance(error, PermissionError):
        words, fix = "no permission", "choose a folder you may write to"
    return PictureError(
        f"{name} cannot be written", expected="a writable place", got=words, fix=fix
    )
