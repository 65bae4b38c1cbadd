"""``photochrom colorize --dry-run``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .._io import clock, in_words, show
from ..errors import ArgumentError
from ..options import ColorOptions, OutputOptions, VideoOptions

if TYPE_CHECKING:
    from ..archive import ArchiveOptions
    from ..archive.find.estimate import Estimate


def tell_dry_run(
    sources: Sequence[str],
    output: str | None,
    options: ColorOptions,
    *,
    output_options: OutputOptions,
    video_options: VideoOptions,
    archive_options: ArchiveOptions,
    model: str | Path,
    as_json: bool,
) -> None:
    """Print what would be done, see `archive.estimate` and `check_film`; not for one picture."""
    from .. import archive
    from ..archive import is_single

    if not is_single(sources, output, video_options):
        told = archive.estimate(
            sources,
            output,
            options,
            output_options=output_options,
            video_options=video_options,
            archive_options=archive_options,
            model=model,
        )
        if as_json:
            values = asdict(told)
            values["films"] = values.pop("videos")
            typer.echo(json.dumps(values))
        else:
            for line in _estimate_lines(told, output):
                typer.echo(line)
        return
    film = _film(sources[0])
    if film is None:
        raise ArgumentError(
            "--dry-run cannot be used",
            expected="a film, a folder or several pictures",
            got="one picture",
        )
    _tell_film(film, output, options, video_options, model, as_json)


def _film(source: str) -> Path | None:
    """A file that is a film; None if it is something else."""
    from ..archive.naming import media_of
    from ..archive.storage import STREAM, existing

    path = None if source == STREAM else existing(source)
    return path if path is not None and media_of(path).kind == "video" else None


def _tell_film(
    film: Path,
    output: str | None,
    options: ColorOptions,
    wanted: VideoOptions,
    model: str | Path,
    as_json: bool,
) -> None:
    """Say what would become of a film."""
    from ..archive.naming import Naming, media_of
    from ..video.color.coloring import film_colorizer
    from ..video.film_check import check_film

    target = Naming(preview=wanted.compare).place(film, media_of(film), output)
    told = check_film(film, target, options, wanted, colorizer=film_colorizer(model))
    if as_json:
        typer.echo(json.dumps(asdict(told) | {"path": str(told.path), "output": str(target)}))
        return
    typer.echo(f"{show(film)} -> {show(target)}")
    for line in told.lines():
        typer.echo(f"  {line}")


def _estimate_lines(told: Estimate, output: str | None) -> Iterator[str]:
    """What would be done, how long it takes, and how much disk."""
    parts = [f"{told.pictures:,} pictures to colour ({in_words(told.size)})"]
    parts += [f"{told.videos:,} films to colour"] * bool(told.videos)
    others = {
        "done before": told.done,
        "skipped": told.skipped,
        "failed before (--retry-failed tries them again)": told.failed,
    }
    parts += [f"{count:,} {words}" for words, count in others.items() if count]
    yield "; ".join(parts)
    if told.seconds is not None and told.written is not None:
        how = "done before" if told.before else "coloured for this and thrown away"
        yield (
            f"about {clock(told.seconds)} with {told.workers} workers, "
            f"by {told.measured} pictures {how}"
        )
        where = show(output) if output else "beside the pictures"
        free = "" if told.free is None else f", where {in_words(told.free)} are free"
        yield f"about {in_words(told.written)} in {where}{free}"
    if told.film_seconds is not None and told.film_written is not None:
        yield (
            f"about {clock(told.film_seconds)} and {in_words(told.film_written)} for the films, by "
            "parts of some that were coloured for this and thrown away"
        )
