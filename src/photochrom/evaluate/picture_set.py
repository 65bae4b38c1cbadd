"""Sets of colour pictures: folders, zip files and single files, one picture at a time."""

from __future__ import annotations

import os
import random
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from .._io import show
from ..color.srgb import to_8_bits
from ..errors import ArgumentError, PhotochromError, PictureError
from ..media import PICTURE_SUFFIXES
from ..picture import open_picture

_SUFFIXES = tuple(PICTURE_SUFFIXES)
_LARGEST_MEMBER = 2**30  # bytes; a small zip file may claim to hold far more


@dataclass(frozen=True)
class Item:
    """One picture of a set."""

    file: Path  # the picture, or the zip file it is in
    member: str = ""  # its name in the zip file; empty for a file of its own
    top: Path | None = None  # the folder that was named; None for a file that was named itself

    @property
    def key(self) -> str:
        """The path below the folder or in the zip file, with ``/`` and without the suffix."""
        if self.member:
            return PurePosixPath(self.member).with_suffix("").as_posix()
        path = Path(self.file.name) if self.top is None else self.file.relative_to(self.top)
        return path.with_suffix("").as_posix()

    @property
    def name(self) -> str:
        """For messages and the contact sheet."""
        return show(self.file) + (f": {self.member}" if self.member else "")


@dataclass(frozen=True)
class PictureSet:
    """Pictures that are measured together."""

    name: str  # of the folder or zip file, without its suffix
    sources: tuple[str, ...]  # what was named
    items: list[Item]  # the pictures


def picture_sets(
    sources: Sequence[str | os.PathLike[str]], *, pool: bool = False
) -> list[PictureSet]:
    """The sets of some sources: each folder and zip file is one, single pictures together are one.

    Args:
        sources: as for `list_pictures`.
        pool: whether all are one set instead.

    Raises:
        ArgumentError: a source does not exist, or there is no picture in one.
        PictureError: a zip file is damaged, or a folder cannot be looked into.
    """
    if isinstance(sources, str | os.PathLike):
        sources = [sources]
    ArgumentError.check("sources", sources, Iterable, "paths of folders, zip files or pictures")
    named = list(dict.fromkeys(map(str, sources)))
    parts: list[tuple[str, ...]] = [(name,) for name in named if _is_set(name)]
    if single := tuple(name for name in named if not _is_set(name)):
        parts.append(single)
    if pool or not parts:
        parts = [tuple(named)]
    names = [_name(part) for part in parts]
    if len(set(names)) < len(names):  # by their paths, as the name of a folder could be
        names = [re.sub(r"[^\w.-]+", "_", "_".join(part)).strip("_") for part in parts]
    found = zip(names, parts, strict=True)
    return [PictureSet(name, part, list_pictures(part)) for name, part in found]


def _is_set(source: str) -> bool:
    path = Path(source).expanduser()
    return path.is_dir() or path.suffix.lower() == ".zip"


def _name(sources: Sequence[str]) -> str:
    paths = [Path(source).expanduser().resolve() for source in sources if _is_set(source)]
    names = [path.name if path.is_dir() else path.stem for path in paths]
    if len(paths) < len(sources):
        names.append("pictures")
    return " + ".join(names)


def list_pictures(sources: Sequence[str | os.PathLike[str]]) -> list[Item]:
    """The pictures of some folders (with all folders inside), zip files and files, in order.

    Hidden files and those without the suffix of a picture are passed over, unless named.

    Raises:
        ArgumentError: a source does not exist, or there is no picture in any.
        PictureError: a zip file is damaged, or a folder cannot be looked into.
    """
    if isinstance(sources, str | os.PathLike):
        sources = [sources]
    ArgumentError.check("sources", sources, Iterable, "paths of folders, zip files or pictures")
    items = [item for source in sources for item in _inside(Path(source).expanduser())]
    if not items:
        where = ", ".join(map(str, sources))
        raise ArgumentError(
            f"there is no picture in {where}" if where else "no source of pictures is named",
            expected=f"files with suffixes such as {', '.join(_SUFFIXES[:5])}",
        )
    return items


def chosen(items: list[Item], limit: int | None, seed: int) -> list[Item]:
    """All items, or `limit` (1 or more) of them drawn at random, in their order."""
    if limit is None:
        return items
    ArgumentError.check("the limit of pictures", limit, Integral, "a whole number")
    if limit >= len(items) and limit > 0:
        return items
    if limit < 1:
        raise ArgumentError("the limit of pictures", expected="1 or more", got=limit)
    # Not the first ones: names often begin with the kind of picture.
    places = random.Random(seed).sample(range(len(items)), limit)  # noqa: S311
    return [items[place] for place in sorted(places)]


def squares(
    items: Sequence[Item], size: int
) -> Iterator[tuple[int, NDArray[np.uint8] | PhotochromError]]:
    """The centre square of each picture, ``(size, size, 3)`` sRGB, enlarged or shrunk bicubically.

    Yields:
        The item's place in `items`, and the square or the error that says why there is none.
    """
    archive: zipfile.ZipFile | None = None
    try:
        for place, item in enumerate(items):
            try:
                if not item.member:
                    yield place, _square(item.file, size)
                    continue
                if archive is None or archive.filename != str(item.file):
                    if archive is not None:
                        archive.close()
                    archive = _open_zip(item.file)
                yield place, _square(_extract(archive, item), size)
            except PhotochromError as error:
                yield place, error
    finally:
        if archive is not None:
            archive.close()


def read_square(item: Item, size: int) -> NDArray[np.uint8]:
    """The centre square of one picture, as of `squares`; PictureError if it cannot be read."""
    ((_, square),) = squares([item], size)
    if isinstance(square, PhotochromError):
        raise square
    return square


def _square(source: Path | bytes, size: int) -> NDArray[np.uint8]:
    from PIL import Image

    pixels = to_8_bits(open_picture(source).pixels)
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    part = pixels[top : top + side, left : left + side]
    if part.ndim == 2:
        part = np.repeat(part[..., None], 3, axis=2)
    image = Image.fromarray(np.ascontiguousarray(part))
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))


def _inside(path: Path) -> Iterator[Item]:
    if path.is_dir():
        yield from _walk(path)
    elif path.suffix.lower() == ".zip" and path.is_file():
        with _open_zip(path) as archive:
            names = sorted(name for name in archive.namelist() if _is_picture(name))
        yield from (Item(path, name) for name in names)
    elif path.exists():
        yield Item(path)
    else:
        raise ArgumentError.not_found(path, "a folder, a zip file or a picture")


def _walk(top: Path) -> Iterator[Item]:
    def refuse(error: OSError) -> None:
        raise PictureError.unreadable(error.filename or top, error) from None

    for folder, inner, names in os.walk(top, onerror=refuse):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        yield from (
            Item(Path(folder, name), top=top) for name in sorted(names) if _is_picture(name)
        )


def _is_picture(name: str) -> bool:
    parts = name.split("/")
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return not hidden and name.lower().endswith(_SUFFIXES)


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise PictureError.unreadable(path, error, "check that it is a zip file") from None


def _extract(archive: zipfile.ZipFile, item: Item) -> bytes:
    try:
        size = archive.getinfo(item.member).file_size
        if size > _LARGEST_MEMBER:
            raise PictureError(
                f"{item.name} is too large", expected="1 GiB at most", got=f"{size:,} bytes"
            )
        return archive.read(item.member)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise PictureError.unreadable(item.name, error, "pack it again") from None
    except (RuntimeError, NotImplementedError) as error:  # a password, an unknown compression
        raise PictureError.unreadable(item.name, error, "pack it again") from None
