"""``photochrom colorize``."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .commands import STOPPED, say

if TYPE_CHECKING:
    from ..options import ColorOptions, OutputOptions
    from .film import Films
    from .plan import Job
    from .ray import Ray


def colorize(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Pictures, folders of pictures, and films; of pictures also URLs such as "
            "s3://bucket/folder. A single - reads standard input.",
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
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Tell what would be done, how long it takes, and how much disk."
        ),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Try files again that failed before, too."),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=1,
            help="Colour at most so many pictures, and leave the others to the next time.",
            show_default=False,
        ),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Of a folder, only files like this: *.tif, or 19*/*/front.jpg. Can be given "
            "several times.",
            show_default=False,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Of a folder, no files like this. Can be given several times.",
            show_default=False,
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Go on with pictures that come into the folder, till Ctrl-C."),
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="auto|ADDRESS",
            help="Colour a folder or films on the Ray cluster that runs here, or at HOST:PORT.",
            show_default="this machine alone",
        ),
    ] = None,
    ray_cpus: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Cores that each worker of the cluster takes.",
            show_default="1",
        ),
    ] = None,
    ray_gpus: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="GPUs that each worker for pictures takes; 0.25 puts four workers on each.",
            show_default="0",
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
    from ..options import ColorOptions, OutputOptions
    from ..picture import MAX_PIXELS
    from .film import Films, seconds
    from .plan import plan_one, several
    from .ray import Ray

    cluster = Ray.asked(ray, ray_cpus, ray_gpus)
    hints = [Hint.parse(text) for text in hint or ()]
    options = ColorOptions(vividness=vividness, size=size, hints=hints)
    out = OutputOptions(quality=quality, max_pixels=max_pixels or MAX_PIXELS)
    inputs = [*(paths or ()), *([image] if image else ())]
    films = Films(codec, crf, preset, seconds(start), seconds(end), seconds(preview))
    if several(inputs, output):
        from .archive import Command

        command = Command(
            inputs,
            output,
            _model_file(model, prototxt, points),
            options,
            out,
            films,
            compare=compare,
            overwrite=overwrite,
            retry=retry_failed,
            limit=limit,
            include=include or (),
            exclude=exclude or (),
            watch=watch,
            dry_run=dry_run,
            ray=cluster,
            as_json=as_json,
        )
        raise typer.Exit(command())
    _check_archive(
        {
            "--retry-failed": retry_failed,
            "--dry-run": dry_run,
            "--limit": limit,
            "--include": include,
            "--exclude": exclude,
            "--watch": watch,
        }
    )
    job = plan_one(
        inputs, output, compare=compare, overwrite=overwrite, preview=films.preview is not None
    )
    films.check(job.film)
    if not job.film:
        _check_archive({"--ray": ray})
    _check_film(job, options, compare, ray_gpus)
    _check_streams(job, as_json)
    file = _model_file(model, prototxt, points)
    raise typer.Exit(_colour(job, file, options, out, films, cluster, as_json))


def _colour(
    job: Job,
    model: Path,
    options: ColorOptions,
    out: OutputOptions,
    films: Films,
    ray: Ray | None,
    as_json: bool,
) -> int:
    from .report import FilmBar, tell
    from .run import run
    from .work import Work

    if job.film:
        from ..video.colorize_video import film_colorizer

        colorizer = film_colorizer(model)
    else:
        from ..colorizer import Colorizer

        colorizer = Colorizer(model)
    colorizer.model.fit(64, 64, options.size)  # a size the model cannot take is refused now
    bar = FilmBar()
    try:
        with (
            nullcontext() if ray is None else ray.films() as workers,
            bar.shown() if job.film else nullcontext(),
        ):
            work = Work(colorizer, options, out, films, progress=bar.frames, workers=workers)
            outcome = run(work, job)
    except KeyboardInterrupt:
        say("photochrom: stopped; the same command goes on from there")
        raise typer.Exit(STOPPED) from None
    return tell(outcome, colorizer, as_json=as_json)


def _check_archive(options: dict[str, Any]) -> None:
    from ..errors import ArgumentError

    if given := [name for name, value in options.items() if value]:
        raise ArgumentError(
            f"{' and '.join(given)} cannot be used",
            expected="a folder or several pictures",
            got="one picture or film",
            fix="leave it out, or name a folder",
        )


def _check_film(job: Job, options: ColorOptions, compare: bool, gpus: float | None) -> None:
    from ..errors import ArgumentError

    unusable = {"--hint": options.hints, "--compare": compare, "--ray-gpus": gpus}
    given = next((name for name, value in unusable.items() if value), None)
    if job.film and given:
        raise ArgumentError(
            f"{given} cannot be used",
            expected="pictures",
            got="a film",
            fix="take --preview TIME, which shows both" if given == "--compare" else "leave it out",
        )


def _check_streams(job: Job, as_json: bool) -> None:
    from ..errors import ArgumentError

    if job.source is None and sys.stdin.isatty():
        raise ArgumentError(
            "there is no picture on standard input",
            expected="a file or a program's output, for example: photochrom colorize - < grey.jpg",
            got="a terminal",
            fix="name a file instead of -",
        )
    if job.output:
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
