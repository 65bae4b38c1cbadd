"""From the paths of a command line to jobs: what is read, and where its colours go."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ArgumentError
from ..picture import FORMATS, default_suffix
from ..picture.formats import HEAD, show, sniff

STREAM = "-"
"""Stands for standard input as a PATH and for standard output as OUT."""

_FORMAT_OF = {suffix: name for name, row in FORMATS.items() for suffix in row.suffixes}
_COLOUR, _COMPARE = "-color", "-compare"


@dataclass(frozen=True)
class Job:
    """One picture to colour.

    Attributes:
        source: None: standard input.
        output: None: standard output.
        compare: where the picture of before and after goes; None: nowhere.
    """

    source: Path | None
    output: Path | None
    compare: Path | None = None


@dataclass(frozen=True)
class Plan:
    """What a command line asks for.

    Attributes:
        jobs: to do.
        existing: jobs whose output is there already.
        left_out: named files that are results of other named files.
        unreadable: folders that could not be looked into, and why.
        many: several pictures may be meant, even if only one was found.
    """

    jobs: list[Job]
    existing: list[Job]
    left_out: list[Path]
    unreadable: list[tuple[Path, str]]
    many: bool


@dataclass(frozen=True)
class _Found:
    path: Path
    relative: Path  # to the folder it was found in
    named: bool  # by the user, rather than found in a folder


def plan(paths: Sequence[str], output: str | None, *, compare: bool, overwrite: bool) -> Plan:
    """Look at the disk and decide, without changing anything there.

    Args:
        paths: files and folders, or only ``"-"``.
        output: a file, a folder, ``"-"``, or None for beside the input.
        compare: before-and-after pictures are wanted.
        overwrite: existing outputs are to be replaced.

    Raises:
        ArgumentError: a path does not exist, there is no picture, outputs would collide with each
            other or with an input, or the output of a single picture exists.
    """
    if STREAM in paths or output == STREAM:
        return _plan_stream(paths, output, compare, overwrite)
    files = [Path(path) for path in paths]
    many = len(files) > 1 or any(path.is_dir() for path in files)
    target = None if output is None else Path(output)
    into = target if target is not None and _is_folder(str(output), target, many) else None
    unreadable: list[tuple[Path, str]] = []
    found = list(_find(files, into, unreadable))
    found, left_out = _without_results(found)
    if not found and not left_out and not unreadable:
        raise _nothing(paths)
    jobs = [
        _job(each.path, _place(each, into) if into or not target else target, target, compare)
        for each in found
    ]
    _check_collisions(jobs)
    new, existing = _split(jobs, overwrite, many)
    return Plan(new, existing, left_out, unreadable, many)


def _plan_stream(
    paths: Sequence[str], output: str | None, compare: bool, overwrite: bool
) -> Plan:
    if len(paths) != 1 or Path(paths[0]).is_dir():
        raise ArgumentError(
            "a picture from or to a stream cannot be combined with other pictures",
            expected="one picture",
            got=" ".join(paths) or "none",
            fix="colour the files in a command of their own",
        )
    source = None if paths[0] == STREAM else _existing(Path(paths[0]))
    target = None if output in (None, STREAM) else Path(str(output))
    if target is not None and _is_folder(str(output), target, many=False):
        raise _bad_output(str(output), "the name of a file", "a folder", "name the file")
    if compare and target is None:
        raise ArgumentError(
            "--compare needs a place for its picture",
            expected="-o FILE",
            got="a picture that goes to standard output",
            fix="name an output file, or leave out --compare",
        )
    job = _job(source, target, target, compare) if target else Job(source, None)
    _check_collisions([job])
    new, existing = _split([job], overwrite, many=False)
    return Plan(new, existing, [], [], many=False)


def _is_folder(text: str, target: Path, many: bool) -> bool:
    """Whether -o means a folder. An output that can be neither is refused."""
    if target.is_dir() or text.endswith(("/", os.sep)):
        return True
    suffix = target.suffix.lower()
    if many:
        if target.exists() or suffix in _FORMAT_OF:
            raise _bad_output(
                text, "a folder for several pictures", "the name of a file", "name a folder"
            )
        return True
    format = _FORMAT_OF.get(suffix)
    if format is None or not FORMATS[format].write:
        usual = ", ".join(row.suffixes[0] for row in FORMATS.values() if row.write)
        raise _bad_output(
            text,
            f"a file with one of the suffixes {usual}",
            f"the suffix {suffix}" if suffix else "no suffix",
            f"add a suffix, or write {text}/ for a folder",
        )
    return False


def _existing(path: Path) -> Path:
    if not path.exists():
        raise ArgumentError(
            f"{show(path)} cannot be coloured",
            expected="a picture or a folder of pictures",
            got="no such file or folder",
            fix="check the path",
        )
    return path


def _find(
    paths: Iterable[Path], into: Path | None, unreadable: list[tuple[Path, str]]
) -> Iterator[_Found]:
    """Every picture once for each output it would have."""
    seen: set[tuple[Path, Path]] = set()
    for path in [_existing(path) for path in paths]:
        inside = _walk(path, into, unreadable) if path.is_dir() else [path]
        for file in inside:
            relative = file.relative_to(path) if path.is_dir() else Path(file.name)
            key = (Path(os.path.abspath(file)), relative if into else Path())
            if key not in seen:
                seen.add(key)
                yield _Found(file, relative, not path.is_dir())


def _walk(
    top: Path, into: Path | None, unreadable: list[tuple[Path, str]]
) -> Iterator[Path]:
    """The pictures under ``top`` by their suffixes, hidden ones apart, each folder once.

    Links to folders are followed after everything else, so that a loop ends and a folder that can
    be reached without a link has its own name.
    """
    def note(error: OSError) -> None:
        unreadable.append((Path(error.filename or top), error.strerror or str(error)))

    seen: set[str] = set()
    if into is not None and os.path.realpath(into) != os.path.realpath(top):
        seen.add(os.path.realpath(into))  # results of an earlier run
    later = [str(top)]
    while later:
        for folder, inner, names in os.walk(later.pop(0), onerror=note):
            real = os.path.realpath(folder)
            if real in seen:
                inner.clear()
                continue
            seen.add(real)
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            later += [path for n in inner if os.path.islink(path := os.path.join(folder, n))]
            for name in sorted(names):
                path = Path(folder, name)
                if path.suffix.lower() in _FORMAT_OF and name[0] != "." and path.is_file():
                    yield path


def _without_results(found: list[_Found]) -> tuple[list[_Found], list[Path]]:
    """``found`` without the results that an earlier run put beside it; the named ones of these."""
    results = set()
    for each in found:
        output = _beside(each.path)
        results |= {os.path.abspath(output), os.path.abspath(_compare(output, None))}
    keep = [each for each in found if os.path.abspath(each.path) not in results]
    dropped = [each.path for each in found if each.named and each not in keep]
    return keep, dropped


def _place(each: _Found, into: Path | None) -> Path:
    if into is None:
        return _beside(each.path)
    stem, suffix = _stem_and_suffix(each.path)
    return into / each.relative.with_name(stem + suffix)


def _beside(path: Path) -> Path:
    stem, suffix = _stem_and_suffix(path)
    return path.with_name(stem + _COLOUR + suffix)


def _stem_and_suffix(path: Path) -> tuple[str, str]:
    """The name of the result's file: as the source's if that format can be written."""
    format = _FORMAT_OF.get(path.suffix.lower())
    if format is None:
        return path.name, default_suffix(sniff(_head(path)))
    return path.stem, path.suffix if FORMATS[format].write else default_suffix(format)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""  # opening it as a picture will tell why


def _job(source: Path | None, output: Path, target: Path | None, compare: bool) -> Job:
    return Job(source, output, _compare(output, target) if compare else None)


def _compare(output: Path, target: Path | None) -> Path:
    stem = output.stem if target else output.stem.removesuffix(_COLOUR)
    plain = _FORMAT_OF.get(output.suffix.lower()) in ("jpeg", "png")
    return output.with_name(stem + _COMPARE + (output.suffix if plain else ".png"))


def _check_collisions(jobs: Sequence[Job]) -> None:
    sources = {_real(job.source) for job in jobs if job.source}
    writers: dict[str, Job] = {}
    for job in jobs:
        for path in filter(None, (job.output, job.compare)):
            key = _real(path)
            if key in sources:
                raise _bad_output(
                    show(path),
                    "another file than the pictures that are read",
                    "one of them",
                    "choose another output",
                )
            other = writers.setdefault(key, job)
            if other is not job or (path is job.compare and key == _real(job.output or path)):
                raise ArgumentError(
                    f"two pictures would be written to {show(path)}",
                    expected="an output for each picture",
                    got=f"one for {show(other.source)} and {show(job.source)}",
                    fix="colour them in commands of their own with another -o each",
                )


def _split(jobs: list[Job], overwrite: bool, many: bool) -> tuple[list[Job], list[Job]]:
    existing = [] if overwrite else [job for job in jobs if _taken(job)]
    if existing and not many:
        raise ArgumentError(
            f"{show(_taken(existing[0]))} exists already",
            expected="the name of a new file",
            got="that of an existing one",
            fix="choose another with -o, or replace it with --overwrite",
        )
    taken = set(map(id, existing))
    return [job for job in jobs if id(job) not in taken], existing


def _taken(job: Job) -> Path | None:
    return next((p for p in (job.output, job.compare) if p and os.path.lexists(p)), None)


def _real(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))


def _nothing(paths: Sequence[str]) -> ArgumentError:
    suffixes = ", ".join(row.suffixes[0] for row in FORMATS.values())
    where = ", ".join(show(path) for path in paths)
    return ArgumentError(
        "there is nothing to colour",
        expected=f"pictures ({suffixes})" if paths else "PATH, a picture or a folder of pictures",
        got=f"none in {where}" if paths else "none",
        fix="name a picture, or a folder that holds some",
    )


def _bad_output(output: str, expected: str, got: str, fix: str) -> ArgumentError:
    return ArgumentError(f"-o {output} cannot be used", expected=expected, got=got, fix=fix)
