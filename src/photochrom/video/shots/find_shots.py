"""Finds the shots of a film, and which of them show the same place."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ...color import Float
from ...colorizer import Colorizer
from ...errors import CancelToken
from ...options import ColorOptions, VideoOptions
from ...shot_list import Shot, ShotList
from ..color.cells import Cells
from ..color.coloring import film_colorizer
from ..color.references import SAME_PLACE, References, shown_in
from ..color.view import View, box_in
from ..container.video_reader import VideoReader
from ..film_work import FilmSetup
from ..segments.ahead import ahead
from ..segments.painting import pts_of
from ..segments.segmented_work import Progress, reporter
from .cuts import Shots

_AHEAD = 8  # frames that are decoded ahead
_PLACES = 12  # places that are remembered
_CLEARER = 1.3  # times as much contrast that makes a later frame the better still


def find_shots(
    source: Path | str,
    options: ColorOptions | None = None,
    video_options: VideoOptions | None = None,
    *,
    colorizer: Colorizer | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> ShotList:
    """Find the shots of a film: reads all of it, and asks the network once for each shot.

    Args:
        source: any film that FFmpeg reads.
        options: only `ColorOptions.size` counts.
        video_options: deinterlacing, and the part of the film.
        colorizer: the loaded model; None: the bundled one.
        progress: called after each frame.
        cancel: checked after each frame.

    Raises:
        VideoError: the source cannot be read.
        CancelledError: `cancel` was set.
    """
    options, video_options = options or ColorOptions(), video_options or VideoOptions()
    with VideoReader(source, video_options.deinterlace) as video:
        setup = FilmSetup.of(video, colorizer or film_colorizer(), options, video_options)
        return shots_of(setup, reporter(progress, cancel))


def shots_of(setup: FilmSetup, report: Progress) -> ShotList:
    """The shots of a film that is open, see `find_shots`."""
    video, places, total = setup.video, _Places(), setup.total
    whole = not setup.video_options.start
    found: list[Shot] = []
    for begun, following in _begun(_frames(setup, lambda n: report(n, total))):
        index, still, L = begun.still()
        view = View(box_in(L, setup.box), setup.turns)
        cells = Cells.of(setup.colorizer, view.of(L))
        number = len(found) + 1
        place = places.find(number, cells)
        end = following
        if end is None:
            end = begun.last + max(1, round(1 / (video.rate * video.time_base)))
        found.append(
            Shot(
                max(0.0, video.seconds_at(begun.first)),  # some films begin before their clock
                video.seconds_at(end),
                max(0.0, video.seconds_at(still)),
                place=place,
                frame=begun.number if whole else None,
                picture=f"stills/{begun.number + index:06}.jpg" if whole else None,
            )
        )
    length = video.duration
    return ShotList(video.path.name, found[-1].end if length is None else length, tuple(found))


@dataclass
class _Begun:
    """A shot that has begun."""

    number: int  # of its first frame in the film
    # first, last: pts of frames
    first: int
    last: int
    count: int = 0  # frames so far
    # number in the shot, pts and L of the frames 0, 1, 2, 4, 8 and so on, the last two
    looks: list[tuple[int, int, Float]] = field(default_factory=list)

    def add(self, pts: int, L: Float) -> None:
        if self.count & (self.count - 1) == 0:
            self.looks = [*self.looks, (self.count, pts, L)][-2:]
        self.count += 1
        self.last = pts

    def still(self) -> tuple[int, int, Float]:
        """A frame from the second quarter, or one after it that shows clearly more."""
        one, other = self.looks[0], self.looks[-1]
        return other if float(other[2].std()) > _CLEARER * float(one[2].std()) else one


class _Places:
    """The places that shots showed so far."""

    def __init__(self) -> None:
        self._known: deque[tuple[int, References]] = deque(maxlen=_PLACES)

    def find(self, number: int, cells: Cells) -> int | None:
        """The number of the first shot at the place of a shot; None: it is the first."""
        parts = [(shown_in(r, cells.features), first) for first, r in self._known]
        part, first = max(parts, default=(0.0, 0))
        if part >= SAME_PLACE:
            return first
        one = References()
        one.add(cells.features, cells.ab, cells.L)
        self._known.append((number, one))
        return None


def _frames(setup: FilmSetup, step: Callable[[int], None]) -> Iterator[tuple[int, Float]]:
    """pts and L of the frames of a part of a film."""
    first, end = setup.span

    def decoded() -> Iterator[tuple[int, Float]]:
        for frame in setup.video.frames(first):
            if end is not None and pts_of(frame) >= end:
                return
            yield pts_of(frame), setup.painter.look(frame)

    with closing(ahead((each for each in decoded()), _AHEAD)) as looks:
        for number, look in enumerate(looks, 1):
            yield look
            step(number)


def _begun(frames: Iterator[tuple[int, Float]]) -> Iterator[tuple[_Begun, int | None]]:
    """The shots when they are over, each with the pts of the next one's first frame."""
    cuts, undecided = Shots(), deque[tuple[int, Float]]()
    shot: _Begun | None = None
    count = 0

    def decide(new: list[bool]) -> Iterator[tuple[_Begun, int | None]]:
        nonlocal shot, count
        for cut in new:
            pts, L = undecided.popleft()
            if cut or shot is None:
                if shot is not None:
                    yield shot, pts
                shot = _Begun(count, pts, pts)
            shot.add(pts, L)
            count += 1

    for pts, L in frames:
        undecided.append((pts, L))
        yield from decide(cuts.push(L))
    yield from decide(cuts.flush())
    if shot is not None:
        yield shot, None
