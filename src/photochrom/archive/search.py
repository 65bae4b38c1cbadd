"""From named paths and URLs to the pictures there, one after the other: there may be millions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from .._io import show
from ..errors import ArgumentError
from ..media import PICTURE_SUFFIXES
from . import storage as places
from .naming import media_of, results


@dataclass(frozen=True)
class Found:
    """One picture or film.

    Attributes:
        path: where it is, a path or URL.
        relative: the same, seen from the folder that was named, with forward slashes.
        real: one name for the file, however it is reached.
        stat: its size and version.
        named: by the user, rather than found in a folder.
        film: whether it is a film; in folders only pictures are looked for.
    """

    path: str
    relative: str
    real: str
    stat: places.Stat
    named: bool = False
    film: bool = False


@dataclass
class Search:
    """A search in ``paths``.

    Hidden files and folders are passed over, and so is the folder ``output`` inside a named one.
    Results of an earlier run, beside their pictures, are none themselves.

    Attributes:
        paths: files and folders, or URLs of them.
        output: where results go.
        include, exclude: patterns for ``relative``, in which ``*`` takes slashes too; one without a
            slash is for names.
        left_out: named files that are results of other named files.
        unreadable: folders that could not be looked into, and why.
    """

    paths: Sequence[str]
    output: str | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    left_out: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def __iter__(self) -> Iterator[Found]:
        """What is there, folder by folder in the order of names.

        Raises:
            ArgumentError: one of the paths does not exist.
        """
        self.left_out, self.unreadable = [], []
        for text in self.paths:
            if not places.is_url(text):
                existing(Path(text))
        named = {os.path.realpath(p) for p in self.paths if places.local(p)}
        made = {
            os.path.join(os.path.dirname(each), name)  # noqa: PTH118, PTH120 - strings: speed
            for each in named
            if os.path.isfile(each)  # noqa: PTH113
            for name in results(Path(each), is_film(Path(each)))
        }
        for text in self.paths:
            path = places.local(text)
            if path is None:
                yield from filter(self._wanted, _of_url(text))
            elif path.is_dir():
                yield from filter(self._wanted, self._walk(path))
            elif os.path.realpath(path) in made:
                self.left_out.append(str(path))
            else:
                yield _named(path)

    def _wanted(self, found: Found) -> bool:
        if self.include and not any(_fits(found.relative, each) for each in self.include):
            return False
        return not any(_fits(found.relative, each) for each in self.exclude)

    def _walk(self, top: Path) -> Iterator[Found]:
        """The pictures under ``top``, each folder once.

        Links to folders are followed after everything else, so that a loop ends and a folder that
        can be reached without a link keeps its own name.
        """
        seen: set[str] = set()
        output = places.local(self.output) if self.output else None
        if output is not None and os.path.realpath(output) != os.path.realpath(top):
            seen.add(os.path.realpath(output))
        links, start = [str(top)], len(str(top / "x")) - 1
        while links:
            inner = [links.pop(0)]
            while inner:
                folder = inner.pop()
                real = os.path.realpath(folder)
                if real in seen:
                    continue
                seen.add(real)
                files, folders = self._look(folder)
                links += [entry.path for entry in folders if entry.is_symlink()]
                inner += [e.path for e in reversed(folders) if not e.is_symlink()]
                made = set().union(*(results(Path(entry.name)) for entry in files))
                for entry in files:
                    if entry.name not in made:
                        yield from _entry(entry, start, real)

    def _look(self, folder: str) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
        """The pictures and the folders in a folder, by name."""
        try:
            with os.scandir(folder) as entries:
                all_ = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.unreadable.append((folder, error.strerror or str(error)))
            return [], []
        all_ = [entry for entry in all_ if not entry.name.startswith(".")]
        pictures = [entry for entry in all_ if _suffix(entry.name) in PICTURE_SUFFIXES]
        files = [entry for entry in pictures if _is(entry, os.DirEntry.is_file)]
        return files, [entry for entry in all_ if _is(entry, os.DirEntry.is_dir)]


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


def is_film(path: Path) -> bool:
    """Whether a file is a film, by its content."""
    return path.is_file() and media_of(path).kind == "video"


def _named(path: Path) -> Found:
    found = places.path_stat(path.stat())
    return Found(str(path), path.name, os.path.realpath(path), found, True, is_film(path))


def _entry(entry: os.DirEntry[str], start: int, folder: str) -> Iterator[Found]:
    try:
        found = places.path_stat(entry.stat())
    except OSError:  # gone since
        return
    real = os.path.realpath(entry.path) if entry.is_symlink() else f"{folder}{os.sep}{entry.name}"
    yield Found(entry.path, entry.path[start:].replace(os.sep, "/"), real, found)


def _of_url(url: str) -> Iterator[Found]:
    """The pictures under a URL."""
    fs, path = places.filesystem(url)
    if not url.startswith(("zip:", "tar:")) and fs.isfile(path):
        yield Found(url, PurePosixPath(path).name, url, places.stat_of(fs.info(path)), True)
        return
    for own, relative, found in places.listing(url):
        parts = PurePosixPath(relative).parts
        hidden = any(part.startswith(".") for part in parts)
        if not hidden and _suffix(relative) in PICTURE_SUFFIXES and ".." not in parts:
            yield Found(own, relative, own, found)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _is(entry: os.DirEntry[str], test: object) -> bool:
    try:
        return bool(test(entry))  # type: ignore[operator]
    except OSError:
        return False


def _fits(relative: str, pattern: str) -> bool:
    return fnmatchcase(relative if "/" in pattern else relative.rsplit("/", 1)[-1], pattern)
