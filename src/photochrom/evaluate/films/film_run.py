"""Evaluation of films: turned grey, coloured by several methods at once, measured, and shown."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..._io import replacing
from ...errors import ArgumentError, PictureError, VideoError
from .film_clips import Footage
from .film_metrics import FilmTally, Frame, Rgb, luma
from .film_motion import MotionTracker, opencv
from .film_report import TRUTH, ClipScores, FilmReport

_MOST = 12  # frames across
_HEIGHT = 120  # of one, in pixels
_GAP = 4
_LINE = 20  # for a line of words
_GREY = "grey"


class FilmStrip:
    """Every k-th frame of a clip of unknown length; k doubles whenever there are too many."""

    def __init__(self) -> None:
        self._every, self._seen = 1, 0
        self._kept: list[tuple[int, list[Image.Image]]] = []
        self._labels: tuple[str, ...] = ()

    def add(self, images: Mapping[str, Rgb]) -> None:
        """Take note of the next frame: label -> ``(H, W, 3)``."""
        if self._seen % self._every == 0:
            self._labels = tuple(images)
            self._kept.append((self._seen, [_small(rgb) for rgb in images.values()]))
            if len(self._kept) > _MOST:
                self._kept, self._every = self._kept[::2], self._every * 2
        self._seen += 1

    def image(self) -> Image.Image:
        """The strip, after at least one frame."""
        width, count = self._kept[0][1][0].width, len(self._kept)
        font = ImageFont.load_default(size=14)
        margin = _GAP * 2 + round(max(font.getlength(label) for label in self._labels))
        size = (
            margin + count * (width + _GAP),
            _LINE + len(self._labels) * (_HEIGHT + _GAP),
        )
        sheet = Image.new("RGB", size, "white")
        draw = ImageDraw.Draw(sheet)
        for row, label in enumerate(self._labels):
            draw.text((_GAP, _LINE + row * (_HEIGHT + _GAP)), label, "black", font)
        for column, (number, images) in enumerate(self._kept):
            x = margin + column * (width + _GAP)
            draw.text((x, 0), f"{number}", "black", font)
            for row, image in enumerate(images):
                sheet.paste(image, (x, _LINE + row * (_HEIGHT + _GAP)))
        return sheet

    def save(self, path: Path) -> None:
        """Write the strip as PNG, whole or not at all; OSError if it cannot be written."""
        with replacing(path) as part:
            self.image().save(part, "PNG")


def _small(rgb: Rgb) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(rgb))
    width = max(1, round(image.width * _HEIGHT / image.height))
    return image.resize((width, _HEIGHT), Image.Resampling.BICUBIC)


Grey = NDArray[np.uint8]
Method: TypeAlias = Callable[[Iterable[Grey]], Iterator[Rgb]]
"""Grey frames ``(H, W)`` -> as many colour frames ``(H, W, 3)`` in their order, perhaps later."""


def evaluate_films(
    footage: Sequence[Footage],
    methods: Mapping[str, Method],
    *,
    limit: int | None = None,
    strips: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> FilmReport:
    """Measure methods on colour clips, beside leaving them grey.

    Every frame becomes its luma (see `films.luma`), from which each method makes colour. Frames
    are held in memory only until the slowest method has given theirs, however long the clip is.

    Args:
        footage: the clips.
        methods: name -> the method; each sees every clip from its first frame.
        limit: compare only so many frames of each clip.
        strips: write a contact strip of each clip, ``NAME.png``, into this folder.
        progress: called with the frames done and, where known, in all.

    Returns:
        A `FilmReport`. A clip that cannot be measured is named in it.

    Raises:
        ArgumentError: `limit` is less than 1, or the folder cannot be written.
        VideoError, PictureError: none of the clips can be measured.
        MissingExtraError: without OpenCV, or PyAV for a film.
        ModelError: a method's model fails.
    """
    if limit is not None and limit < 1:
        raise ArgumentError(
            "the limit of frames", expected="1 or more", got=str(limit), fix="leave it out"
        )
    opencv()  # missing it is to be told before an hour's work
    targets = _targets(strips, [clip.name for clip in footage])
    step = _Steps(footage, limit, progress)
    clips, failures = [], []
    for clip, target in zip(footage, targets, strict=True):
        try:
            clip.check(limit)
            clips.append(_measured(clip, methods, limit, target, step))
        except (VideoError, PictureError) as error:
            failures.append((clip.name, error))
    if failures and not clips:
        raise failures[0][1]
    unreadable = tuple((name, str(error)) for name, error in failures)
    return FilmReport(clips=tuple(clips), unreadable=unreadable)


def _measured(
    clip: Footage,
    methods: Mapping[str, Method],
    limit: int | None,
    target: Path | None,
    step: Callable[[], None],
) -> ClipScores:
    names = (_GREY, *methods, TRUTH)
    tallies = {name: FilmTally() for name in names}
    tracker, strip = MotionTracker(), FilmStrip() if target else None
    shared = _Shared((Frame(rgb), luma(rgb, clip.weights)) for rgb in clip.frames(limit))
    truths = shared.reader()
    streams = [method(grey for _, grey in shared.reader()) for method in methods.values()]
    count, truth = 0, None
    for (truth, grey), *results in zip(truths, *streams, strict=True):
        motion = tracker.push(grey)
        frames = [Frame(np.repeat(grey[..., None], 3, axis=2)), *map(Frame, results), truth]
        for name, frame in zip(names, frames, strict=True):
            tallies[name].add(frame, None if frame is truth else truth, motion)
        if strip is not None:
            strip.add({name: f.rgb for name, f in zip(names, frames, strict=True)})
        count += 1
        step()
    if strip is not None and target is not None:
        _save(strip, target)
    assert truth is not None  # the clip was looked at, and has frames
    height, width = truth.rgb.shape[:2]
    scores = tuple(tally.score(name) for name, tally in tallies.items())
    return ClipScores(name=clip.name, frames=count, width=width, height=height, scores=scores)


class _Shared:
    """One pass over frames for several readers, who may be in threads of their own.

    A frame is kept from when the fastest reader takes it until the slowest has. (What
    `itertools.tee` gives must not be read in several threads.)
    """

    def __init__(self, frames: Iterable[tuple[Frame, Grey]]) -> None:
        self._frames = iter(frames)
        self._queues: list[deque[tuple[Frame, Grey]]] = []
        self._lock = Lock()

    def reader(self) -> Iterator[tuple[Frame, Grey]]:
        """Another reader; ask for all before the first is read."""
        queue: deque[tuple[Frame, Grey]] = deque()
        self._queues.append(queue)
        return self._read(queue)

    def _read(self, queue: deque[tuple[Frame, Grey]]) -> Iterator[tuple[Frame, Grey]]:
        while True:
            with self._lock:
                if not queue:
                    frame = next(self._frames, None)
                    if frame is None:
                        return
                    for each in self._queues:
                        each.append(frame)
                frame = queue.popleft()
            yield frame


class _Steps:
    """Counts frames and reports them."""

    def __init__(
        self,
        footage: Sequence[Footage],
        limit: int | None,
        progress: Callable[[int, int | None], None] | None,
    ) -> None:
        self._progress, self._done = progress, 0
        lengths = [clip.length for clip in footage]
        known = [length if limit is None else min(length, limit) for length in lengths if length]
        self._total = sum(known) if len(known) == len(lengths) else None

    def __call__(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)


def _targets(folder: str | os.PathLike[str] | None, names: Sequence[str]) -> list[Path | None]:
    """The file of each clip's strip; names that are equal get a number."""
    if folder is None:
        return [None] * len(names)
    top, taken = Path(folder).expanduser(), set[str]()
    try:
        top.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError.unwritable(top, error, "name another folder") from None
    files: list[Path | None] = []
    for name in names:
        plain = re.sub(r"[^\w.-]+", "-", Path(name).stem).strip("-.") or "clip"
        numbers = (f"{plain}-{number}" for number in range(2, len(names) + 2))
        free = next(word for word in (plain, *numbers) if word.casefold() not in taken)
        taken.add(free.casefold())
        files.append(top / f"{free}.png")
    return files


def _save(strip: FilmStrip, target: Path) -> None:
    try:
        strip.save(target)
    except OSError as error:
        raise ArgumentError.unwritable(target, error, "name another folder") from None
