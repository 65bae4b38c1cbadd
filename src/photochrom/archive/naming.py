"""What results are called."""

from __future__ import annotations

from pathlib import Path

from ..media import HEAD, sniff
from ..picture import FORMATS, default_suffix

FORMAT_OF = {suffix: name for name, row in FORMATS.items() for suffix in row.suffixes}
"""File name ending in lower case -> format."""

COLOUR, COMPARE, PREVIEW = "-color", "-compare", "-preview"
_HOLDS_ALL = ".mkv"  # for films in a kind of file that is not written


def stem_and_suffix(path: Path, film: bool = False) -> tuple[str, str]:
    """The parts of the result's name: as the source's if its format can be written."""
    if film:
        from ..video.encode import CONTAINERS

        return path.stem, path.suffix if path.suffix.lower() in CONTAINERS else _HOLDS_ALL
    format = FORMAT_OF.get(path.suffix.lower())
    if format is None:
        return path.name, default_suffix(sniff(head(path)))
    return path.stem, path.suffix if FORMATS[format].write else default_suffix(format)


def beside(path: Path, film: bool = False, mark: str = COLOUR) -> Path:
    """The result of a file for which no place is named."""
    stem, suffix = stem_and_suffix(path, film)
    return path.with_name(stem + mark + suffix)


def results(path: Path, film: bool = False) -> set[str]:
    """The names of what may be made of a file, beside it."""
    output = beside(path, film)
    names = {output.name, comparison(output).name}
    return names | {beside(path, film, PREVIEW).name} if film else names


def comparison(output: Path) -> Path:
    """Where the picture of before and after goes."""
    plain = FORMAT_OF.get(output.suffix.lower()) in ("jpeg", "png")
    stem = output.stem.removesuffix(COLOUR)
    return output.with_name(stem + COMPARE + (output.suffix if plain else ".png"))


def head(path: Path) -> bytes:
    """The first bytes of a file, for `sniff`."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""  # opening it as a picture will tell why
