"""Steady colour: inside a shot, and in shots of the same place, a thing keeps its colour.

The network is asked for *key frames* only. A key frame takes its colours from the references of its
shot, by matching features (see `references`). Between two key frames every pixel takes its colour
from both, along the motion, in proportion to how near they are in time and how far the motion can
be trusted. Nothing that was made so is a reference itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...affinity import Match
from ...color import Float
from ...colorizer import Colorizer
from ...colorizer.recombination import finished
from ...options import ColorOptions
from ...upsample import joint_bilateral
from ..shots.carried_hints import CarriedHints
from .cells import Cells
from .motion import Places, enlarged, link
from .references import EarlierShots, References, State
from .view import Box, View, box_in

_SHINE = 1.5  # times as much chroma as at the key frame is the most that more light gives
_AROUND = 9  # pixels; light is compared over such a square, not grain by grain
LOOK_AHEAD = 10
"""Frames that may come in before the first of them goes out: the longest way between key frames."""
_SHORTEST = 3  # frames between key frames, where the motion loses much
_LOST = 0.2  # part of a frame that the motion may leave unexplained
_ENOUGH = 0.5  # of trust; below it a pixel counts as unexplained


@dataclass(frozen=True, eq=False)
class KeyFrame:
    """A key frame with its colour, exact in float16, as it is stored.

    Stored is not ab itself but ab / (L + 16), which stays the same when a surface is lit more or
    less (X, Y and Z all grow by one factor k, so a, b and L + 16 grow by its cube root): fades,
    flashes and uneven exposure keep the colours of the film.
    """

    L: Float  # ``(h, w)`` float32, 0...100
    tint: Float  # ``(h, w, 3)`` float32: ab / (light + 16), and the light, which is L without grain

    @classmethod
    def of(cls, L: Float, ab: Float) -> KeyFrame:
        """From ab ``(2, h, w)``."""
        light = light_of(L)
        tint = np.dstack([*(ab / (light + 16)), light])
        return cls(*(planes.astype(np.float16).astype(np.float32) for planes in (L, tint)))

    def own(self) -> Float:
        """Its colour: ``(2, h, w)``."""
        return self._lit(self.tint, self.tint[..., 2] + 16)

    def seen(self, places: Places, light: Float) -> Float:
        """Its colour in another frame, whose light is given: ``(2, h, w)``."""
        tint = places.of(self.tint)
        return self._lit(tint, np.minimum(light + 16, np.float32(_SHINE) * (tint[..., 2] + 16)))

    @staticmethod
    def _lit(tint: Float, light: Float) -> Float:
        ab = np.empty((2, *light.shape), np.float32)
        for plane, part in zip(ab, (tint[..., 0], tint[..., 1]), strict=True):
            np.multiply(part, light, out=plane)
        return ab


def light_of(L: Float) -> Float:
    """L ``(h, w)`` without grain."""
    import cv2

    return np.asarray(cv2.blur(L, (_AROUND, _AROUND)))


@dataclass(frozen=True, eq=False)
class _Frame:
    """A frame that waits for its colour."""

    L: Float  # ``(h, w)``
    after: Places  # the places in it of the pixels of the frame before
    key: Places  # its pixels' places in the key frame before


@dataclass(frozen=True, eq=False)
class Guide:
    """What is known of the colours of a shot before its first frame.

    Attributes:
        begin: the shot's references to begin with; None: those of an earlier shot of the same
            place, or none.
        stills: references of this shot alone, such as a frame of it that a person coloured.
        hints: on frames of this shot; None: there are none.
    """

    begin: References | None = None
    stills: Sequence[References] = ()
    hints: CarriedHints | None = None


class SteadyColor:
    """Colours the frames of a film one after the other, a few frames late.

    Args:
        colorizer: the loaded model.
        options: vividness and warmth.
        turns: quarter turns counter-clockwise that make the frames upright.
        pinned: references that a person gave, for all shots.
        box: the picture between the bars of the whole film; None: looked for in each shot.
        guide: for the only shot there is; None: shots without one.
    """

    def __init__(
        self,
        colorizer: Colorizer,
        options: ColorOptions | None = None,
        turns: int = 0,
        pinned: References | None = None,
        box: Box | None = None,
        guide: Guide | None = None,
    ) -> None:
        self._colorizer, self._options = colorizer, options or ColorOptions()
        self._box, self._guide = box, guide or Guide()
        self._turns, self._pinned = turns, pinned or References()
        self._earlier, self._references = EarlierShots(), References()
        self._view: View | None = None
        self._key: KeyFrame | None = None
        self._waiting: list[_Frame] = []

    def push(self, L: Float, cut: bool = False) -> list[Float]:
        """Take the next frame.

        Args:
            L: ``(h, w)`` float32, 0...100, at the model's size; the same for all frames.
            cut: whether it begins a new shot.

        Returns:
            Of the frames whose colour is now known, in their order: ab ``(2, h, w)`` float32.
        """
        if self._key is None or cut:
            done = self.flush()
            self._earlier.keep(self._references)
            self._key = self._colored(L, begins=True)
            return [*done, self._key.own()]
        last = self._waiting[-1] if self._waiting else self._key
        both = link(last.L, L)
        key = both.back.then(last.key) if isinstance(last, _Frame) else both.back
        self._waiting.append(_Frame(L, both.forth, key))
        count = len(self._waiting)
        if count == LOOK_AHEAD or (count >= _SHORTEST and self._lost() > _LOST):
            return self.flush()
        return []

    def flush(self) -> list[Float]:
        """The colours of the frames that wait, as at the end of a film."""
        if not self._waiting:
            return []
        assert self._key is not None
        old, frames = self._key, self._waiting
        new = self._colored(frames[-1].L)
        self._key, self._waiting = new, []
        done = [new.own()]
        ahead = Places.own(_shape(new.L))
        for number in range(len(frames) - 1, 0, -1):
            frame = frames[number - 1]
            ahead = frames[number].after.then(ahead)
            done.append(_between(frame, old, new, ahead, number / len(frames)))
        return done[::-1]

    def state(self) -> State:
        """What a later `SteadyColor` needs to go on in the same way; nothing may be waiting."""
        assert not self._waiting
        kept = {f"earlier.{k}": v for k, v in self._earlier.state().items()}
        if self._key is not None and self._view is not None:
            kept |= {f"references.{k}": v for k, v in self._references.state().items()}
            kept |= {k: getattr(self._key, k).astype(np.float16) for k in ("L", "tint")}
            kept["box"] = np.array(self._view.box)
        return kept

    def restore(self, state: State) -> None:
        """Go on where another one has been, see `state`."""
        self._earlier.restore(inner(state, "earlier."))
        self._waiting = []
        if "L" in state:
            self._references = References.restore(inner(state, "references."))
            self._key = KeyFrame(*(state[k].astype(np.float32) for k in ("L", "tint")))
            top, bottom, left, right = (int(n) for n in state["box"])
            self._view = View((top, bottom, left, right), self._turns)

    def _lost(self) -> float:
        """Part of the last frame of which the key frame says nothing."""
        return float((self._waiting[-1].key.trust < _ENOUGH).mean())

    def _colored(self, L: Float, *, begins: bool = False) -> KeyFrame:
        """A key frame; `begins`: the first one of a shot."""
        self._view = View(self._box_of(L, begins), self._turns)
        small = self._view.of(L)
        vividness = self._options.vividness
        cells = Cells.of(self._colorizer, small, vividness)
        if begins:
            begin = self._guide.begin
            self._references = begin or self._earlier.find(cells.features)
        found = [self._pinned.match(cells.features, cells.L)] if len(self._pinned) else []
        found += [s.match(cells.features, cells.L, own=True) for s in self._guide.stills]
        own = _borrowed(cells.ab, found, vividness)  # so that the shot carries these colours on
        colors = self._references.colors(cells.features, own, cells.L)
        ab = _borrowed(colors, found, vividness)
        fine = joint_bilateral(small, ab)
        if self._guide.hints is not None:
            fine = self._guide.hints.applied(fine, cells, small)
        fine = finished(fine, self._options)
        return KeyFrame.of(L, self._view.back(fine, _shape(L)))

    def _box_of(self, L: Float, begins: bool) -> Box:
        """Where the picture of a frame lies: never less than before in its shot."""
        return box_in(L, self._box if begins or self._view is None else self._view.box)


def _borrowed(ab: Float, found: Sequence[Match], vividness: float) -> Float:
    """Colours where references match, `ab` elsewhere."""
    for match in found:
        ab = ab + (match.ab * np.float32(vividness) - ab) * match.confidence
    return ab


def inner(state: State, prefix: str) -> State:
    """The entries of a state whose names begin with `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _between(frame: _Frame, old: KeyFrame, new: KeyFrame, ahead: Places, time: float) -> Float:
    """Colour of a frame between two key frames; `time`: 0 at the old one, 1 at the new one."""
    # Where neither is trusted, both are still better than grey.
    from_old = (frame.key.trust + np.float32(1e-3)) * np.float32(1 - time)
    from_new = (ahead.trust + np.float32(1e-3)) * np.float32(time)
    share = np.asarray(from_new / (from_old + from_new), np.float32)
    share = enlarged(share, frame.L.shape)
    light = light_of(frame.L)
    one, other = old.seen(frame.key, light), new.seen(ahead, light)
    other -= one
    other *= share
    one += other
    return one


def _shape(L: Float) -> tuple[int, int]:
    height, width = L.shape
    return height, width
