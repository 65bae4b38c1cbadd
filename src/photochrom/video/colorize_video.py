"""A film from file to file: decode -> predict and carry -> colour planes -> encode -> put together.

Decoding, predicting and encoding go on side by side, a few frames apart, so memory does not grow
with the film. The work goes in segments (see `work_folder`): what is finished stays, and the same
call goes on after it; the result is the same frame for frame as without a break. With workers, the
second half of the way is theirs (see `segment_workers`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..colorizer import Colorizer
from ..errors import ArgumentError, CancelToken
from ..options import ColorOptions, VideoOptions
from .color.coloring import Coloring, film_colorizer
from .color.references import pinned
from .container.encoders import Encoding
from .container.mux import assemble, try_out
from .container.streams import Converted, LeftOut
from .container.video_reader import VideoReader
from .film_check import check_open
from .film_parts import FilmPart, FilmParts, listed_film
from .film_work import FilmFrames, FilmSetup, FilmWork
from .segments.segment_workers import SegmentWorkers
from .segments.segmented_work import Progress, reporter
from .segments.work_folder import ShotFolders, WorkFolder, remove_work_folders
from .shots.shot_plans import needs_shots, with_stills

_LONG = 5000  # frames from which time and disk are told before the work


@dataclass(frozen=True)
class Film:
    """Result of `colorize_video` or `colorize_sequence`.

    Attributes:
        path: the new file or folder.
        frames: in it.
        shape: ``(H, W)`` of one.
        resumed: how many of them were there from an earlier, interrupted call.
        seconds: that the rest took.
        left_out: streams of the source that the new file cannot hold.
        converted: streams that it holds in another codec.
        kept: frames that were in colour and stayed as they were.
        damage: what could not be read of the source, in one line, or None.
        notes: what else was not carried over, a line each.
    """

    path: Path
    frames: int
    shape: tuple[int, int]
    resumed: int
    seconds: float
    left_out: list[LeftOut] = field(default_factory=list)
    converted: list[Converted] = field(default_factory=list)
    kept: int = 0
    damage: str | None = None
    notes: list[str] = field(default_factory=list)


def colorize_video(
    source: Path | str,
    output: Path | str,
    options: ColorOptions | None = None,
    video_options: VideoOptions | None = None,
    *,
    colorizer: Colorizer | None = None,
    progress: Progress | None = None,
    on_note: Callable[[str], None] | None = None,
    workers: SegmentWorkers | None = None,
    cancel: CancelToken | None = None,
) -> Film:
    """Colour a film.

    Lightness goes to the encoder as it was decoded; sound, subtitles, chapters and everything else
    are copied. A call that was interrupted goes on where it was when it is made again with the
    same arguments; until then a folder beside `output` holds what is done.

    Args:
        source: any film that FFmpeg reads.
        output: the new file, .mp4, .m4v, .mov, .mkv or .webm; replaced if it exists.
        options: vividness and so on; references for all shots, stills and hints for their own.
        video_options: codec, part of the film, a list of its shots and so on.
        colorizer: the loaded model; None: the bundled one.
        progress: called after each frame; with workers now and then, with whole segments.
        on_note: called before the first frame with a line for each stream that cannot be kept as
            it is, and whatever else should be known before the work; for a film of more than 5000
            frames also what `check_film` says of shots, time and disk, which takes some seconds.
        workers: who paints and encodes the segments, see `sharing`; None: this process itself.
        cancel: checked after each frame.

    Raises:
        VideoError: the source cannot be read, or the output not be written.
        ArgumentError: an argument out of range, or an output that is the source.
        MissingExtraError: the extra ``video`` is not installed.
        CancelledError: `cancel` was set; the same call goes on from there.
    """
    options, wanted = with_stills(options or ColorOptions()), video_options or VideoOptions()
    report = reporter(progress, cancel)
    source, output = Path(source), Path(output)
    encoding = Encoding.for_file(output, wanted.codec, crf=wanted.crf, preset=wanted.preset)
    _check_output(source, output)
    limits = {"start": wanted.start, "end": wanted.end}
    with VideoReader(source, wanted.deinterlace) as video:
        _check_range(video, wanted.start, wanted.end)
        setup = FilmSetup.of(video, colorizer or film_colorizer(), options, wanted, encoding)
        began = time.monotonic()
        listed = wanted.shots is not None or needs_shots(options)
        if listed and wanted.shots is None and on_note is not None:
            on_note("the shots are looked for first, which takes about a quarter of the time")
        opened = _shots if listed else _whole
        with opened(setup, output, report) as (found, scratch):
            parts = FilmParts(found, setup.total)
            if on_note is not None or not parts.resumed:
                trial = try_out(video, encoding, output, scratch, **limits)
                if on_note is not None:
                    long = not parts.resumed and (setup.total or 0) > _LONG
                    for line in check_open(setup, output, trial, measure=long).notes():
                        on_note(line)
            parts.make(workers, report)
            note = setup.colorizer.note
            streams = assemble(video, parts.segments, output, note=note, **limits)
        remove_work_folders(output, shots=wanted.shots is None)
        return Film(
            output,
            parts.done,
            (video.shape[0], video.shape[1] * (1 + wanted.compare)),
            parts.resumed,
            time.monotonic() - began,
            streams.left_out,
            streams.converted,
            parts.kept,
            video.damage,
        )


@contextmanager
def _whole(
    setup: FilmSetup, output: Path, report: Progress
) -> Iterator[tuple[list[FilmPart], Path]]:
    """A film as one part, whose shots are looked for while it is coloured; and its folder."""

    def work() -> FilmWork:
        steady = setup.steady(pinned=pinned(setup.colorizer, setup.options))
        name = f"the part of {setup.video.path}"
        return FilmWork(name, setup, FilmFrames(setup.video), Coloring(steady), *setup.span)

    with WorkFolder.of(output, setup.job) as folder:
        yield [FilmPart(folder, work)], folder.path


@contextmanager
def _shots(
    setup: FilmSetup, output: Path, report: Progress
) -> Iterator[tuple[list[FilmPart], Path]]:
    """A film as its shots, and their folder."""
    with ShotFolders.of(output) as folders:
        with listed_film(setup, folders, report) as parts:
            yield parts, folders.path
        folders.finished([part.folder for part in parts])


def _check_output(source: Path, output: Path) -> None:
    if output.exists() and output.samefile(source):
        raise ArgumentError(f"the film {output}", expected="a new name", got="that of the source")


def _check_range(video: VideoReader, start: float | None, end: float | None) -> None:
    length = video.duration
    first, last = start or 0, end if end is not None else length
    late = length is not None and first >= length
    if first < 0 or late or (last is not None and last <= first):
        raise ArgumentError(
            "the part of the film",
            expected="a start before its end, in seconds"
            + (f", within {length:.2f}" if length is not None else ""),
            got=f"{first:g} to {'the end' if end is None else f'{end:g}'}",
        )
