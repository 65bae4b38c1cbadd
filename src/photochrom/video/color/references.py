"""References of a shot: cells with colours that its key frames are matched with.

A cell is a feature vector of the network (see `photochrom.models.card`) and its ab / (L + 16),
as in `KeyFrame`. Cells come from frames that the network coloured without hints, or from a
person's stills. No cell ever takes its colour from another one, so colours cannot drift, however
long the shot is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._system import one_blas_thread
from ...affinity import (
    Match,
    Reference,
    cell_similarities,
    match,
    matched_values,
    mutual_share,
    smoothstep,
)
from ...color import Float
from ...colorizer import Colorizer
from ...colorizer.prepared import grey_codes
from ...options import ColorOptions, Source
from ...picture import Picture, open_picture
from ...upsample import resized, shrink
from .view import picture_box

SAME_PLACE = 0.6
"""Part of a frame that must be known to a set for it to show the place of its shot."""

_MOST = 2112  # cells of a shot; those of the middle go first
_KEPT = 1056  # cells of a shot that are remembered for later shots
_SHOTS = 4  # that are remembered
_ALIKE = 0.6  # similarity below which a cell of the same shot is of something new ...
_FEW = 4  # ... unless there are fewer of them side by side: specks of colour are worse than none
_OWN = 0.35, 0.55  # similarities at which a match within a shot begins to count, and counts fully
_DARK = 10.0  # L; nothing is told of chroma by what is darker
_USUAL = 50.0  # L that references are taken to have, which come without it
_DIM, _CLEARER = 12.0, 1.8  # L; and times as much contrast
# Share of mutual cells from which a frame of another shot shows the same place. With photochrom-5
# different photographs have 0.44 at most, and one that is moved by 15 % has 0.60 at least.
_MUTUAL = 0.5
_SAME = 0.95  # similarity from which a cell is known to a set all the same

State = dict[str, NDArray[Any]]


def _light(L: Float) -> Float:
    return np.maximum(L, np.float32(_DARK)) + np.float32(16)


class References:
    """A set of cells.

    They are held as float16, 1 MB per thousand with features of 544 numbers, as they are stored.
    """

    def __init__(self) -> None:
        self._features: NDArray[np.float16] = np.empty((0, 0), np.float16)
        self._tint: NDArray[np.float16] = np.empty((0, 2), np.float16)
        self._contrast = 0.0  # of the frame that the set began with

    def __len__(self) -> int:
        return len(self._tint)

    def add(
        self, features: Float, ab: Float, L: Float, where: NDArray[np.bool_] | None = None
    ) -> None:
        """Take the cells of a frame.

        Args:
            features: ``(C, h, w)``.
            ab: ``(2, h, w)``.
            L: ``(h, w)``.
            where: ``(h, w)``, the cells to take; None: all.
        """
        where = np.ones(ab.shape[1:], bool) if where is None else where
        tint = (ab / _light(L))[:, where]
        new = features[:, where].T.astype(np.float16), tint.T.astype(np.float16)
        old = (self._features, self._tint) if len(self) else (new[0][:0], new[1][:0])
        self._features, self._tint = (np.concatenate(pair) for pair in zip(old, new, strict=True))
        self._shorten(_MOST)

    @property
    def cells(self) -> Float:
        """Their features, ``(C, n)``."""
        return np.asarray(self._features.T, np.float32)

    def match(self, features: Float, L: Float, *, own: bool = False) -> Match:
        """What the set says of a frame, see `affinity.match`.

        Args:
            features: ``(C, h, w)``.
            L: ``(h, w)``; the less light, the less chroma, see `KeyFrame`.
            own: the set is of the frame's own shot, so that what is less alike is the same thing.
        """
        cells, tint = self.cells, self._tint.T.astype(np.float32)
        with one_blas_thread():
            if own:
                found, similarity = matched_values(features, cells, tint)
                return Match(found * _light(L), similarity, smoothstep(similarity, *_OWN))
            matched = match(features, [Reference(cells[:, None], tint[:, None])])
        return replace(matched, ab=matched.ab * _light(L))

    def colors(self, features: Float, own: Float, L: Float) -> Float:
        """Colours of a key frame; what nothing in the set is like joins it.

        Where the set began with a dark or dim frame, as in a fade, it begins anew with one that has
        clearly more contrast.

        Args:
            features: ``(C, h, w)``.
            own: ``(2, h, w)``, what the network says of the frame alone.
            L: ``(h, w)``.

        Returns:
            ``(2, h, w)``, ab.
        """
        contrast = float(L.std())
        if self._contrast < min(_DIM, contrast / _CLEARER):
            self._features, self._tint = self._features[:0], self._tint[:0]
            self._contrast = contrast
        if not len(self):
            self.add(features, own, L)
            return self.match(features, L, own=True).ab
        found = self.match(features, L, own=True)
        new = _news(found.similarity)
        if new.any():
            self.add(features, own, L, new)
        return np.where(new, own, found.ab)

    def remembered(self) -> References:
        """The set as it is kept for later shots."""
        kept = References()
        kept._features, kept._tint, kept._contrast = self._features, self._tint, self._contrast
        kept._shorten(_KEPT)
        return kept

    def _shorten(self, most: int) -> None:
        """Keep the first third, which the shot began with, and the newest of the others."""
        if len(self) > most:
            first, last = slice(most // 3), slice(len(self) - (most - most // 3), None)
            self._features = np.concatenate([self._features[first], self._features[last]])
            self._tint = np.concatenate([self._tint[first], self._tint[last]])

    def state(self) -> State:
        """For `restore`."""
        contrast = np.array(self._contrast)
        return {"features": self._features, "tint": self._tint, "contrast": contrast}

    @classmethod
    def restore(cls, state: State) -> References:
        """The set that another one was when it was asked for its `state`."""
        made = cls()
        made._features, made._tint = (state[k].astype(np.float16) for k in ("features", "tint"))
        made._contrast = float(state["contrast"])
        return made


def _news(similarity: Float) -> NDArray[np.bool_]:
    """The cells ``(h, w)`` that show something that the set does not have."""
    import cv2

    unlike = (similarity < _ALIKE).astype(np.uint8)
    count, places, about, _ = cv2.connectedComponentsWithStats(unlike, connectivity=4)
    large = about[:count, cv2.CC_STAT_AREA] >= _FEW
    large[0] = False
    return np.asarray(large[places])


def pinned(colorizer: Colorizer, options: ColorOptions) -> References:
    """A person's references, for all shots; PictureError or ArgumentError if one is unusable."""
    made = References()
    for source in options.references:
        add_picture(made, source, colorizer, options)
    return made


def add_picture(
    references: References, source: Source, colorizer: Colorizer, options: ColorOptions
) -> None:
    """Take the cells of a coloured picture; PictureError or ArgumentError if it has none."""
    if isinstance(source, Reference):
        one, light = source, np.full((1, 1), _USUAL, np.float32)
    else:
        picture, size = _within_bars(source, colorizer, options.size)
        plain = replace(options, size=size, reference=(), hints=())
        one = colorizer.reference(picture, plain)
        light = colorizer.prepare(picture, plain).L
    height, width = one.ab.shape[1:]
    references.add(one.features, one.ab, resized(light[None], (height, width))[0])


def _within_bars(source: Any, colorizer: Colorizer, size: int | None) -> tuple[Picture, int]:
    """A still without its bars, as frames are seen, and the size at which its scale is theirs."""
    picture = open_picture(source)
    size = size or colorizer.model.card.film_size or colorizer.model.card.size
    shape = picture.height, picture.width
    seen = colorizer.model.fit(*shape, size)
    box = picture_box(shrink(grey_codes(picture, seen), *seen))
    top, bottom, left, right = (
        round(place * shape[n // 2] / seen[n // 2]) for n, place in enumerate(box)
    )
    if (bottom - top, right - left) == shape:
        return picture, size
    part = (bottom - top) * (right - left) / (shape[0] * shape[1])
    inside = np.ascontiguousarray(picture.pixels[top:bottom, left:right])
    return Picture(inside), max(colorizer.model.card.multiple, round(size * part**0.5))


def shown_in(references: References, features: Float) -> float:
    """Part, 0...1, of a frame's features ``(C, h, w)`` that another shot's set knows."""
    with one_blas_thread():
        similar = cell_similarities(features, references.cells)
    mutual = mutual_share(similar, features.shape[1:]) >= _MUTUAL
    return float((similar.max(1) >= (_ALIKE if mutual else _SAME)).mean())


class EarlierShots:
    """Sets of earlier shots: shots of one place share their references."""

    def __init__(self) -> None:
        self._sets: list[References] = []

    def keep(self, references: References) -> None:
        """Remember the set of a shot that has ended."""
        if len(references):
            self._sets = [*self._sets, references.remembered()][-_SHOTS:]

    def find(self, features: Float) -> References:
        """The set for a shot that begins with a frame: of the same place, or a new one.

        A set that is found is no longer remembered; the shot hands it back with `keep`.
        """
        parts = [shown_in(one, features) for one in self._sets]
        best = max(range(len(parts)), key=parts.__getitem__, default=0)
        if parts and parts[best] >= SAME_PLACE:
            return self._sets.pop(best)
        return References()

    def state(self) -> State:
        """For `restore`."""
        return {f"{i}.{k}": v for i, s in enumerate(self._sets) for k, v in s.state().items()}

    def restore(self, state: State) -> None:
        """Remember what another one did when it was asked for its `state`."""
        self._sets = []
        while f"{len(self._sets)}.tint" in state:
            names = ("features", "tint", "contrast")
            one = {name: state[f"{len(self._sets)}.{name}"] for name in names}
            self._sets.append(References.restore(one))
