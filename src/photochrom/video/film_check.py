"""Check of a film before it is coloured: streams, settings, shots, time and disk."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from .._io import clock, in_words
from ..colorizer import Colorizer
from ..options import ColorOptions, VideoOptions
from .color.coloring import Coloring, film_colorizer
from .color.references import pinned
from .container.encoders import Encoding
from .container.mux import Streams, try_out
from .container.probe import open_film
from .container.streams import Converted, LeftOut
from .container.video_reader import VideoReader
from .film_work import FilmFrames, FilmSetup, FilmWork
from .segments.painting import pts_of
from .segments.work_folder import WorkFolder
from .shots.cuts import Shots
from .shots.shot_plans import with_stills

_SAMPLES, _SAMPLE = 3, 36  # places of a film, and frames at each, that are coloured for trial
_LOOKS, _LOOK = 5, 240  # places, and frames at each, where shots are looked for
_MANY = _LOOKS * _LOOK  # frames of a film up to which all of them are looked at


@dataclass(frozen=True)
class FilmCheck:
    """What is to be expected of a film.

    Attributes:
        path: of the source.
        width, height: of its frames, as they are stored.
        rate: frames per second.
        frames: about; None if the file does not say.
        kept: streams that are copied, in words.
        converted: streams that become another codec.
        left_out: streams that the new file cannot hold.
        reading: how interlaced frames are read, in words; None: there is nothing to say.
        bars: rows above and below and columns left and right, as parts of the frame, 0...1.
        turns: degrees by which players turn the frames, counter-clockwise.
        in_color: part of the film, 0...1, that is in colour.
        shots: about how many; None if frames are not known.
        exact: whether the shots were counted, rather than estimated from parts of the film.
        seconds: that the work takes on this machine; None if frames are not known.
        written: bytes of the result; None if frames are not known.
        free: bytes on the disk for it.
    """

    path: Path
    width: int
    height: int
    rate: float
    frames: int | None
    kept: tuple[str, ...]
    converted: tuple[Converted, ...]
    left_out: tuple[LeftOut, ...]
    reading: str | None
    bars: tuple[float, float]
    turns: int
    in_color: float
    shots: int | None
    exact: bool
    seconds: float | None
    written: int | None
    free: int

    def lines(self) -> Iterator[str]:
        """The facts in words."""
        size = f"{self.width}x{self.height}, {self.rate:.5g} frames/s"
        yield size if self.frames is None else f"{self.frames:,} frames, {size}"
        if self.kept:
            yield f"copied: {', '.join(self.kept)}"
        for each in (*self.converted, *self.left_out):
            yield str(each).replace(" was ", " will be ", 1)
        yield from self.picture_lines()
        yield from self.work_lines()

    def notes(self) -> Iterator[str]:
        """Those that should be known before the work."""
        yield from map(str, (*self.converted, *self.left_out))
        yield from self.picture_lines()
        yield from self.work_lines()

    def picture_lines(self) -> Iterator[str]:
        """What is unusual about the frames."""
        if self.reading is not None:
            yield self.reading
        for part, words in zip(self.bars, ("above and below", "left and right"), strict=True):
            if part:
                yield f"bars {words}, {part:.0%} of the frame, stay neutral"
        if self.turns:
            yield f"frames are turned by {self.turns} degrees by a tag, which is kept"
        if self.in_color == 1:
            yield "the film is in colour, and gets new colours"
        elif self.in_color:
            yield f"about {self.in_color:.0%} of the film is in colour; see --in-color"

    def work_lines(self) -> Iterator[str]:
        """Shots, time and disk, as far as they are known."""
        if self.shots is not None:
            yield f"{'' if self.exact else 'about '}{self.shots:,} shot{'s' * (self.shots != 1)}"
        if self.frames is None or self.seconds is None or self.written is None:
            return
        speed = self.frames / max(self.seconds, 1e-3)
        yield f"about {clock(self.seconds)} on this machine, at {speed:.1f} frames/s"
        text = f"about {in_words(self.written)}, and as much in a hidden folder until it is done"
        yield f"{text}; {in_words(self.free)} are free"
        if self.free < 2 * self.written:
            yield "there is too little room on the disk: make some, or choose another folder"


def check_film(
    source: Path | str,
    output: Path | str,
    options: ColorOptions | None = None,
    video_options: VideoOptions | None = None,
    *,
    colorizer: Colorizer | None = None,
) -> FilmCheck:
    """Say what `colorize_video` with the same arguments would do; changes nothing.

    Some seconds of the film are coloured for it, and thrown away.

    Raises:
        VideoError, ArgumentError, MissingExtraError: see `colorize_video`.
    """
    options, wanted = with_stills(options or ColorOptions()), video_options or VideoOptions()
    source, output = Path(source), Path(output)
    encoding = Encoding.for_file(output, wanted.codec, crf=wanted.crf, preset=wanted.preset)
    with VideoReader(source, wanted.deinterlace) as video:
        setup = FilmSetup.of(video, colorizer or film_colorizer(), options, wanted, encoding)
        with tempfile.TemporaryDirectory(prefix="photochrom-") as folder:
            limits = {"start": wanted.start, "end": wanted.end}
            streams = try_out(video, encoding, output, Path(folder), **limits)
        return check_open(setup, output, streams)


def check_open(
    setup: FilmSetup, output: Path, streams: Streams, *, measure: bool = True
) -> FilmCheck:
    """The same for an open film; without `measure`, shots, seconds and bytes are None."""
    video, frames = setup.video, setup.total
    shots, exact, seconds, written = None, False, None, None
    if measure and frames is not None:
        shots, exact = _shots(setup, frames)
        if (per_frame := _measured(setup)) is not None:
            seconds = frames * per_frame[0]
            written = round(frames * (per_frame[1] + _sound(video) / video.rate))
    folder = output.absolute().parent
    while not folder.exists():
        folder = folder.parent
    height, width = video.shape
    return FilmCheck(
        video.path,
        width,
        height,
        float(video.rate),
        frames,
        tuple(streams.kept),
        tuple(streams.converted),
        tuple(streams.left_out),
        _reading(setup),
        setup.bars,
        setup.turns * 90,
        setup.in_color,
        shots,
        exact,
        seconds,
        written,
        shutil.disk_usage(folder).free,
    )


def _reading(setup: FilmSetup) -> str | None:
    """How interlaced frames are read; None: there are none, as far as is known."""
    video = setup.video
    if video.reading.frames == "ivtc":
        return "telecined: four frames of every five are the film's own"
    if not video.interlaced:
        return None
    if video.reading.frames == "deinterlace":
        return "interlaced: frames are made whole; --deinterlace off leaves them"
    if setup.video_options.deinterlace == "off":
        return "interlaced: frames stay as they are"
    return "flagged as interlaced, but frames are whole, and stay as they are"


def _starts(setup: FilmSetup, count: int) -> Iterator[tuple[int | None, int | None]]:
    """pts from which parts all over a film are looked at, each with that of its end, or None."""
    video, wanted, length = setup.video, setup.video_options, setup.video.duration
    begin = wanted.start or 0.0
    end = min(v for v in (length, wanted.end) if v is not None) if length or wanted.end else begin
    for number in range(count):
        at = begin + (end - begin) * number / count
        yield (video.pts_at(at) if at else None), setup.span[1]


def _shots(setup: FilmSetup, frames: int) -> tuple[int, bool]:
    """How many shots a film has, and whether that is exact."""
    if setup.video_options.shot_list is not None:
        return len(setup.video_options.shot_list.shots), True
    whole = frames <= _MANY
    found = seen = 0
    for first, end in _starts(setup, 1 if whole else _LOOKS):
        cuts = Shots()
        new: list[bool] = []
        for frame in islice(setup.video.frames(first), None if whole else _LOOK):
            if end is not None and pts_of(frame) >= end:
                break
            new += cuts.push(setup.painter.look(frame))
        new += cuts.flush()
        found += sum(new) if whole else sum(new[1:])
        seen += len(new)
    if whole:
        return found, True
    return max(1, round(found * frames / max(1, seen)) + 1), False


def _measured(setup: FilmSetup) -> tuple[float, float] | None:
    """Seconds and bytes of a frame, by colouring some; None: there are too few."""
    seconds = size = 0.0
    count = 0
    with tempfile.TemporaryDirectory(prefix="photochrom-") as scratch:
        for number, (first, end) in enumerate(_starts(setup, _SAMPLES)):
            times = [pts_of(frame) for frame in islice(setup.video.frames(first), _SAMPLE + 1)]
            if not times or (end is not None and times[0] >= end):
                continue
            if len(times) > _SAMPLE:
                end = times[-1] if end is None else min(end, times[-1])
            steady = setup.steady(pinned=pinned(setup.colorizer, setup.options))
            frames, color = FilmFrames(setup.video), Coloring(steady)
            work = FilmWork("a sample", setup, frames, color, first, end)
            folder = WorkFolder(Path(scratch) / str(number))
            folder.path.mkdir()
            told: list[float] = []
            work.encode(folder, partial(_note_time, told))
            if work.done > 1:  # the time of the first is mostly that of opening and seeking
                seconds += (time.monotonic() - told[0]) * work.done / (work.done - 1)
                size += sum(segment.stat().st_size for segment in folder.segments)
                count += work.done
    return (seconds / count, size / count) if count else None


def _note_time(told: list[float], done: int, total: int | None) -> None:
    told.append(time.monotonic())


def _sound(video: VideoReader) -> float:
    """Bytes per second of a film's other streams, as far as the file says."""
    with open_film(video.path) as source:
        rates = (getattr(s, "bit_rate", None) for s in source.streams if s.index != video.index)
        return float(sum(rate for rate in rates if rate)) / 8
