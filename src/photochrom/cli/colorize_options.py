"""The options of ``photochrom colorize``, in groups, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..media import CONTAINERS, FORMATS
from . import option

if TYPE_CHECKING:
    from ..hints import Hint
    from ..options import Still

_COLOR, _PICTURES, _FILMS = "Colour", "Pictures", "Films"
_ARCHIVES, _CLUSTER, _CAFFE = "Folders and many files", "Cluster", "Caffe models"

QUALITIES = ", ".join(
    f"{row.quality} for {row.title}" for row in FORMATS.values() if row.quality is not None
)
"""Default qualities by format, as help and documentation name them."""

_CODECS = ", ".join(next(row.codecs for row in CONTAINERS.values() if row.muxer == "matroska"))


def _option(panel: str, *names: str, **more: Any) -> Any:
    """An option of a group."""
    return option(*names, rich_help_panel=panel, **more)


Flag = bool
Text = str | None
Texts = list[str] | None
Number = float | None
Count = int | None

# fmt: off
Paths = Annotated[
    Texts,
    typer.Argument(
        metavar="PATH",
        help="Pictures, films, folders of them, zip files, and URLs such as s3://bucket/folder. A "
        "single - reads a picture from standard input.",
        show_default=False,
    ),
]
Output = Annotated[Text, option("--output", "-o", of="OUT",
    usual="beside each input, as NAME-color.EXT",
    help="A file for one picture, or a folder, in which the folders of PATH are mirrored. A single "
    "- writes to standard output.")]
Model = Annotated[str, option("--model", "-m", of="NAME|FILE", usual=True,
    help="A name that `photochrom models list` shows, an ONNX file, or a .caffemodel (with "
    "--prototxt and --points).")]
Json = Annotated[Flag, option("--json", help="Print one line of JSON per file.")]
Quiet = Annotated[Flag, option("--quiet", "-q", help="Print nothing but failures.")]
Verbose = Annotated[Flag, option("--verbose", "-v",
    help="Print a line for each file as it is finished.")]

Vividness = Annotated[float, _option(_COLOR, of="NUMBER", usual=True,
    help="From 0 (grey) over 1 (the model's own) to 4 (loud).")]
Warmth = Annotated[float, _option(_COLOR, of="NUMBER", usual=True,
    help="From -1 (blue) over 0 (as it is) to 1 (yellow).")]
Size = Annotated[Count, _option(_COLOR, of="PIXELS", usual="the model's own",
    help="Side of the square at which the network sees the picture.")]
Hints = Annotated[Texts, _option(_COLOR, "--hint", of="[TIME:]X,Y,COLOUR[,R]",
    help="The colour of what lies at a place, in pixels of the picture: #rgb, #rrggbb, a CSS "
    "name, or keep. With a radius, of that disc alone. In a film, of the frame at a time. Or a "
    "JSON file of hints. Can be given several times.")]
Reference = Annotated[Texts, _option(_COLOR, "--reference", of="FILE[@TIME]",
    help="A colour picture to borrow the colours of like things from; for a film also a coloured "
    "still of a moment, or a folder of stills named like ref_000034.jpg. Can be given several "
    "times.")]
Versions = Annotated[Count, _option(_COLOR, "--versions", of="NUMBER", min=1,
    help="Write so many alternatives instead, which differ in the colour of one thing each, as "
    "NAME-version-1.EXT and so on.")]

Format = Annotated[Text, _option(_PICTURES, of="NAME", usual="as the source",
    help=f"Write pictures as {', '.join(n for n, row in FORMATS.items() if row.write)}.")]
Quality = Annotated[Count, _option(_PICTURES, of="NUMBER", min=1, max=100, usual=QUALITIES,
    help="From 1 to 100, for formats with loss; the others lose nothing.")]
MaxPixels = Annotated[Count, _option(_PICTURES, of="NUMBER", min=1, usual="500 million",
    help="Refuse pictures with more pixels than this.")]
Recompress = Annotated[Flag, _option(_PICTURES, "--recompress",
    help="Encode the luma of a grey JPEG anew instead of copying it.")]
Strict = Annotated[Flag, _option(_PICTURES, "--strict",
    help="Refuse a JPEG whose end is missing instead of colouring what is there.")]
Page = Annotated[Count, _option(_PICTURES, of="NUMBER", min=1, usual="all pages",
    help="Colour only this page of a picture with several.")]
Compare = Annotated[Flag, _option(_PICTURES, "--compare",
    help="Write NAME-compare.EXT too: before and after, in one.")]
InColor = Annotated[Text, _option(_PICTURES, of="skip|recolor",
    usual="recolor those that are named, skip those in folders",
    help="What to do with pictures and films that are in colour already.")]

Codec = Annotated[Text, _option(_FILMS, of="NAME", usual="h264, in .webm vp9",
    help=f"One of {_CODECS}.")]
Crf = Annotated[Number, _option(_FILMS, of="NUMBER", usual="the codec's usual one",
    help="Quality on the codec's scale; smaller is better.")]
Preset = Annotated[Text, _option(_FILMS, of="NAME", usual="a fast one",
    help="How much time the encoder takes, by its own names for it.")]
Start = Annotated[Text, _option(_FILMS, of="TIME",
    help="Colour a film from there: seconds, or 1:30, or 1:02:03.5.")]
End = Annotated[Text, _option(_FILMS, of="TIME", help="Colour a film up to there.")]
Preview = Annotated[Text, _option(_FILMS, of="TIME",
    help="Colour only so much of a film, and show before and after side by side. Writes "
    "NAME-preview.EXT.")]
ShotFile = Annotated[Text, _option(_FILMS, "--shots", of="FILE",
    help="A list that `photochrom shots` wrote, edited: shots, their hints, references, versions "
    "and so on. Only shots that changed are made again.")]
Deinterlace = Annotated[str, _option(_FILMS, of="auto|ivtc|off", usual=True,
    help="Interlaced frames become whole ones (auto), telecined ones the film's own (ivtc), or "
    "stay as they are (off).")]
Fps = Annotated[Number, _option(_FILMS, of="NUMBER",
    help="The folders hold numbered pictures that are the frames of films, so many per second: "
    "frames go to a folder of frames, in steady colour.")]

Overwrite = Annotated[Flag, _option(_ARCHIVES, "--overwrite",
    help="Replace results that exist instead of skipping.")]
Suffix = Annotated[str, _option(_ARCHIVES, of="TEXT", usual=True,
    help="What the names of results get that lie beside their sources.")]
RetryFailed = Annotated[Flag, _option(_ARCHIVES, "--retry-failed",
    help="Try files again that failed before, too.")]
Limit = Annotated[Count, _option(_ARCHIVES, of="NUMBER", min=1,
    help="Colour at most so many files, and leave the others to the next time.")]
Include = Annotated[Texts, _option(_ARCHIVES, of="PATTERN",
    help="Of a folder, only files like this: *.tif, or 19*/*/front.jpg. Can be given several "
    "times.")]
Exclude = Annotated[Texts, _option(_ARCHIVES, of="PATTERN",
    help="Of a folder, no files like this. Can be given several times.")]
FilesFrom = Annotated[Text, _option(_ARCHIVES, of="FILE",
    help="Read more PATHs from a file, one in each line; - is standard input.")]
Watch = Annotated[Flag, _option(_ARCHIVES, "--watch",
    help="Go on with files that come into the folder, until Ctrl-C.")]
Jobs = Annotated[Count, _option(_ARCHIVES, of="NUMBER", min=1, usual="as many as there are cores",
    help="Pictures that are coloured at the same time.")]
DryRun = Annotated[Flag, _option(_ARCHIVES, "--dry-run",
    help="Print what would be done, how long it takes, and how much disk it needs.")]

Ray = Annotated[Text, _option(_CLUSTER, of="auto|ADDRESS", usual="this machine alone",
    help="Colour a folder or films on the Ray cluster that runs here, or at HOST:PORT.")]
RayCpus = Annotated[Number, _option(_CLUSTER, of="NUMBER", usual="1",
    help="Cores that each worker of the cluster takes.")]
RayGpus = Annotated[Number, _option(_CLUSTER, of="NUMBER", usual="0",
    help="GPUs that each worker for pictures takes; 0.25 puts four workers on each.")]

Image = Annotated[Text, _option(_CAFFE, "--image", "-i", of="PATH", help="The same as PATH.")]
Prototxt = Annotated[Path | None, _option(_CAFFE, "--prototxt", "-p", of="FILE",
    help="The network of a .caffemodel given with --model.")]
Points = Annotated[Path | None, _option(_CAFFE, "--points", "-c", of="FILE",
    help="The colours (pts_in_hull.npy) of a .caffemodel given with --model.")]
# fmt: on


def seconds(text: str | None) -> float | None:
    """``12.5``, ``1:30`` or ``1:02:03.5`` in seconds; ArgumentError for other text."""
    if text is None:
        return None
    from ..errors import ArgumentError
    from ..hints.moment import clock_seconds

    found = clock_seconds(text)
    if found is None:
        raise ArgumentError(
            "a time in a film",
            expected="seconds, or minutes and seconds, or hours too: 12.5, 1:30 or 1:02:03.5",
            got=repr(text),
        )
    return found


def hints(text: str) -> list[Hint]:
    """The hints of a --hint, or of a JSON file; ArgumentError if there are none."""
    from ..errors import ArgumentError
    from ..hints import Hint, parse_json

    if not text.lower().endswith(".json"):
        return [Hint.parse(text)]
    try:
        return parse_json(Path(text).read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise ArgumentError.unreadable(text, error) from None


def reference(text: str) -> str | Still:
    """``FILE``, or ``FILE@TIME`` where no file has that name; ArgumentError for other times."""
    from ..options import Still

    file, at, time = text.rpartition("@")
    return Still(file, time) if at and not Path(text).exists() and Path(file).is_file() else text
