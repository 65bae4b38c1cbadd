"""``photochrom colorize``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..media import CONTAINERS, FORMATS, Container, Format
from . import cancelled_by_signals, is_terminal, say
from . import colorize_options as o

if TYPE_CHECKING:
    from ..archive import ArchiveOptions


def _suffixes(table: Mapping[str, Format | Container], written: bool | None = None) -> str:
    rows = (row for row in table.values() if written in (None, row.write))
    return ", ".join(row.suffixes[0] for row in rows)


EPILOG = f"""Examples:
  photochrom colorize grandma.jpg
  photochrom colorize scans -o color --format jpeg
  photochrom colorize film.mp4 --preview 10
  photochrom colorize grandma.jpg --hint '410,620,#a02018'
  photochrom colorize - < grey.jpg > color.jpg

Pictures: {_suffixes(FORMATS)}.
Of these, {_suffixes(FORMATS, written=False)} are only read.
Films: {_suffixes(CONTAINERS)}.
Of these, {_suffixes(CONTAINERS, written=True)} are written.
"""


def colorize(
    context: typer.Context,
    paths: o.Paths = None,
    output: o.Output = None,
    model: o.Model = "bundled",
    # how it is coloured: each is a field of ColorOptions
    vividness: o.Vividness = 1.0,
    warmth: o.Warmth = 0.0,
    size: o.Size = None,
    hints: o.Hints = None,
    reference: o.Reference = None,
    versions: o.Versions = None,
    # how pictures are read and written: each is a field of OutputOptions
    format: o.Format = None,
    quality: o.Quality = None,
    max_pixels: o.MaxPixels = None,
    recompress: o.Recompress = False,
    strict: o.Strict = False,
    page: o.Page = None,
    # films: but for --preview, each is a field of VideoOptions
    codec: o.Codec = None,
    crf: o.Crf = None,
    preset: o.Preset = None,
    start: o.Start = None,
    end: o.End = None,
    preview: o.Preview = None,
    deinterlace: o.Deinterlace = "auto",
    shots: o.ShotFile = None,
    fps: o.Fps = None,
    # which files: each is a field of ArchiveOptions
    overwrite: o.Overwrite = False,
    compare: o.Compare = False,
    in_color: o.InColor = None,
    suffix: o.Suffix = "-color",
    retry_failed: o.RetryFailed = False,
    limit: o.Limit = None,
    include: o.Include = None,
    exclude: o.Exclude = None,
    watch: o.Watch = False,
    jobs: o.Jobs = None,
    files_from: o.FilesFrom = None,
    dry_run: o.DryRun = False,
    ray: o.Ray = None,
    ray_cpus: o.RayCpus = None,
    ray_gpus: o.RayGpus = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    image: o.Image = None,
    prototxt: o.Prototxt = None,
    points: o.Points = None,
) -> None:
    """Give colour to pictures and films.

    Light and dark, size, depth and metadata stay as they are, and so does a film's sound. A folder
    is searched for pictures and films, with all folders inside it. Results that exist are skipped,
    and a film that was interrupted is gone on with, so the same command goes on where it was
    stopped.
    """
    from .. import archive
    from ..archive import is_single
    from ..archive.storage import STREAM
    from ..errors import CancelToken
    from ..options import ColorOptions, OutputOptions
    from .event_lines import EventLines

    sources = [*(paths or ()), *([image] if image else ()), *_listed(files_from)]
    given = context.params
    color = _options(ColorOptions, given)
    out = _options(OutputOptions, given | {"in_color": None})
    chosen = _archive_options(given)
    video = _video_options(given)
    if STREAM in (*sources, output):
        _check_streams(STREAM in sources, output in (None, STREAM), as_json)
    file = _model_file(model, prototxt, points)
    wanted = {
        "output_options": out,
        "video_options": video,
        "archive_options": chosen,
        "model": file,
    }
    if versions is not None:
        from .version_files import write_versions

        written = write_versions(sources, versions, color, out, model=file, folder=output)
        for line in written:
            say(line)
        return
    if dry_run:
        from .dry_run import tell_dry_run

        tell_dry_run(sources, output, color, **wanted, as_json=as_json)
        return
    lines = EventLines(
        single=is_single(sources, output, video),
        as_json=as_json,
        quiet=quiet,
        verbose=verbose or watch,
    )
    token = CancelToken()
    if watch and not quiet:
        say(f"photochrom: watching {', '.join(sources)}; Ctrl-C ends it")
    with cancelled_by_signals(token), lines.shown():
        summary = archive.run(sources, output, color, **wanted, on_event=lines, cancel=token)
    raise typer.Exit(lines.finish(summary, watching=watch))


def _options(kind: type[Any], given: dict[str, Any]) -> Any:
    """The options of a dataclass, from those of the command line that its fields are named for."""
    names = {field.name for field in fields(kind)}
    values = {name: value for name, value in given.items() if name in names}
    if values.get("hints") is not None:
        values["hints"] = [hint for text in values["hints"] for hint in o.hints(text)]
    if values.get("reference") is not None:
        values["reference"] = [o.reference(text) for text in values["reference"]]
    return kind(**{name: value for name, value in values.items() if value is not None})


def _video_options(given: dict[str, Any]) -> Any:
    from ..errors import ArgumentError
    from ..options import VideoOptions

    times = {name: o.seconds(given[name]) for name in ("start", "end", "preview")}
    preview = times.pop("preview")
    if preview is not None:
        if times["end"] is not None:
            raise ArgumentError(
                "the length of a preview", expected="--preview SECONDS", got="--end as well"
            )
        times["end"] = (times["start"] or 0) + preview
    in_color = "recolor" if given["in_color"] == "recolor" else "keep"
    special = {"compare": preview is not None, "in_color": in_color}
    return _options(VideoOptions, given | times | special)


def _archive_options(given: dict[str, Any]) -> ArchiveOptions:
    from ..archive import ArchiveOptions, Share
    from ..errors import ArgumentError

    cpus, gpus = given["ray_cpus"], given["ray_gpus"]
    if given["ray"] is None:
        ArgumentError.refuse(
            {"--ray-cpus": cpus is not None, "--ray-gpus": gpus is not None},
            "--ray with them, for they are about a cluster's workers",
            "no --ray",
            "add --ray auto, or leave them out",
        )
    share = Share(1.0 if cpus is None else cpus, gpus or 0.0)
    found: ArchiveOptions = _options(
        ArchiveOptions, given | {"cluster": given["ray"], "share": share}
    )
    return found


def _listed(file: str | None) -> Sequence[str]:
    """The paths of --files-from: one in each line, or between zero bytes."""
    from ..errors import ArgumentError

    if file is None:
        return ()
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise ArgumentError.unreadable(file, error) from None
    separator = b"\0" if b"\0" in data else b"\n"
    lines = (line.removesuffix(b"\r") for line in data.split(separator))
    return [line.decode("utf-8", "surrogateescape") for line in lines if line.strip()]


def _check_streams(source: bool, target: bool, as_json: bool) -> None:
    from ..errors import ArgumentError

    if source and (sys.stdin is None or is_terminal(sys.stdin)):
        raise ArgumentError(
            "there is no picture on standard input",
            expected="a file or a program's output, for example: photochrom colorize - < grey.jpg",
            fix="name a file instead of -",
        )
    if not target:
        return
    if sys.stdout is None or is_terminal(sys.stdout):
        raise ArgumentError(
            "a picture is not written to a terminal",
            fix="name a file with -o, or append: > color.jpg",
        )
    if as_json:
        raise ArgumentError(
            "--json and the picture cannot share standard output", fix="name a file with -o"
        )


def _model_file(model: str, prototxt: Path | None, points: Path | None) -> str | Path:
    """The --model, imported first if it is a .caffemodel."""
    from ..errors import ArgumentError

    parts = {
        "--model FILE.caffemodel": model if model.endswith(".caffemodel") else None,
        "--prototxt FILE": prototxt,
        "--points FILE": points,
    }
    if not any(parts.values()):
        return model
    if prototxt is None or points is None or not all(parts.values()):
        raise ArgumentError(
            "a Caffe model consists of three files",
            expected=", ".join(parts),
            got="no " + " and no ".join(key for key, value in parts.items() if not value),
        )
    from .networks.importing import imported

    return imported(prototxt, Path(model), points)
