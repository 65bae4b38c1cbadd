"""The options of ``photochrom colorize``, in groups, and how their values are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from ..media import CONTAINERS, FORMATS

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")

_COLOR, _PICTURES, _FILMS = "Colour", "Pictures", "Films"
_ARCHIVES, _CLUSTER, _CAFFE = "Folders and many files", "Cluster", "Caffe models"

QUALITIES = ", ".join(
    f"{row.quality} for {row.title}" for row in FORMATS.values() if row.quality is not None
)
"""Default qualities by format, as help and documentation name them."""

_CODECS = ", ".join(next(row.codecs for row in CONTAINERS.values() if row.muxer == "matroska"))


def _option(panel: str, *names: str, **settings: Any) -> Any:
    settings.setdefault("show_default", False)
    return typer.Option(*names, rich_help_panel=panel, **settings)


Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="Pictures, films, folders of them, zip files, and URLs such as s3://bucket/folder. A "
        "single - reads a picture from standard input.",
        show_default=False,
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="A file for one picture, or a folder, in which the folders of PATH are mirrored. "
        "A single - writes to standard output.",
        show_default="beside each input, as NAME-color.EXT",
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME|FILE",
        help="A name that `photochrom models list` shows, an ONNX file, or a .caffemodel (with "
        "--prototxt and --points).",
    ),
]

# --- colour --------------------------------------------------------------------------------------

Vividness = Annotated[
    float,
    _option(
        _COLOR,
        metavar="NUMBER",
        help="From 0 (grey) over 1 (the model's own) to 4 (loud).",
        show_default=True,
    ),
]
Warmth = Annotated[
    float,
    _option(
        _COLOR,
        metavar="NUMBER",
        help="From -1 (blue) over 0 (as it is) to 1 (yellow).",
        show_default=True,
    ),
]
Size = Annotated[
    int | None,
    _option(
        _COLOR,
        metavar="PIXELS",
        help="Side of the square at which the network sees the picture.",
        show_default="the model's own",
    ),
]
Hints = Annotated[
    list[str] | None,
    _option(
        _COLOR,
        "--hint",
        metavar="X,Y,COLOUR[,R]",
        help="The colour of what lies at a place, in pixels of the picture: #rgb, #rrggbb, a CSS "
        "name, or keep. With a radius, of that disc alone. Can be given several times.",
    ),
]
Reference = Annotated[
    list[str] | None,
    _option(
        _COLOR,
        "--reference",
        metavar="FILE",
        help="A colour picture to borrow the colours of like things from. Can be given several "
        "times.",
    ),
]
Versions = Annotated[
    int | None,
    _option(
        _COLOR,
        "--versions",
        metavar="NUMBER",
        min=1,
        help="Write so many alternatives instead, which differ in the colour of one thing each, "
        "as NAME-version-1.EXT and so on.",
    ),
]

# --- pictures ------------------------------------------------------------------------------------

Format = Annotated[
    str | None,
    _option(
        _PICTURES,
        metavar="NAME",
        help=f"Write pictures as {', '.join(n for n, row in FORMATS.items() if row.write)}.",
        show_default="as the source",
    ),
]
Quality = Annotated[
    int | None,
    _option(
        _PICTURES,
        metavar="NUMBER",
        min=1,
        max=100,
        help="From 1 to 100, for formats with loss; the others lose nothing.",
        show_default=QUALITIES,
    ),
]
MaxPixels = Annotated[
    int | None,
    _option(
        _PICTURES,
        metavar="NUMBER",
        min=1,
        help="Refuse pictures with more pixels than this.",
        show_default="500 million",
    ),
]
Recompress = Annotated[
    bool,
    _option(
        _PICTURES,
        "--recompress",
        help="Encode the luma of a grey JPEG anew instead of copying it.",
    ),
]
Strict = Annotated[
    bool,
    _option(
        _PICTURES,
        "--strict",
        help="Refuse a JPEG whose end is missing instead of colouring what is there.",
    ),
]
Page = Annotated[
    int | None,
    _option(
        _PICTURES,
        metavar="NUMBER",
        min=1,
        help="Colour only this page of a picture with several.",
        show_default="all pages",
    ),
]
Compare = Annotated[
    bool,
    _option(_PICTURES, "--compare", help="Write NAME-compare.EXT too: before and after, in one."),
]

InColor = Annotated[
    str | None,
    _option(
        _PICTURES,
        metavar="skip|recolor",
        help="What to do with pictures and films that are in colour already.",
        show_default="recolor those that are named, skip those in folders",
    ),
]

# --- films ---------------------------------------------------------------------------------------

Codec = Annotated[
    str | None,
    _option(_FILMS, metavar="NAME", help=f"One of {_CODECS}.", show_default="h264, in .webm vp9"),
]
Crf = Annotated[
    float | None,
    _option(
        _FILMS,
        metavar="NUMBER",
        help="Quality by the codec's scale; smaller is better.",
        show_default="the codec's usual one",
    ),
]
Preset = Annotated[
    str | None,
    _option(
        _FILMS,
        metavar="NAME",
        help="How much time the encoder takes, by its own names for it.",
        show_default="a fast one",
    ),
]
Start = Annotated[
    str | None,
    _option(
        _FILMS,
        metavar="TIME",
        help="Colour a film from there: seconds, or 1:30, or 1:02:03.5.",
    ),
]
End = Annotated[str | None, _option(_FILMS, metavar="TIME", help="Colour a film up to there.")]
Preview = Annotated[
    str | None,
    _option(
        _FILMS,
        metavar="TIME",
        help="Colour only so much of a film, and show before and after side by side. Writes "
        "NAME-preview.EXT.",
    ),
]
Deinterlace = Annotated[
    str,
    _option(
        _FILMS,
        metavar="auto|ivtc|off",
        help="Interlaced frames become whole ones (auto), telecined ones the film's own (ivtc), or "
        "stay as they are (off).",
        show_default=True,
    ),
]

# --- folders -------------------------------------------------------------------------------------

Overwrite = Annotated[
    bool,
    _option(_ARCHIVES, "--overwrite", help="Replace results that exist instead of skipping."),
]
Suffix = Annotated[
    str,
    _option(
        _ARCHIVES,
        metavar="TEXT",
        help="What the names of results get that lie beside their sources.",
        show_default=True,
    ),
]
RetryFailed = Annotated[
    bool,
    _option(_ARCHIVES, "--retry-failed", help="Try files again that failed before, too."),
]
Limit = Annotated[
    int | None,
    _option(
        _ARCHIVES,
        metavar="NUMBER",
        min=1,
        help="Colour at most so many files, and leave the others to the next time.",
    ),
]
Include = Annotated[
    list[str] | None,
    _option(
        _ARCHIVES,
        metavar="PATTERN",
        help="Of a folder, only files like this: *.tif, or 19*/*/front.jpg. Can be given several "
        "times.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    _option(
        _ARCHIVES,
        metavar="PATTERN",
        help="Of a folder, no files like this. Can be given several times.",
    ),
]
FilesFrom = Annotated[
    str | None,
    _option(
        _ARCHIVES,
        metavar="FILE",
        help="Read more PATHs from a file, one in each line; - is standard input.",
    ),
]
Watch = Annotated[
    bool,
    _option(_ARCHIVES, "--watch", help="Go on with files that come into the folder, till Ctrl-C."),
]
Jobs = Annotated[
    int | None,
    _option(
        _ARCHIVES,
        metavar="NUMBER",
        min=1,
        help="Pictures that are coloured at the same time.",
        show_default="as many as there are cores",
    ),
]
DryRun = Annotated[
    bool,
    _option(
        _ARCHIVES,
        "--dry-run",
        help="Tell what would be done, how long it takes, and how much disk.",
    ),
]

# --- cluster -------------------------------------------------------------------------------------

Ray = Annotated[
    str | None,
    _option(
        _CLUSTER,
        metavar="auto|ADDRESS",
        help="Colour a folder or films on the Ray cluster that runs here, or at HOST:PORT.",
        show_default="this machine alone",
    ),
]
RayCpus = Annotated[
    float | None,
    _option(
        _CLUSTER,
        metavar="NUMBER",
        help="Cores that each worker of the cluster takes.",
        show_default="1",
    ),
]
RayGpus = Annotated[
    float | None,
    _option(
        _CLUSTER,
        metavar="NUMBER",
        help="GPUs that each worker for pictures takes; 0.25 puts four workers on each.",
        show_default="0",
    ),
]

# --- what is told --------------------------------------------------------------------------------

Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON per file.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Tell nothing but failures.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Tell each file as it is finished.")]
Image = Annotated[
    str | None,
    _option(_CAFFE, "--image", "-i", metavar="PATH", help="The same as PATH."),
]
Prototxt = Annotated[
    Path | None,
    _option(
        _CAFFE,
        "--prototxt",
        "-p",
        metavar="FILE",
        help="The network of a .caffemodel given with --model.",
    ),
]
Points = Annotated[
    Path | None,
    _option(
        _CAFFE,
        "--points",
        "-c",
        metavar="FILE",
        help="The colours (pts_in_hull.npy) of a .caffemodel given with --model.",
    ),
]


def seconds(text: str | None) -> float | None:
    """``12.5``, ``1:30`` or ``1:02:03.5`` in seconds.

    Raises:
        ArgumentError: `text` is not of that form.
    """
    from ..errors import ArgumentError

    if text is None:
        return None
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise ArgumentError(
            "a time in a film",
            expected="seconds, or minutes and seconds, or hours too: 12.5, 1:30 or 1:02:03.5",
            got=repr(text),
            fix="write it like one of these",
        )
    hours, minutes, rest = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + rest
