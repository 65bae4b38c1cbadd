"""Names and places of results."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from .._io import show
from ..errors import ArgumentError
from ..media import (
    FORMATS,
    PICTURE_SUFFIXES,
    VIDEO_SUFFIXES,
    Media,
    identify,
    read_head,
    result_suffix,
)

COLOR, COMPARE, PREVIEW = "-color", "-compare", "-preview"

_NUMBER = re.compile(r"-[0-9]+$")


@dataclass(frozen=True)
class Naming:
    """How results are named."""

    mark: str = COLOR  # what the name of a result gets that lies beside its source
    preview: bool = False  # results of films are previews, which have a mark of their own
    format: str | None = None  # of pictures, a key of `media.FORMATS`; None: as the source

    def name(self, source: PurePath, media: Media, *, beside: bool, number: int = 1) -> str:
        """The name of the result of a file.

        Args:
            source: its path; a name without a picture's or film's ending is kept whole.
            media: what it is.
            beside: the result lies beside the source.
            number: of the result among those that would have the same name.
        """
        count = f"-{number}" if number > 1 else ""
        if media.kind == "video":
            stem, suffix = source.stem, result_suffix(media, source.suffix)
            mark = PREVIEW if self.preview else self.mark if beside else ""
            return stem + count + mark + suffix
        known = source.suffix.lower() in PICTURE_SUFFIXES
        stem = source.stem if known else source.name
        suffix = result_suffix(media, source.suffix)
        if self.format is not None and PICTURE_SUFFIXES.get(suffix.lower()) != self.format:
            suffix = FORMATS[self.format].suffixes[0]
        return stem + count + self.mark * beside + suffix

    def place(self, source: Path, media: Media, output: str | None) -> Path:
        """Where the result of one file goes.

        Args:
            source: its path.
            media: what it is.
            output: a file or a folder; None: beside the source.

        Raises:
            ArgumentError: `output` can be neither.
        """
        if output is None:
            return source.with_name(self.name(source, media, beside=True))
        target = Path(output)
        if is_folder(output, target, many=False, film=media.kind == "video"):
            target /= self.name(source, media, beside=False)
        return target

    def comparison(self, output: str) -> str:
        """The name of the before-and-after picture of a result."""
        path = PurePath(output)
        plain = PICTURE_SUFFIXES.get(path.suffix.lower()) in ("jpeg", "png")
        stem = path.stem.removesuffix(self.mark)
        return stem + COMPARE + (path.suffix if plain else ".png")

    def results(self, source: PurePath, media: Media) -> set[str]:
        """The names of what may have been made of a file, beside it."""
        if media.kind == "video":
            both = (self, replace(self, preview=not self.preview))
            return {each.name(source, media, beside=True) for each in both}
        output = self.name(source, media, beside=True)
        return {output, self.comparison(output)}

    def without_number(self, name: str) -> str:
        """``a-2-color.png`` as ``a-color.png``; other names as they are."""
        path = PurePath(name)
        for mark in (self.mark, COMPARE, PREVIEW):
            if path.stem.endswith(mark):
                stem = _NUMBER.sub("", path.stem.removesuffix(mark))
                return stem + mark + path.suffix
        return name


def media_by_name(name: PurePath) -> Media | None:
    """What a file is by the ending of its name; None if that is unknown."""
    suffix = name.suffix.lower()
    if suffix in PICTURE_SUFFIXES:
        return Media("picture", PICTURE_SUFFIXES[suffix])
    if suffix in VIDEO_SUFFIXES:
        return Media("video", VIDEO_SUFFIXES[suffix])
    return None


def media_of(path: Path) -> Media:
    """What a file is by its content; one that is neither picture nor film, by its name."""
    try:
        found = identify(read_head(path))
    except OSError:  # opening it will tell why
        found = identify(b"")
    if found.kind in ("picture", "video"):
        return found
    return media_by_name(path) or found


def is_folder(text: str, target: Path, *, many: bool, film: bool = False) -> bool:
    """Whether an output means a folder; ArgumentError if it can be neither file nor folder."""
    if target.is_dir() or text.endswith(("/", os.sep)):
        return True
    suffix = target.suffix.lower()
    if film and suffix:
        return False  # whether such films are written is known where that is done
    if many:
        if target.exists() or suffix in PICTURE_SUFFIXES:
            raise bad_output(text, "a folder", "the name of a file", "name a folder for them")
        return True
    if suffix not in PICTURE_SUFFIXES or not FORMATS[PICTURE_SUFFIXES[suffix]].write:
        usual = ", ".join(row.suffixes[0] for row in FORMATS.values() if row.write)
        raise bad_output(
            text,
            f"a file with one of the suffixes {usual}",
            f"the suffix {suffix}" if suffix else "no suffix",
            f"change it, or write {show(text)}/ for a folder",
        )
    return False


def bad_output(output: str, expected: str, got: str, fix: str) -> ArgumentError:
    """The error for an output that cannot be used."""
    return ArgumentError(
        f"the output {show(output)} cannot be used", expected=expected, got=got, fix=fix
    )
