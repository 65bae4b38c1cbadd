"""What results are called."""

from __future__ import annotations

from pathlib import Path

from ..media import PICTURE_SUFFIXES, VIDEO_SUFFIXES, Media, identify, read_head, result_suffix

COLOUR, COMPARE, PREVIEW = "-color", "-compare", "-preview"


def media_of(path: Path) -> Media:
    """What a file is by its content; of an empty or unreadable one, by its name."""
    try:
        head = read_head(path)
    except OSError:
        head = b""  # opening it will tell why
    found = identify(head)
    if found.kind in ("picture", "video"):
        return found
    return _named(path) or found


def _named(path: Path) -> Media | None:
    """What a file is by the ending of its name."""
    suffix = path.suffix.lower()
    if suffix in PICTURE_SUFFIXES:
        return Media("picture", PICTURE_SUFFIXES[suffix])
    if suffix in VIDEO_SUFFIXES:
        return Media("video", VIDEO_SUFFIXES[suffix])
    return None


def stem_and_suffix(path: Path, film: bool = False) -> tuple[str, str]:
    """The parts of the result's name: as the source's if its format can be written."""
    suffix = path.suffix
    if film:
        found = _named(path) if suffix.lower() in VIDEO_SUFFIXES else Media("video", "avi")
        assert found is not None
        return path.stem, result_suffix(found, suffix)
    if suffix.lower() not in PICTURE_SUFFIXES:
        found = media_of(path)
        return path.name, result_suffix(found, "") if found.kind == "picture" else ".png"
    return path.stem, result_suffix(Media("picture", PICTURE_SUFFIXES[suffix.lower()]), suffix)


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
    plain = PICTURE_SUFFIXES.get(output.suffix.lower()) in ("jpeg", "png")
    stem = output.stem.removesuffix(COLOUR)
    return output.with_name(stem + COMPARE + (output.suffix if plain else ".png"))
