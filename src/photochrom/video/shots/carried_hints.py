"""Hints on one frame of a shot, carried to its other frames.

On their own frame hints go as far as in a still (see `photochrom.hints.spread`): each cell gets a
weight for each hint. In another frame of the shot a place takes the weights of the cells that
show the like, by the network's features; so a jacket keeps its hint wherever it goes, and what is
like no cell with a weight does not change at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...affinity import (
    feature_vectors,
    matched_values,
    smoothstep,
    thing_vectors,
    tone_vectors,
)
from ...color import Float
from ...hints import Hint
from ...hints.spread import hint_weights
from ...upsample import joint_bilateral, resized
from ..color.cells import Cells

_COUNTS = 0.2, 0.6  # weights of matched cells at which a hint begins to count, and counts fully
_LIKE = 0.35, 0.55  # similarities at which a match begins to count, and counts fully
_LEAST = 0.02  # weight of a hint below which it does not count
_SHADE = 0.5, 1.25  # least and greatest factor of chroma for darker and lighter parts of a thing


@dataclass(frozen=True, eq=False)
class HintedFrame:
    """A frame of a shot with its hints."""

    cells: Cells  # of the frame
    L: Float  # ``(h, w)``, its upright picture without bars
    hints: Sequence[Hint]  # in pixels of that picture at its full size
    shape: tuple[int, int]  # ``(H, W)`` of that

    def weights(self) -> Float:
        """How far each hint decides each cell: ``(k, n)``; ArgumentError for one outside."""
        cells, grid = self.cells, (self.cells.L.shape[0], self.cells.L.shape[1])
        tones = tone_vectors(self.L, cells.ab)
        regions = cells.features if cells.regions is None else cells.regions
        vectors = thing_vectors(feature_vectors(regions), tones)
        found = hint_weights(cells.ab, self.L, vectors, self.hints, self.shape)
        return resized(found, grid).reshape(len(self.hints), -1)


@dataclass(frozen=True, eq=False)
class CarriedHints:
    """The hints of a shot, as weights of the cells of the frames that they are on."""

    features: Float  # ``(C, n)`` of the cells
    weights: Float  # ``(k, n)``, how far each hint decides the colour of each cell
    ab: Float  # ``(k, 2)`` of the hints
    light: Float  # ``(k,)``, L + 16 at their places

    @classmethod
    def of(cls, frames: Sequence[HintedFrame]) -> CarriedHints:
        """Lay hints on frames; those that keep a colour hold the others back.

        The hints of each frame are carried to the others first, where these have none of their
        own, so that all frames agree.

        Raises:
            ArgumentError: a hint lies outside the picture.
        """
        own = [frame.weights() for frame in frames]
        rows = []
        for frame, weights in zip(frames, own, strict=True):
            mine = weights[[not hint.keep for hint in frame.hints]]
            row = [
                mine
                if other is frame
                else _carried(frame.cells.features, mine, other.cells)
                * (1 - np.clip(theirs.sum(0), 0, 1))
                for other, theirs in zip(frames, own, strict=True)
            ]
            rows.append(np.concatenate(row, 1))
        hints = [(f, hint) for f in frames for hint in f.hints if not hint.keep]
        return cls(
            np.concatenate([_flat(frame.cells.features) for frame in frames], 1),
            np.concatenate(rows),
            np.array([hint.ab for _, hint in hints], np.float32).reshape(-1, 2),
            np.array([f.L[h.cell(f.shape, f.L.shape)] + 16 for f, h in hints], np.float32),
        )

    def applied(self, ab: Float, cells: Cells, L: Float) -> Float:
        """The colours of a frame with the hints.

        Args:
            ab: ``(2, h, w)`` without them, at the size of `L`.
            cells: of the frame.
            L: ``(h, w)``.

        Returns:
            ``(2, h, w)``; `ab` exactly where no hint counts.
        """
        if not len(self.ab):  # all of them keep colours
            return ab
        weights = _carried(self.features, self.weights, cells)
        if not weights.any():
            return ab
        weights = weights.reshape(len(weights), *cells.L.shape)
        fine = np.clip(joint_bilateral(L, weights), 0, 1)
        fine[fine < _LEAST] = 0
        shade = np.clip((L + 16) / self.light[:, None, None], *_SHADE)
        wanted = self.ab[:, :, None, None] * shade[:, None]
        return np.asarray(ab + (fine[:, None] * (wanted - ab)).sum(0), np.float32)


def _carried(features: Float, weights: Float, cells: Cells) -> Float:
    """Weights of cells for those of another frame: ``(k, n')``."""
    found, similarity = matched_values(cells.features, _flat(features), weights)
    total = found.sum(0)
    counts = smoothstep(total, *_COUNTS) * smoothstep(similarity, *_LIKE)
    found *= counts / np.maximum(total, np.float32(1e-6))
    return found.reshape(len(weights), cells.L.size)


def _flat(features: Float) -> Float:
    """Features ``(C, ...)`` as ``(C, n)``."""
    return features.reshape(len(features), -1)
