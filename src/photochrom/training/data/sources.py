"""Sources of colour pictures: folders, shards, and data sets known by name.

A `Source` lists its pictures as ``(key, opener)`` pairs. Openers are small and can be pickled, so
that the pictures are decoded in other processes, see ``cache.py``.
"""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import PictureError

Opener = Callable[[], Image.Image]
"""Opens one picture; its pixels may not have been decoded yet. Raises whatever Pillow raises."""

SHARDS = (".zip", ".tar", ".tar.gz", ".tgz")
"""Suffixes of the archives that are read in place."""

# Formats that are drawn by other programs (Ghostscript for EPS), or known by their header only.
_NO_PICTURES = {"BUFR", "EMF", "EPS", "GRIB", "HDF5", "MPEG", "PDF", "WMF"}


class Source(Protocol):
    """Some pictures under one name."""

    @property
    def name(self) -> str:
        """For people and for the statistics."""

    def __len__(self) -> int:
        """Number of pictures, readable or not."""

    def __iter__(self) -> Iterator[tuple[str, Opener]]:
        """The pictures, in the same order every time."""

    def inputs(self) -> Iterator[tuple[str, int, int]]:
        """Name, size in bytes and time of change (ns) of every file that is read."""


def is_shard(path: Path) -> bool:
    """Whether the name is that of an archive."""
    return path.name.lower().endswith(SHARDS)


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture Pillow can open; hidden files are none."""
    base = PurePosixPath(name)
    return not base.name.startswith(".") and base.suffix.lower() in _suffixes()


@cache
def formats() -> tuple[str, ...]:
    """The picture formats that are opened, as Pillow calls them."""
    Image.init()
    return tuple(sorted(set(Image.OPEN) - _NO_PICTURES))


@cache
def _suffixes() -> frozenset[str]:
    known = set(formats())
    return frozenset(s for s, kind in Image.registered_extensions().items() if kind in known)


@dataclass(frozen=True)
class Files:
    """Pictures that are files, or lie in shards."""

    name: str  # of the source
    base: Path  # keys are relative to this folder
    paths: tuple[Path, ...]  # pictures and shards

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _count(self) -> int:
        return sum(_shard_length(path) if is_shard(path) else 1 for path in self.paths)

    def __iter__(self) -> Iterator[tuple[str, Opener]]:
        for path in self.paths:
            key = _relative(path, self.base)
            if is_shard(path):
                within = f"{key}/" if len(self.paths) > 1 else ""
                yield from ((within + name, opener) for name, opener in _members(path))
            else:
                yield key, File(str(path))

    def inputs(self) -> Iterator[tuple[str, int, int]]:
        for path in self.paths:
            try:
                found = path.stat()
            except OSError:  # it went away; that shows when it is opened
                yield _relative(path, self.base), -1, -1
            else:
                yield _relative(path, self.base), found.st_size, found.st_mtime_ns


@dataclass(frozen=True)
class File:
    """Opens a picture file."""

    path: str

    def __call__(self) -> Image.Image:
        return Image.open(self.path, formats=formats())


@dataclass(frozen=True)
class Pixels:
    """Gives pixels that are decoded already: ``(H, W, 3)`` uint8."""

    array: NDArray[np.uint8]

    def __call__(self) -> Image.Image:
        return Image.fromarray(self.array)


@dataclass(frozen=True)
class Encoded:
    """Opens a picture of which the encoded bytes are at hand."""

    data: bytes

    def __call__(self) -> Image.Image:
        return Image.open(io.BytesIO(self.data), formats=formats())


@dataclass(frozen=True)
class Slice:
    """Opens a picture that is a range of bytes of an archive."""

    path: str  # the archive
    offset: int  # where the picture's bytes begin, or in a zip file its local header
    size: int  # in the archive
    crc: int | None = None  # CRC-32 of the unpacked bytes; None in a tar, which has none
    method: int = zipfile.ZIP_STORED  # how a zip file packed it

    def __call__(self) -> Image.Image:
        with Path(self.path).open("rb") as file:
            file.seek(self.offset)
            if self.crc is not None:
                header = file.read(30)
                if header[:4] != b"PK\3\4":
                    raise OSError("the zip file has no such entry")
                rest = int.from_bytes(header[26:28], "little")
                file.seek(rest + int.from_bytes(header[28:30], "little"), os.SEEK_CUR)
            data = file.read(self.size)
        if len(data) != self.size:
            raise OSError("the archive is cut off")
        if self.method == zipfile.ZIP_DEFLATED:
            data = zlib.decompress(data, -zlib.MAX_WBITS)
        elif self.method != zipfile.ZIP_STORED:
            raise OSError(f"packed by method {self.method} of zip, which is not supported")
        if self.crc is not None and zlib.crc32(data) != self.crc:
            raise OSError("the checksum in the zip file is another")
        return Encoded(data)()


def walk(folder: Path) -> Iterator[Path]:
    """Pictures and shards at any depth, sorted; a folder reached twice by links is read once."""
    seen = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        found = Path(here).stat()
        if (found.st_dev, found.st_ino) in seen:
            folders.clear()
            continue
        seen.add((found.st_dev, found.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(here, name)
            shard = is_shard(path) and not name.startswith(".")
            if (shard or is_picture(name)) and path.is_file():
                yield path


def _relative(path: Path, base: Path) -> str:
    try:
        return path.relative_to(base).as_posix()
    except ValueError:
        return path.as_posix()


def _shard_length(path: Path) -> int:
    return sum(1 for _ in _members(path))


def _members(path: Path) -> Iterator[tuple[str, Opener]]:
    """The pictures of a shard, in the order of the archive; PictureError if it is damaged."""
    try:
        yield from _zipped(path) if path.suffix.lower() == ".zip" else _tarred(path)
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error) as error:
        raise PictureError.unreadable(path.name, error, "copy the file anew") from None


def _zipped(path: Path) -> Iterator[tuple[str, Opener]]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    for entry in entries:
        if is_picture(entry.filename) and not entry.flag_bits & 1:  # bit 0: encrypted
            at = (entry.header_offset, entry.compress_size, entry.CRC, entry.compress_type)
            yield entry.filename, Slice(str(path), *at)


def _tarred(path: Path) -> Iterator[tuple[str, Opener]]:
    packed = path.suffix.lower() != ".tar"
    # A packed tar has no places to jump to, so its pictures are handed on as bytes.
    mode: Any = "r|gz" if packed else "r:"
    with tarfile.open(path, mode) as archive:
        for entry in archive:
            if not entry.isreg() or not is_picture(entry.name):
                continue
            if not packed:
                yield entry.name, Slice(str(path), entry.offset_data, entry.size)
            elif (file := archive.extractfile(entry)) is not None:
                yield entry.name, Encoded(file.read())
