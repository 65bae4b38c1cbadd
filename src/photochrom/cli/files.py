"""From the paths of a command line to the pictures there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ArgumentError
from ..picture import FORMATS
from ..picture.formats import HEAD, show, sniff

FORMAT_OF = {suffix: name for name, row in FORMATS.items() for suffix in row.suffixes}
"""File name ending in lower case -> format."""


@dataclass(frozen=True)
class Found:
    """One picture.

    Attributes:
        path: where it is.
        relative: the same, seen from the folder that was named.
        named: by the user, rather than found in a folder.
        film: whether it is a film; in folders only pictures are looked for.
    """

    path: Path
    relative: Path
    named: bool
    film: bool = False


@dataclass(frozen=True)
class Search:
    """What a search for pictures brought.

    Attributes:
        found: the pictures.
        unreadable: folders that could not be looked into, and why.
    """

    found: list[Found]
    unreadable: list[tuple[Path, str]]


def existing(path: Path) -> Path:
    """``path`` itself.

    Raises:
        ArgumentError: there is nothing.
    """
    if not path.exists():
        raise ArgumentError(
            f"{show(path)} cannot be coloured",
            expected="a picture or a folder of pictures",
            got="no such file or folder",
            fix="check the path",
        )
    return path


def find(paths: Sequence[Path], output: Path | None) -> Search:
    """The named files, and in the named folders everything with the suffix of a picture.

    Hidden files and folders are passed over, and so is the folder ``output`` inside a named one.

    Raises:
        ArgumentError: one of ``paths`` does not exist.
    """
    search = Search([], [])
    for path in [existing(path) for path in paths]:
        if path.is_dir():
            inside = _walk(path, output, search.unreadable)
            search.found.extend(Found(file, file.relative_to(path), False) for file in inside)
        else:
            search.found.append(Found(path, Path(path.name), True, is_film(path)))
    return search


def is_film(path: Path) -> bool:
    """Whether a file is a film, by its content."""
    from ..video.probe import is_film

    return path.is_file() and sniff(head(path)) is None and is_film(path)


def head(path: Path) -> bytes:
    """The first bytes of a file, for `sniff`."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""  # opening it as a picture will tell why


def _walk(top: Path, output: Path | None, unreadable: list[tuple[Path, str]]) -> Iterator[Path]:
    """The pictures under ``top``, each folder once.

    Links to folders are followed after everything else, so that a loop ends and a folder that can
    be reached without a link keeps its own name.
    """

    def note(error: OSError) -> None:
        unreadable.append((Path(error.filename or top), error.strerror or str(error)))

    seen: set[str] = set()
    if output is not None and os.path.realpath(output) != os.path.realpath(top):
        seen.add(os.path.realpath(output))
    later = [str(top)]
    while later:
        for folder, inner, names in os.walk(later.pop(0), onerror=note):
            real = os.path.realpath(folder)
            if real in seen:
                inner.clear()
                continue
            seen.add(real)
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            later += [str(link) for name in inner if (link := Path(folder, name)).is_symlink()]
            for name in sorted(names):
                path = Path(folder, name)
                if path.suffix.lower() in FORMAT_OF and name[0] != "." and path.is_file():
                    yield path
