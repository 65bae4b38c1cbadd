"""From named paths and URLs to the files there, one after the other: there may be millions."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ...media import (
    PICTURE_SUFFIXES,
    TEXT,
    TOLD_BY_HEAD,
    VIDEO_SUFFIXES,
    Media,
    identify,
    read_head,
)
from .. import storage
from ..naming import Naming, media_by_name, media_of


@dataclass(frozen=True)
class Found:
    """One picture or film."""

    path: str  # where it is, a path or URL
    relative: str  # the same, seen from the folder that was named, with forward slashes
    real: str  # one name for the file, however it is reached
    stat: storage.Stat  # its size and version
    media: Media  # what it is: by its content if it was named itself, else by its name
    named: bool = False  # by the user, rather than found in a folder


@dataclass
class Search:
    """A search in ``paths``.

    Hidden files and folders are passed over, and so is the folder ``output`` inside a named one.
    Results of an earlier run, beside their sources, are none themselves.

    Attributes:
        paths: files and folders, or URLs of them.
        output: where results go.
        include, exclude: patterns, see `ArchiveOptions`.
        naming: how results are called.
        results: named files that are results of other named files.
        unreadable: folders that could not be looked into, and why.
        passed_over: files in folders that are neither picture nor film, by ending.
    """

    paths: Sequence[str]
    output: str | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    naming: Naming = field(default_factory=Naming)
    results: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Found]:
        """What is there, in the order of names; ArgumentError if a path does not exist."""
        self.results, self.unreadable, self.passed_over = [], [], Counter()
        for text in self.paths:
            if not storage.is_url(text):
                storage.existing(text)
        named = {os.path.realpath(p) for p in self.paths if storage.local(p)}
        made = {
            os.path.join(os.path.dirname(each), name)  # noqa: PTH118, PTH120 - strings: speed
            for each in named
            if os.path.isfile(each)  # noqa: PTH113
            for name in self.naming.results(Path(each), media_of(Path(each)))
        }
        for text in self.paths:
            path = storage.local(text)
            if path is None:
                yield from filter(self._wanted, self._of_url(text))
            elif path.is_dir():
                yield from filter(self._wanted, self._walk(path))
            elif os.path.realpath(path.with_name(self.naming.without_number(path.name))) in made:
                self.results.append(str(path))
            else:
                yield named_file(path)

    def _wanted(self, found: Found) -> bool:
        if self.include and not any(_fits(found.relative, each) for each in self.include):
            return False
        return not any(_fits(found.relative, each) for each in self.exclude)

    def _walk(self, top: Path) -> Iterator[Found]:
        """The files under ``top``, each folder once.

        Links to folders are followed after everything else, so that a loop ends and a folder that
        can be reached without a link keeps its own name.
        """
        seen: set[str] = set()
        output = storage.local(self.output) if self.output else None
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
                made: set[str] = set()
                for name in map(PurePosixPath, (entry.name for entry in files)):
                    if media := media_by_name(name):
                        made |= self.naming.results(name, media)
                for entry in files:
                    if (
                        entry.name not in made
                        and self.naming.without_number(entry.name) not in made
                    ):
                        yield from self._entry(entry, start, real)

    def _look(self, folder: str) -> tuple[list[os.DirEntry[str]], list[os.DirEntry[str]]]:
        """The pictures, films and folders in a folder, by name."""
        try:
            with os.scandir(folder) as entries:
                all_ = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.unreadable.append((folder, error.strerror or str(error)))
            return [], []
        all_ = [entry for entry in all_ if not entry.name.startswith(".")]
        files: list[os.DirEntry[str]] = []
        folders: list[os.DirEntry[str]] = []
        for entry in all_:
            suffix = _suffix(entry.name)
            if _is(entry, os.DirEntry.is_dir):
                folders.append(entry)
            elif suffix not in PICTURE_SUFFIXES and suffix not in VIDEO_SUFFIXES:
                self._pass_over(entry.name)
            elif _is(entry, os.DirEntry.is_file):
                files.append(entry)
        return files, folders

    def _pass_over(self, name: str) -> None:
        self.passed_over[_suffix(name) or "no ending"] += 1

    def _entry(self, entry: os.DirEntry[str], start: int, folder: str) -> Iterator[Found]:
        media = media_by_name(PurePosixPath(entry.name))
        assert media is not None
        if media.format in TOLD_BY_HEAD:
            media = media_of(Path(entry.path))
        if media.kind == "video" and _is_text(entry.path):
            self._pass_over(entry.name)
            return
        try:
            found = storage.path_stat(entry.stat())
        except OSError:  # gone since
            return
        real = (
            os.path.realpath(entry.path) if entry.is_symlink() else f"{folder}{os.sep}{entry.name}"
        )
        yield Found(entry.path, entry.path[start:].replace(os.sep, "/"), real, found, media)

    def _of_url(self, url: str) -> Iterator[Found]:
        """The files under a URL."""
        fs, path = storage.filesystem(url)
        if not url.startswith(("zip:", "tar:")) and fs.isfile(path):
            name = PurePosixPath(path)
            media = media_by_name(name) or Media("picture", "jpeg")
            yield Found(url, name.name, url, storage.stat_of(fs.info(path)), media, True)
            return
        for own, relative, found in storage.listing(url):
            parts = PurePosixPath(relative).parts
            if any(part.startswith(".") for part in parts) or ".." in parts:
                continue
            media_there = media_by_name(PurePosixPath(relative))
            if media_there is not None and media_there.kind == "picture":
                yield Found(own, relative, own, found, media_there)
            else:
                self._pass_over(relative)


def named_file(path: Path) -> Found:
    """A file that was named itself."""
    found, real = storage.path_stat(path.stat()), os.path.realpath(path)
    return Found(str(path), path.name, real, found, media_of(path), True)


def _is_text(path: str) -> bool:
    """Whether a file with a film's ending is none: .ts is TypeScript too."""
    try:
        return identify(read_head(path)) == TEXT
    except OSError:  # colouring it will tell why
        return False


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _is(entry: os.DirEntry[str], test: object) -> bool:
    try:
        return bool(test(entry))  # type: ignore[operator]
    except OSError:
        return False


def _fits(relative: str, pattern: str) -> bool:
    return fnmatchcase(relative if "/" in pattern else relative.rsplit("/", 1)[-1], pattern)
