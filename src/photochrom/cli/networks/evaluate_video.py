"""``photochrom evaluate-video``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import FAILED, option, say

if TYPE_CHECKING:
    from ...colorizer import Colorizer
    from ...evaluate.films.film_clips import Footage
    from ...evaluate.films.film_report import FilmReport
    from ...evaluate.films.film_run import Method


def evaluate_video(
    clips: Annotated[list[str] | None, typer.Argument(metavar="CLIP", show_default=False,
        help="Films in colour, or folders with the frames of one.")] = None,
    motion: Annotated[list[str] | None, option("--motion", of="PICTURES",
        help="Make test clips with motion of the colour photographs in this folder or zip file, "
        "and measure on them. Can be given several times.")] = None,
    model: Annotated[str, option("--model", "-m", of="NAME|FILE", usual=True,
        help="A name that `photochrom models list` shows, or an ONNX file.")] = "bundled",
    limit: Annotated[int | None, option(of="FRAMES", usual="all", min=1,
        help="Compare only so many frames of each clip.")] = None,
    seed: Annotated[int, option(of="NUMBER", usual=True, min=0,
        help="Of everything that --motion draws.")] = 0,
    output: Annotated[Path | None, option("--output", "-o", of="FOLDER",
        help="Write a contact strip of each clip into this folder.")] = None,
    as_json: Annotated[bool, option("--json", help="Print JSON instead of the table.")] = False,
) -> None:  # fmt: skip
    """Measure how true and how steady the colours of films are.

    Each film is turned grey, coloured again in two ways, every frame alone and as Photochrom
    colours films, and compared with itself.
    """
    from ...colorizer import Colorizer
    from ...evaluate.films.film_run import evaluate_films
    from ..bars import progress_bar

    footage = _footage(clips or [], motion or [], seed)
    methods = _methods(Colorizer(model))
    with progress_bar("{task.completed}/{task.total} frames") as progress:
        task = progress.add_task("", total=None)

        def update(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        report = evaluate_films(footage, methods, limit=limit, strips=output, progress=update)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2))
    else:
        _print(report)
    raise typer.Exit(_tell(report))


def _footage(clips: list[str], motion: list[str], seed: int) -> list[Footage]:
    from ...errors import ArgumentError
    from ...evaluate.films.film_clips import open_clip

    if not clips and not motion:
        raise ArgumentError(
            "there is nothing to measure on",
            expected="films in colour, or --motion and a folder of colour photographs",
        )
    footage = [open_clip(clip) for clip in clips]
    if motion:
        from ...evaluate.films.moving_clips import motion_clips

        footage += motion_clips(motion, seed=seed)
    return footage


def _methods(colorizer: Colorizer) -> dict[str, Method]:
    """The ways to colour that are compared, by the names of their columns."""
    from ...options import ColorOptions
    from ...video.color.coloring import film_size
    from ...video.colorize_frames import colorize_frames

    # The same size for both, so that only the method differs.
    options = ColorOptions(size=film_size(colorizer, ColorOptions()))

    def alone(frames: Iterable[Any]) -> Iterator[Any]:
        return (colorizer.colorize(frame, options).pixels for frame in frames)

    def steady(frames: Iterable[Any]) -> Iterator[Any]:
        return colorize_frames(frames, colorizer, options)

    return {"each frame alone": alone, "steady": steady}


def _print(report: FilmReport) -> None:
    from ...evaluate.films.film_report import heads, rows
    from .table import print_table

    print_table(heads(report), rows(report))


def _tell(report: FilmReport) -> int:
    """Say what does not stand in the table; returns the exit code."""
    from ...evaluate.films.film_report import summary

    say(summary(report))
    for _, why in report.unreadable:
        say(f"  {why}")
    return FAILED if report.unreadable else 0
