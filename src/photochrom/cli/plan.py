"""From the arguments of a command line to jobs: what is read, and where its colours go."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .._io import show
from ..archive.naming import COLOUR, PREVIEW, beside, comparison, stem_and_suffix
from ..archive.search import Found, existing, is_film
from ..archive.storage import is_url, local
from ..errors import ArgumentError
from ..media import FORMATS, PICTURE_SUFFIXES

STREAM = "-"
"""Stands for standard input as a PATH and for standard output as OUT."""


@dataclass(frozen=True)
class Job:
    """One picture or film to colour.

    Attributes:
        source: None: standard input.
        output: None: standard output.
        compare: where the picture of before and after goes; None: nowhere.
        film: whether it is a film.
    """

    source: Path | None
    output: Path | None
    compare: Path | None = None
    film: bool = False


def several(paths: Sequence[str], output: str | None) -> bool:
    """Whether many pictures may be meant, even if only one is found: an archive."""
    if STREAM in paths or output == STREAM:
        return False
    urls = any(is_url(text) for text in (*paths, output or ""))
    return len(paths) != 1 or urls or Path(paths[0]).is_dir()


def plan_one(
    paths: Sequence[str],
    output: str | None,
    *,
    compare: bool,
    overwrite: bool,
    preview: bool = False,
) -> Job:
    """Look at the disk and decide, without changing anything there.

    Args:
        paths: one file, or only ``"-"``.
        output: a file, a folder, ``"-"``, or None for beside the input.
        compare: before-and-after pictures are wanted.
        overwrite: an output that exists is to be replaced.
        preview: of a film only a preview is wanted, which has a name of its own.

    Raises:
        ArgumentError: the path does not exist, the output exists, or is the input.
    """
    if STREAM in paths or output == STREAM:
        job = _plan_stream(paths, output, compare)
    else:
        source = existing(Path(paths[0]))
        film = is_film(source)
        target = None if output is None else Path(output)
        if target is not None and is_folder(str(output), target, many=False, film=film):
            job = _job(source, target / _name(source, film, preview), compare, film)
        elif target is not None:
            job = _job(source, target, compare, film)
        else:
            mark = PREVIEW if film and preview else COLOUR
            job = _job(source, beside(source, film, mark), compare, film)
    _check_input(job)
    if not overwrite and taken(job):
        raise _exists(job)
    return job


def plan_films(found: Sequence[Found], root: str | None, preview: bool) -> list[Job]:
    """The jobs for films that were named beside other things.

    Raises:
        ArgumentError: two would be written to the same place, or into a store.
    """
    jobs: dict[Path, Job] = {}
    for each in found:
        source = Path(each.path)
        folder = None if root is None else local(root)
        if root is not None and folder is None:
            raise bad_output(Path(root), "a folder of this machine", "a URL", "colour films apart")
        if folder is None:
            output = beside(source, True, PREVIEW if preview else COLOUR)
        else:
            output = folder / _name(source, True, preview)
        job = _job(source, output, False, True)
        _check_input(job)
        other = jobs.setdefault(output, job)
        if os.path.realpath(source) != os.path.realpath(other.source or ""):
            raise ArgumentError(
                f"two films would be written to {show(output)}",
                expected="an output for each film",
                got=f"one for {show(other.source)} and {show(source)}",
                fix="colour them in commands of their own with another -o each",
            )
    return list(jobs.values())


def _plan_stream(paths: Sequence[str], output: str | None, compare: bool) -> Job:
    if len(paths) != 1 or Path(paths[0]).is_dir():
        raise ArgumentError(
            "a picture from or to a stream cannot be combined with others",
            expected="one picture",
            got=", ".join(paths) or "none",
            fix="colour the others in a command of their own",
        )
    source = None if paths[0] == STREAM else existing(Path(paths[0]))
    target = None if output is None or output == STREAM else Path(output)
    if target is not None and is_folder(str(output), target, many=False):
        raise bad_output(target, "the name of a file", "a folder", "name the file")
    if compare and target is None:
        raise ArgumentError(
            "--compare needs a place for its picture",
            expected="-o FILE",
            got="a picture that goes to standard output",
            fix="name an output file, or leave out --compare",
        )
    return _job(source, target, compare)


def is_folder(text: str, target: Path, many: bool, film: bool = False) -> bool:
    """Whether -o means a folder. An output that cannot be used is refused."""
    if target.is_dir() or text.endswith(("/", os.sep)):
        return True
    suffix = target.suffix.lower()
    if film and suffix:
        return False  # whether such films are written is known where that is done
    if many:
        if target.exists() or suffix in PICTURE_SUFFIXES:
            raise bad_output(target, "a folder", "the name of a file", "name a folder for them")
        return True
    if suffix not in PICTURE_SUFFIXES or not FORMATS[PICTURE_SUFFIXES[suffix]].write:
        usual = ", ".join(row.suffixes[0] for row in FORMATS.values() if row.write)
        raise bad_output(
            target,
            f"a file with one of the suffixes {usual}",
            f"the suffix {suffix}" if suffix else "no suffix",
            f"change it, or write {show(text)}/ for a folder",
        )
    return False


def _name(path: Path, film: bool, preview: bool) -> str:
    stem, suffix = stem_and_suffix(path, film)
    return stem + PREVIEW * (film and preview) + suffix


def _job(source: Path | None, output: Path | None, compare: bool, film: bool = False) -> Job:
    if output is None or film:
        return Job(source, output, film=film)
    return Job(source, output, comparison(output) if compare else None)


def _check_input(job: Job) -> None:
    for path in (job.output, job.compare):
        if path and job.source and _real(path) == _real(job.source):
            raise bad_output(
                path, "a new place", "a picture that is to be read", "choose another output"
            )


def taken(job: Job) -> Path | None:
    """What is already in the place of a result."""
    return next((p for p in (job.output, job.compare) if p and os.path.lexists(p)), None)


def _real(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))


def _exists(job: Job) -> ArgumentError:
    return ArgumentError(
        f"{show(taken(job))} exists already",
        expected="the name of a new file",
        got="that of an existing one",
        fix="choose another with -o, or replace it with --overwrite",
    )


def bad_output(output: Path, expected: str, got: str, fix: str) -> ArgumentError:
    """The error for an -o that cannot be used."""
    return ArgumentError(
        f"the output {show(output)} cannot be used", expected=expected, got=got, fix=fix
    )
