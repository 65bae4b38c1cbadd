"""Steady colour: inside a shot an object keeps the colour it was given first.

The network is asked for *key frames* only. Between two of them every pixel takes its colour from
both, along the motion, in proportion to how near they are in time and how far the motion can be
trusted. A key frame itself is a mean of what the network says of it and what the key frame before
has brought along, weighted by how many predictions that already stands for; so colours settle
during a shot instead of changing with each prediction. Where something is new, at the edge of a pan
or behind what moved away, the network is asked with the colours that were brought along as hints,
and gives the new its colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...adjust import warm
from ...color import Float
from ...colorizer import Colorizer
from ...options import ColorOptions
from ...upsample import joint_bilateral
from .key_frame import KeyFrame, light_of
from .memory import Memory
from .motion import Places, enlarged, link

LOOK_AHEAD = 10
"""Frames that may come in before the first of them goes out: the longest way between key frames."""

_SHORTEST = 3  # frames between key frames, where the motion loses much
_LOST = 0.2  # part of a frame that the motion may leave unexplained
_ENOUGH = 0.5  # of evidence; below it a pixel counts as unexplained
_NEW = 0.05  # part of a frame that must be new for the network to be asked with hints
_EVIDENCE = 8.0  # predictions that a colour stands for at most, so that it can still change
_HINT_EVERY, _HINT_SIDE = 16, 5  # pixels at the working size


@dataclass(frozen=True, eq=False)
class _Frame:
    """A frame that waits for its colour.

    Attributes:
        L: ``(h, w)``.
        after: the places in it of the pixels of the frame before.
        key: its pixels' places in the key frame before.
    """

    L: Float
    after: Places
    key: Places


class SteadyColor:
    """Colours the frames of a film one after the other, a few frames late.

    Args:
        colorizer: the loaded model.
        options: vividness and warmth.
    """

    def __init__(self, colorizer: Colorizer, options: ColorOptions | None = None) -> None:
        self._colorizer, self._options = colorizer, options or ColorOptions()
        self._memory = Memory()
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
            if self._key is not None:
                self._memory.keep(self._key)
            self._key = self._first(L)
            return [*done, _planes(self._key.own())]
        last = self._waiting[-1] if self._waiting else None
        both = link(last.L if last else self._key.L, L)
        key = both.back.then(last.key) if last else both.back
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
        new = self._next(old, frames[-1])
        self._key, self._waiting = new, []
        done = [new.own()]
        ahead = Places.own(_shape(new.L))
        for number in range(len(frames) - 1, 0, -1):
            frame = frames[number - 1]
            ahead = frames[number].after.then(ahead)
            done.append(_between(frame, old, new, ahead, number / len(frames)))
        return [_planes(ab) for ab in reversed(done)]

    def state(self) -> dict[str, NDArray[np.generic]]:
        """What a later `SteadyColor` needs to go on in the same way; nothing may be waiting."""
        assert not self._waiting
        kept = self._memory.state()
        if self._key is not None:
            kept |= {"L": self._key.L, "tint": self._key.tint, "evidence": self._key.evidence}
        return kept

    def restore(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on where another one has been, see `state`."""
        self._memory.restore(state)
        self._waiting = []
        if "L" in state:
            L, tint, evidence = (state[k].astype(np.float32) for k in ("L", "tint", "evidence"))
            self._key = KeyFrame(L, tint, evidence)

    def _lost(self) -> float:
        """Part of the last frame of which the key frame says nothing."""
        assert self._key is not None
        key = self._waiting[-1].key
        return float((key.of(self._key.evidence) * key.trust < _ENOUGH).mean())

    def _first(self, L: Float) -> KeyFrame:
        """The first key frame of a shot: as the same place looked before, if it was seen."""
        known = self._memory.find(L)
        if known is None:
            return self._merged(L, None, np.zeros_like(Places.own(_shape(L)).trust))
        key, places = known
        # A shot of another camera position is less sure than the frame before.
        evidence = np.minimum(places.of(key.evidence), 2) * places.trust
        return self._merged(L, key.seen(places, light_of(L)), evidence)

    def _next(self, old: KeyFrame, frame: _Frame) -> KeyFrame:
        evidence = frame.key.of(old.evidence) * frame.key.trust
        return self._merged(frame.L, old.seen(frame.key, light_of(frame.L)), evidence)

    def _merged(self, L: Float, brought: Float | None, evidence: Float) -> KeyFrame:
        """A key frame from what was brought along, ``(h, w, 2)``, and what the network says."""
        import cv2

        if brought is None:
            return KeyFrame.of(L, joint_bilateral(L, self._predict(L)), evidence + 1)
        fine = enlarged(evidence, L.shape)
        hinted = self._colorizer.model.card.hints and (evidence < _ENOUGH).mean() > _NEW
        if hinted:
            # Told of what is known, the network speaks for what is new only: of the rest it would
            # repeat what it was told.
            fresh = self._predict(L, *_hints(brought, fine))
            voice = np.maximum(1 - evidence, 0)
        else:
            fresh, voice = self._predict(L), np.ones_like(evidence)
        # Weighted, so that nothing of a place that is not trusted leaks into its neighbours.
        grid = fresh.shape[:0:-1]
        old, weight, say = (
            cv2.resize(planes, grid, interpolation=cv2.INTER_AREA)
            for planes in (brought * fine[..., None], evidence, voice)
        )
        ab = (np.moveaxis(old, 2, 0) + fresh * say) / (weight + say)
        ab = joint_bilateral(L, np.asarray(ab, np.float32))
        return KeyFrame.of(L, ab, np.minimum(evidence + voice, np.float32(_EVIDENCE)))

    def _predict(self, L: Float, *hints: Float) -> Float:
        """Chroma of one frame, ``(2, h', w')``, with vividness and warmth applied."""
        ab = self._colorizer.predict(L, *hints, options=self._options)
        return warm(ab, self._options.warmth)


def _between(frame: _Frame, old: KeyFrame, new: KeyFrame, ahead: Places, time: float) -> Float:
    """Colour of a frame between two key frames; `time`: 0 at the old one, 1 at the new one."""
    # Where neither is trusted, both are still better than grey.
    from_old = (frame.key.trust + np.float32(1e-3)) * np.float32(1 - time)
    from_new = (ahead.trust + np.float32(1e-3)) * np.float32(time)
    share = np.asarray(from_new / (from_old + from_new), np.float32)
    share = enlarged(share, frame.L.shape)[..., None]
    light = light_of(frame.L)
    one, other = old.seen(frame.key, light), new.seen(ahead, light)
    return np.asarray(one + (other - one) * share)


def _hints(brought: Float, evidence: Float) -> tuple[Float, Float]:
    """Spots of what was brought along, as hint map and hint mask."""
    mask = np.zeros(evidence.shape, np.float32)
    middle = _HINT_EVERY // 2
    for offset in np.ndindex(_HINT_SIDE, _HINT_SIDE):
        rows, columns = (slice(middle + o - _HINT_SIDE // 2, None, _HINT_EVERY) for o in offset)
        mask[rows, columns] = 1
    mask *= evidence >= _ENOUGH
    return (brought * mask[..., None]).transpose(2, 0, 1)[None], mask[None, None]


def _planes(ab: Float) -> Float:
    return np.ascontiguousarray(np.moveaxis(ab, 2, 0))


def _shape(L: Float) -> tuple[int, int]:
    height, width = L.shape
    return height, width
