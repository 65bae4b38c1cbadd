"""The task of one named file, which needs no manifest."""

from __future__ import annotations

import os
from pathlib import Path

from ..._io import show
from ...errors import ArgumentError
from ...media import FORMATS, PICTURE_SUFFIXES
from ..events import Task
from ..naming import Naming, media_of
from ..storage import STREAM


def single_task(
    sources: list[str], output: str | None, naming: Naming, *, compare: bool, overwrite: bool
) -> Task:
    """Decide where the result of one file goes, without changing anything on the disk.

    Args:
        sources: one path, or ``"-"``.
        output: a file, a folder, ``"-"``, or None for beside the source.
        naming: how the result is called.
        compare: a before-and-after picture is wanted.
        overwrite: an output that exists is to be replaced.

    Raises:
        ArgumentError: the source does not exist, the output exists, or is the source.
    """
    if STREAM in sources or output == STREAM:
        task = _stream(sources, output, compare, naming)
    else:
        source = existing(sources[0])
        media = media_of(source)
        film = media.kind == "video"
        target = None if output is None else Path(output)
        if target is None:
            target = source.with_name(naming.name(source, media, beside=True))
        elif is_folder(str(output), target, many=False, film=film):
            target /= naming.name(source, media, beside=False)
        size = source.stat().st_size
        compared = compare and not film
        task = Task(
            0,
            str(source),
            str(target),
            str(target.with_name(naming.comparison(target.name))) if compared else None,
            size,
            "video" if film else "picture",
            named=True,
        )
    _check_not_source(task)
    if not overwrite and (taken := _taken(task)):
        raise ArgumentError(
            f"{show(taken)} exists already",
            expected="the name of a new file",
            got="that of an existing one",
            fix="choose another with -o, or replace it with --overwrite",
        )
    return task


def existing(text: str) -> Path:
    """The path that ``text`` is.

    Raises:
        ArgumentError: there is no such file or folder.
    """
    if not text or not Path(text).exists():
        raise ArgumentError(
            f"{show(text) or 'an empty path'} cannot be coloured",
            expected="a picture, a film or a folder of them",
            got="no such file or folder" if text else "no name",
            fix="check the path",
        )
    return Path(text)


def _stream(sources: list[str], output: str | None, compare: bool, naming: Naming) -> Task:
    if len(sources) != 1 or Path(sources[0]).is_dir():
        raise ArgumentError(
            "a picture from or to a stream cannot be combined with others",
            expected="one picture",
            got=", ".join(sources) or "none",
            fix="colour the others in a command of their own",
        )
    source = STREAM if sources[0] == STREAM else str(existing(sources[0]))
    target = STREAM if output is None or output == STREAM else output
    if target != STREAM and is_folder(target, Path(target), many=False):
        raise bad_output(target, "the name of a file", "a folder", "name the file")
    if compare and target == STREAM:
        raise ArgumentError(
            "--compare needs a place for its picture",
            expected="-o FILE",
            got="a picture that goes to standard output",
            fix="name an output file, or leave out --compare",
        )
    path = Path(target)
    compared = str(path.with_name(naming.comparison(path.name))) if compare else None
    return Task(0, source, target, compared, named=True)


def is_folder(text: str, target: Path, *, many: bool, film: bool = False) -> bool:
    """Whether an output means a folder.

    Raises:
        ArgumentError: it can be neither file nor folder.
    """
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


def _check_not_source(task: Task) -> None:
    for path in (task.output, task.compare):
        if path and STREAM not in (path, task.source) and _real(path) == _real(task.source):
            fix = "choose another output"
            raise bad_output(path, "a new place", "a picture that is to be read", fix)


def _taken(task: Task) -> str | None:
    """What is already in the place of a result."""
    places = (path for path in (task.output, task.compare) if path and path != STREAM)
    return next((path for path in places if os.path.lexists(path)), None)


def _real(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))
