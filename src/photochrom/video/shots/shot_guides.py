"""Guides of shots: what is known of the colours of a shot before its first frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ...color import Codes, Float
from ...colorizer.prepared import Prepared
from ...colorizer.versions import Version, versions
from ...errors import ArgumentError
from ...hints import Hint
from ...options import ColorOptions, Source
from ...picture import Picture
from ..color.cells import Cells
from ..color.references import SAME_PLACE, References, add_picture, pinned, shown_in
from ..color.steady import Guide, SteadyColor
from ..color.view import View, box_in
from ..container.video_reader import VideoReader
from ..film_work import FilmSetup
from .carried_hints import CarriedHints, HintedFrame
from .shot_plans import ShotPlan

if TYPE_CHECKING:
    from av import VideoFrame

VERSIONS = 4
"""Versions of a shot, besides the network's first choice, that there are at most."""

_KEPT = 6  # frames that are kept ready


@dataclass(frozen=True, eq=False)
class StillFrame:
    """One frame of a film, as its colours are decided."""

    L: Float  # ``(h, w)``, at the working size
    view: View  # its picture
    cells: Cells  # of the picture, at the vividness of the model


class ShotGuides:
    """Colours shots as they are planned; reads single frames beside other readers of the film."""

    def __init__(self, setup: FilmSetup) -> None:
        self._setup, self._colorizer = setup, setup.colorizer
        self._reader: VideoReader | None = None
        self._pinned: References | None = None
        # Frames may be large, what is decided on them is not.
        self.frame = lru_cache(_KEPT)(self._frame)
        self._read, self.prepared = lru_cache(1)(self._decoded), lru_cache(1)(self._prepared)

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()

    def steady(self, plan: ShotPlan) -> SteadyColor:
        """What colours a shot; ArgumentError or PictureError for unusable hints or references."""
        if self._pinned is None:
            self._pinned = pinned(self._colorizer, self._setup.options)
        guide = Guide(self._begin(plan), self._stills(plan), self._hints(plan))
        return self._setup.steady(plan.options, pinned=self._pinned, guide=guide)

    def versions(self, seconds: float) -> list[Version]:
        """The versions that there are of a frame, in pixels of its picture."""
        return versions(self.prepared(seconds), VERSIONS)

    def grey(self, seconds: float) -> Codes:
        """Grey sRGB codes of a frame, ``(H, W)`` uint8, as it is stored."""
        return self._setup.painter.grey(self._read(seconds))

    def _prepared(self, seconds: float) -> Prepared:
        """The picture of a frame, upright and without bars, as `Colorizer.prepare` gives it."""
        still, shape = self.frame(seconds), self._setup.video.shape
        top, left = still.view.corner(still.L.shape, shape)
        height, width = still.view.full_shape(still.L.shape, shape)
        upright = np.rot90(self.grey(seconds), still.view.turns)
        codes = np.ascontiguousarray(upright[top : top + height, left : left + width])
        size = ColorOptions(size=round(still.L.size**0.5))
        return self._colorizer.prepare(Picture(codes), size)

    def _frame(self, seconds: float) -> StillFrame:
        L = self._setup.painter.look(self._read(seconds))
        view = View(box_in(L, self._setup.box), self._setup.turns)
        return StillFrame(L, view, Cells.of(self._colorizer, view.of(L)))

    def _decoded(self, seconds: float) -> VideoFrame:
        video = self._setup.video
        if self._reader is None:
            self._reader = VideoReader(video.path, reading=video.reading)
        frame = next(self._reader.frames(video.pts_at(seconds)), None)
        if frame is None:
            raise ArgumentError(f"the moment {seconds:g} s", expected=f"one within {video.path}")
        return frame

    def _begin(self, plan: ShotPlan) -> References:
        still, vividness = self.frame(plan.begin), plan.options.vividness
        cells = still.cells
        if vividness != 1:
            cells = Cells.of(self._colorizer, still.view.of(still.L), vividness)
        made = References()
        made.colors(cells.features, cells.ab, cells.L)
        return made

    def _stills(self, plan: ShotPlan) -> list[References]:
        found = [self._reference(each) for each in plan.stills]
        cells = self.frame(plan.still).cells
        for each in plan.others:
            one = self._reference(each)
            if shown_in(one, cells.features) >= SAME_PLACE:
                found.append(one)
        return found

    def _reference(self, source: Source) -> References:
        made = References()
        add_picture(made, source, self._colorizer, self._setup.options)
        return made

    def _hints(self, plan: ShotPlan) -> CarriedHints | None:
        moments: dict[float, tuple[Hint, ...]] = {}
        if plan.version:
            moments[plan.still] = self._version(plan)
        shape = self._setup.video.shape
        for seconds, hints in plan.moments.items():
            still = self.frame(seconds)
            moved = (still.view.hint(hint, still.L.shape, shape) for hint in hints)
            moments[seconds] = (*moments.get(seconds, ()), *moved)
        frames = []
        for seconds, hints in moments.items():
            still = self.frame(seconds)
            picture = still.view.full_shape(still.L.shape, shape)
            frames.append(HintedFrame(still.cells, still.view.of(still.L), hints, picture))
        return CarriedHints.of(frames) if frames else None

    def _version(self, plan: ShotPlan) -> tuple[Hint, ...]:
        there = self.versions(plan.still)
        if plan.version > len(there):
            raise ArgumentError(
                f"the version of shot {plan.number}",
                expected=f"0 to {len(there)}",
                got=str(plan.version),
            )
        return there[plan.version - 1].hints
