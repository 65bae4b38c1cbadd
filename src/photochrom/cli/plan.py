"""From the arguments of a command line to jobs: what is read, and where its colours go."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ArgumentError
from ..picture import FORMATS, default_suffix
from ..picture.formats import show, sniff
from .files import FORMAT_OF, Found, existing, find, head, is_film

STREAM = "-"
"""Stands for standard input as a PATH and for standard output as OUT."""

_COLOUR, _COMPARE, _PREVIEW = "-color", "-compare", "-preview"
_HOLDS_ALL = ".mkv"  # for films in a kind of file that is not written


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


@dataclass(frozen=True)
class Plan:
    """What a command line asks for.

    Attributes:
        jobs: to do.
        finished: jobs whose output is there already.
        left_out: named files that are results of other named files.
        unreadable: folders that could not be looked into, and why.
        many: several pictures may be meant, even if only one was found.
    """

    jobs: list[Job]
    finished: list[Job] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    many: bool = False


def plan(
    paths: Sequence[str],
    output: str | None,
    *,
    compare: bool,
    overwrite: bool,
    preview: bool = False,
) -> Plan:
    """Look at the disk and decide, without changing anything there.

    Args:
        paths: files and folders, or only ``"-"``.
        output: a file, a folder, ``"-"``, or None for beside the input.
        compare: before-and-after pictures are wanted.
        overwrite: outputs that exist are to be replaced.
        preview: of films only previews are wanted, which have names of their own.

    Raises:
        ArgumentError: a path does not exist, there is no picture, outputs would collide with each
            other or with an input, or the output of a single picture exists.
    """
    if STREAM in paths or output == STREAM:
        return _plan_stream(paths, output, compare, overwrite)
    files = [Path(path) for path in paths]
    many = len(files) > 1 or any(path.is_dir() for path in files)
    target = None if output is None else Path(output)
    film = not many and any(map(is_film, files))
    into = target if target is not None and _is_folder(str(output), target, many, film) else None
    search = find(files, into)
    found, left_out = _without_results(search.found)
    if not found and not search.unreadable:
        raise _nothing(paths)
    jobs = [_job_for(each, target, into, compare, preview) for each in found]
    # A file may be named twice, or be in a named folder as well.
    jobs = list({_ends(job): job for job in reversed(jobs)}.values())[::-1]
    _check_collisions(jobs)
    finished = [] if overwrite else [job for job in jobs if _taken(job)]
    if finished and not many:
        raise _exists(finished[0])
    done = set(finished)
    new = [job for job in jobs if job not in done]
    return Plan(new, finished, left_out, search.unreadable, many)


def _plan_stream(paths: Sequence[str], output: str | None, compare: bool, overwrite: bool) -> Plan:
    if len(paths) != 1 or Path(paths[0]).is_dir():
        raise ArgumentError(
            "a picture from or to a stream cannot be combined with others",
            expected="one picture",
            got=", ".join(paths) or "none",
            fix="colour the others in a command of their own",
        )
    source = None if paths[0] == STREAM else existing(Path(paths[0]))
    target = None if output is None or output == STREAM else Path(output)
    if target is not None and _is_folder(str(output), target, many=False):
        raise _bad_output(target, "the name of a file", "a folder", "name the file")
    if compare and target is None:
        raise ArgumentError(
            "--compare needs a place for its picture",
            expected="-o FILE",
            got="a picture that goes to standard output",
            fix="name an output file, or leave out --compare",
        )
    job = _job(source, target, compare) if target else Job(source, None)
    _check_collisions([job])
    if not overwrite and _taken(job):
        raise _exists(job)
    return Plan([job])


def _is_folder(text: str, target: Path, many: bool, film: bool = False) -> bool:
    """Whether -o means a folder. An output that cannot be used is refused."""
    if target.is_dir() or text.endswith(("/", os.sep)):
        return True
    suffix = target.suffix.lower()
    if film and suffix:
        return False  # whether such films are written is known where that is done
    if many:
        if target.exists() or suffix in FORMAT_OF:
            raise _bad_output(target, "a folder", "the name of a file", "name a folder for them")
        return True
    if suffix not in FORMAT_OF or not FORMATS[FORMAT_OF[suffix]].write:
        usual = ", ".join(row.suffixes[0] for row in FORMATS.values() if row.write)
        raise _bad_output(
            target,
            f"a file with one of the suffixes {usual}",
            f"the suffix {suffix}" if suffix else "no suffix",
            f"change it, or write {show(text)}/ for a folder",
        )
    return False


def _without_results(found: list[Found]) -> tuple[list[Found], list[Path]]:
    """``found`` without what an earlier run put beside it; the named ones of what is left out."""
    results = set()
    for each in found:
        output = _beside(each.path, each.film)
        preview = _beside(each.path, each.film, _PREVIEW)
        results |= {_real(output), _real(_compare(output)), *([_real(preview)] * each.film)}
    keep, left_out = [], []
    for each in found:
        if _real(each.path) not in results:
            keep.append(each)
        elif each.named:
            left_out.append(each.path)
    return keep, left_out


def _job_for(
    each: Found, target: Path | None, into: Path | None, compare: bool, preview: bool
) -> Job:
    film = each.film
    if target and not into:
        output = target
    elif into is None:
        output = _beside(each.path, film, _PREVIEW if film and preview else _COLOUR)
    else:
        stem, suffix = _stem_and_suffix(each.path, film)
        output = into / each.relative.with_name(stem + _PREVIEW * (film and preview) + suffix)
    return Job(each.path, output, film=True) if film else _job(each.path, output, compare)


def _beside(path: Path, film: bool = False, mark: str = _COLOUR) -> Path:
    stem, suffix = _stem_and_suffix(path, film)
    return path.with_name(stem + mark + suffix)


def _stem_and_suffix(path: Path, film: bool) -> tuple[str, str]:
    """The parts of the result's name: as the source's if its format can be written."""
    if film:
        from ..video.encode import CONTAINERS

        return path.stem, path.suffix if path.suffix.lower() in CONTAINERS else _HOLDS_ALL
    format = FORMAT_OF.get(path.suffix.lower())
    if format is None:
        return path.name, default_suffix(sniff(head(path)))
    return path.stem, path.suffix if FORMATS[format].write else default_suffix(format)


def _job(source: Path | None, output: Path, compare: bool) -> Job:
    return Job(source, output, _compare(output) if compare else None)


def _compare(output: Path) -> Path:
    plain = FORMAT_OF.get(output.suffix.lower()) in ("jpeg", "png")
    stem = output.stem.removesuffix(_COLOUR)
    return output.with_name(stem + _COMPARE + (output.suffix if plain else ".png"))


def _check_collisions(jobs: Sequence[Job]) -> None:
    sources = {_real(job.source) for job in jobs if job.source}
    writers: dict[str, Job] = {}
    for job in jobs:
        for path in filter(None, (job.output, job.compare)):
            key = _real(path)
            if key in sources:
                raise _bad_output(
                    path, "a new place", "a picture that is to be read", "choose another output"
                )
            if (other := writers.setdefault(key, job)) is not job:
                raise ArgumentError(
                    f"two pictures would be written to {show(path)}",
                    expected="an output for each picture",
                    got=f"one for {show(other.source)} and {show(job.source)}",
                    fix="colour them in commands of their own with another -o each",
                )


def _taken(job: Job) -> Path | None:
    return next((p for p in (job.output, job.compare) if p and os.path.lexists(p)), None)


def _ends(job: Job) -> tuple[str, ...]:
    return tuple(_real(path) for path in (job.source, job.output) if path)


def _real(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))


def _exists(job: Job) -> ArgumentError:
    return ArgumentError(
        f"{show(_taken(job))} exists already",
        expected="the name of a new file",
        got="that of an existing one",
        fix="choose another with -o, or replace it with --overwrite",
    )


def _nothing(paths: Sequence[str]) -> ArgumentError:
    suffixes = ", ".join(row.suffixes[0] for row in FORMATS.values())
    return ArgumentError(
        "there is nothing to colour",
        expected=f"pictures ({suffixes}), or the name of a film",
        got=f"none in {', '.join(map(show, paths))}" if paths else "no PATH",
        fix="name a picture, or a folder that holds some",
    )


def _bad_output(output: Path, expected: str, got: str, fix: str) -> ArgumentError:
    return ArgumentError(
        f"the output {show(output)} cannot be used", expected=expected, got=got, fix=fix
    )
