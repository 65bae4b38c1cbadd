"""``photochrom colorize``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .commands import STOPPED, say

if TYPE_CHECKING:
    from ..hints import Hint
    from .plan import Plan
    from .report import Report
    from .work import Work


def colorize(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Pictures, folders of pictures, and films. A single - reads standard input.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="A file for one picture, or a folder, in which the folders of PATH are mirrored. "
            "A single - writes to standard output.",
            show_default="beside each input, as NAME-color.EXT",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|FILE",
            help="A name that `photochrom models list` shows, an ONNX file, or a .caffemodel "
            "(with --prototxt and --points).",
        ),
    ] = "bundled",
    vividness: Annotated[
        float,
        typer.Option(
            metavar="NUMBER", help="From 0 (grey) over 1 (as the model sees it) to 4 (loud)."
        ),
    ] = 1.0,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Side of the square on which the colours are decided.",
            show_default="the model's own",
        ),
    ] = None,
    hint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,#RRGGBB[,R]",
            help="The colour of a place, in pixels of the picture, and the radius of the spot. "
            "Can be given several times.",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Write NAME-compare.EXT too: before and after, in one."),
    ] = False,
    quality: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=1,
            max=100,
            help="Of JPEG, WebP, AVIF and HEIC files; the other formats lose nothing.",
            show_default="95, 90, 85, 85",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that exist instead of skipping.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON per picture.")
    ] = False,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=1,
            help="Refuse pictures with more pixels than this.",
            show_default="500 million",
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option("--image", "-i", metavar="PATH", help="The same as PATH.", show_default=False),
    ] = None,
    codec: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of films: h264, hevc, av1, vp9, prores or ffv1.",
            show_default="h264, in .webm vp9",
        ),
    ] = None,
    crf: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Quality of films, by their codec's scale; smaller is better.",
            show_default="the codec's usual one",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How much time the encoder of films takes, by its own names for it.",
            show_default="a fast one",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Colour a film from there: seconds, or 1:30, or 1:02:03.5.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Colour a film up to there.", show_default=False),
    ] = None,
    preview: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Colour only so much of a film, and show before and after side by side. Writes "
            "NAME-preview.EXT.",
            show_default=False,
        ),
    ] = None,
    prototxt: Annotated[
        Path | None,
        typer.Option(
            "--prototxt",
            "-p",
            metavar="FILE",
            help="The network of a .caffemodel given with --model.",
            show_default=False,
        ),
    ] = None,
    points: Annotated[
        Path | None,
        typer.Option(
            "--points",
            "-c",
            metavar="FILE",
            help="The colours (pts_in_hull.npy) of a .caffemodel given with --model.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Give colour to pictures and films.

    Light and dark, size, depth and metadata stay as they are, and so does a film's sound. A folder
    is searched for pictures, with all folders inside it. Results that exist are skipped, and a film
    that was interrupted is gone on with, so the same command goes on where it was stopped.
    """
    from ..hints import Hint
    from ..picture import MAX_PIXELS
    from .film import Films, seconds
    from .plan import plan
    from .report import Report
    from .work import Work

    hints = [Hint.parse(text) for text in hint or ()]
    inputs = [*(paths or ()), *([image] if image else ())]
    films = Films(codec, crf, preset, seconds(start), seconds(end), seconds(preview))
    todo = plan(
        inputs, output, compare=compare, overwrite=overwrite, preview=films.preview is not None
    )
    films.check(any(job.film for job in (*todo.jobs, *todo.finished)))
    _check_films(todo, hints, compare)
    _check_streams(todo, as_json)
    file = _model_file(model, prototxt, points)
    report = Report(todo, as_json=as_json)
    if todo.jobs:
        from ..colorizer import Colorizer

        report.colorizer = Colorizer(file, vividness=vividness, size=size)
        work = Work(
            report.colorizer,
            hints,
            max_pixels or MAX_PIXELS,
            quality,
            films,
            progress=report.frames,
        )
        _run(work, todo, report)
    raise typer.Exit(report.finish())


def _run(work: Work, todo: Plan, report: Report) -> None:
    from .run import run

    try:
        with report.running():
            run(work, todo.jobs, report.add)
    except KeyboardInterrupt:
        what = "files" if any(job.film for job in todo.jobs) else "pictures"
        done = f"stopped after {report.count('ok')} of {len(todo.jobs)} {what}"
        say(f"photochrom: {done}; the same command goes on from there")
        raise typer.Exit(STOPPED) from None


def _check_films(todo: Plan, hints: list[Hint], compare: bool) -> None:
    from ..errors import ArgumentError

    if (hints or compare) and any(job.film for job in todo.jobs):
        raise ArgumentError(
            f"{'--hint' if hints else '--compare'} cannot be used",
            expected="pictures",
            got="a film",
            fix="leave it out" if hints else "take --preview TIME, which shows both",
        )


def _check_streams(todo: Plan, as_json: bool) -> None:
    from ..errors import ArgumentError

    if any(job.source is None for job in todo.jobs) and sys.stdin.isatty():
        raise ArgumentError(
            "there is no picture on standard input",
            expected="a file or a program's output, for example: photochrom colorize - < grey.jpg",
            got="a terminal",
            fix="name a file instead of -",
        )
    if all(job.output for job in todo.jobs):
        return
    if sys.stdout.isatty():
        raise ArgumentError(
            "a picture is not written to a terminal",
            expected="a file or another program",
            got="a terminal",
            fix="name a file with -o, or append: > color.jpg",
        )
    if as_json:
        raise ArgumentError(
            "--json and the picture cannot share standard output",
            expected="one of them",
            got="both",
            fix="name a file with -o",
        )


def _model_file(model: str, prototxt: Path | None, points: Path | None) -> Path:
    """The ONNX file of --model, imported first if it is a .caffemodel."""
    from ..errors import ArgumentError
    from ..models.registry import Registry

    parts = {
        "--model FILE.caffemodel": model if model.endswith(".caffemodel") else None,
        "--prototxt FILE": prototxt,
        "--points FILE": points,
    }
    if not any(parts.values()):
        return Registry().resolve(model)
    if prototxt is None or points is None or not all(parts.values()):
        raise ArgumentError(
            "a Caffe model consists of three files",
            expected=", ".join(parts),
            got="no " + " and no ".join(key for key, value in parts.items() if not value),
            fix="name all three, or none for the model that comes with Photochrom",
        )
    from .caffe import imported

    return imported(prototxt, Path(model), points)
