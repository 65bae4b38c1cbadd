"""Hints on one frame of a shot, carried to its other frames.

On their own frame hints go as far as in a still (see `photochrom.spread`): each cell gets a weight
for each hint. In another frame of the shot a place takes the weights of the cells that show the
like, by the network's features; so a jacket keeps its hint wherever it goes, and what is like no
cell with a weight does not change at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...affinity import feature_vectors, matched_values, smoothstep
from ...color import Float
from ...hints import Hint, cell
from ...spread import hint_weights
from ...upsample import joint_bilateral, resized
from ..color.cells import Cells

_COUNTS = 0.2, 0.6  # weights of matched cells at which a hint begins to count, and counts fully
_LIKE = 0.35, 0.55  # similarities at which a match begins to count, and counts fully
_LEAST = 0.02  # weight of a hint below which it does not count
_SHADE = 0.5, 1.25  # least and greatest factor of chroma for darker and lighter parts of a thing


@dataclass(frozen=True, eq=False)
class CarriedHints:
    """Hints on one frame.

    Attributes:
        features: ``(C, n)`` of the frame's cells.
        weights: ``(k, n)``, how far each hint decides the colour of each cell.
        ab: ``(k, 2)`` of the hints.
        light: ``(k,)``, L + 16 at their places.
    """

    features: Float
    weights: Float
    ab: Float
    light: Float

    @classmethod
    def of(
        cls, cells: Cells, L: Float, hints: Sequence[Hint], shape: tuple[int, int]
    ) -> CarriedHints:
        """Lay hints on a frame; those that keep a colour hold the others back.

        Args:
            cells: of the frame.
            L: ``(h, w)``, its upright picture without bars.
            hints: in pixels of that picture at its full size.
            shape: ``(H, W)`` of it.

        Raises:
            ArgumentError: a hint lies outside the picture.
        """
        weights = hint_weights(cells.ab, L, feature_vectors(cells.features), hints, shape)
        weights = resized(weights, (cells.light.shape[0], cells.light.shape[1]))
        colored = [number for number, hint in enumerate(hints) if not hint.keep]
        chosen = [hints[number] for number in colored]
        return cls(
            cells.features.reshape(len(cells.features), -1),
            weights[colored].reshape(len(colored), -1),
            np.array([hint.ab for hint in chosen], np.float32).reshape(-1, 2),
            np.array([L[cell(hint, shape, L.shape)] + 16 for hint in chosen], np.float32),
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
        if not len(self.ab):
            return ab
        weights, similarity = matched_values(cells.features, self.features, self.weights)
        total = weights.sum(0)
        counts = smoothstep(total, *_COUNTS) * smoothstep(similarity, *_LIKE)
        if not counts.any():
            return ab
        weights *= counts / np.maximum(total, np.float32(1e-6))
        fine = np.clip(joint_bilateral(L, weights), 0, 1)
        fine[fine < _LEAST] = 0
        shade = np.clip((L + 16) / self.light[:, None, None], *_SHADE)
        wanted = self.ab[:, :, None, None] * shade[:, None]
        return np.asarray(ab + (fine[:, None] * (wanted - ab)).sum(0), np.float32)
