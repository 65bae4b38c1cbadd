"""Image sequences: folders whose pictures are the numbered frames of a film."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .._io import show
from ..errors import VideoError
from ..media import PICTURE_SUFFIXES

_NAME = re.compile(r"(.*?)(\d+)([^\d]*)")
_FEW = 5  # missing numbers that are named


@dataclass(frozen=True)
class NumberedFrames:
    """The frames in a folder.

    Attributes:
        folder: where they are.
        files: of the frames, in their order.
        notes: what is amiss with them, in words.
    """

    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def numbered_frames(folder: Path) -> NumberedFrames:
    """The frames of the film that a folder holds; hidden files are passed over.

    Raises:
        VideoError: it holds no pictures, or such as are not numbered frames of one film.
    """
    try:
        files = sorted(p for p in folder.iterdir() if not p.name.startswith(".") and p.is_file())
    except OSError as error:
        raise _no_frames(folder, (error.strerror or str(error)).lower()) from error
    pictures = [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES]
    if not pictures:
        raise _no_frames(folder, "a folder without pictures")
    numbers: dict[int, Path] = {}
    kinds: Counter[tuple[str, str, str]] = Counter()
    for path in pictures:
        match = _NAME.fullmatch(path.stem)
        if match is None:
            raise _no_frames(folder, f"{show(path.name)}, which has no number")
        kinds[match[1], match[3], path.suffix.lower()] += 1
        if len(kinds) > 1:
            one, other = (f"{a}1{b}{suffix}" for a, b, suffix in kinds)
            raise _no_frames(folder, f"names of two kinds, like {show(one)} and {show(other)}")
        number = int(match[2])
        if number in numbers:
            raise _no_frames(folder, f"the number {number} twice")
        numbers[number] = path
    order = sorted(numbers)
    notes = [_missing(order)] if order[-1] - order[0] >= len(order) else []
    others = Counter(path.suffix.lower() or "no ending" for path in files if path not in pictures)
    if others:
        named = ", ".join(f"{count} {suffix}" for suffix, count in others.most_common())
        notes.append(f"other files in the folder were passed over: {named}")
    return NumberedFrames(folder, tuple(numbers[n] for n in order), tuple(notes))


def holds_numbered_frames(folder: Path) -> bool:
    """Whether a folder holds pictures itself, rather than folders of them."""
    return any(path.suffix.lower() in PICTURE_SUFFIXES for path in folder.iterdir())


def _missing(order: list[int]) -> str:
    known = set(order)
    lacking = [number for number in range(order[0], order[-1]) if number not in known]
    named = ", ".join(map(str, lacking[:_FEW])) + (" and more" if len(lacking) > _FEW else "")
    return f"{len(lacking)} numbers are missing: {named}; the frames beside them follow each other"


def _no_frames(folder: Path, got: str) -> VideoError:
    return VideoError(
        f"{show(folder)} cannot be read as the frames of a film",
        expected="a folder with numbered pictures of one kind, such as frame-0001.png",
        got=got,
        fix="name the folder of the frames, and leave nothing else in it",
    )
