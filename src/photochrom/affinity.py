"""Affinity: how much one place belongs to another, 0...1, from a network's features.

Features are vectors ``(C, h, w)``, one for each cell of a picture, see `Prediction.features`. What
all cells share says nothing, so their mean is taken off; the similarity of two cells is then the
cosine of the angle between their vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .color import Float
from .errors import ArgumentError

_TEMPERATURE = 0.04  # of the softmax over similarities to the cells of references
_UNLIKE, _LIKE = 0.60, 0.75  # similarities at which a match begins to count, and counts fully


@dataclass(frozen=True, eq=False)
class Match:
    """What references say of a picture.

    Attributes:
        ab: ``(2, h, w)`` float32, the colours of the references' most similar cells.
        similarity: ``(h, w)`` float32, -1...1, to the most similar cell.
        confidence: ``(h, w)`` float32, 0 nothing alike ... 1 the same thing: how far `ab` is to
            replace the network's own chroma.
    """

    ab: Float
    similarity: Float
    confidence: Float

    @property
    def matched(self) -> float:
        """Share of the picture that takes its colours from the references, 0...1."""
        return float(self.confidence.mean())


def match(features: Float, references: Sequence[tuple[Float, Float]]) -> Match:
    """Carry the colours of references to the places of a picture that show the like.

    Each cell takes the mean chroma of all cells of all references, weighted by the softmax of
    similarity / 0.04.

    Args:
        features: ``(C, h, w)`` of the picture.
        references: of each its features ``(C, h', w')`` and its chroma ``(2, h', w')``, ab.

    Returns:
        Colours and confidence on the picture's grid of features.

    Raises:
        ArgumentError: no references, or shapes that do not fit.
    """
    if not references or any(
        f.shape[0] != len(features) or ab.shape != (2, *f.shape[1:]) for f, ab in references
    ):
        raise ArgumentError(
            "references for matching",
            expected=f"features ({len(features)}, h, w) and ab (2, h, w) of one or more",
            got=str([(f.shape, ab.shape) for f, ab in references]),
            fix="take both from one network and at one size",
        )
    ours = features.reshape(len(features), -1).T
    theirs = np.concatenate([f.reshape(len(f), -1).T for f, _ in references])
    colors = np.concatenate([ab.reshape(2, -1).T for _, ab in references])
    mean = (ours.mean(0) + theirs.mean(0)) / np.float32(2)
    similar = _unit(ours - mean) @ _unit(theirs - mean).T
    best = similar.max(1)
    similar -= best[:, None]
    similar /= np.float32(_TEMPERATURE)
    share = np.exp(similar, out=similar)
    ab = (share @ colors) / share.sum(1, keepdims=True)
    grid = features.shape[1:]
    similarity = best.reshape(grid)
    ab = np.ascontiguousarray(ab.T.reshape(2, *grid), np.float32)
    return Match(ab, similarity, smoothstep(similarity, _UNLIKE, _LIKE))


def smoothstep(values: Float, low: float, high: float) -> Float:
    """0 up to `low`, 1 from `high` on, and a smooth rise between."""
    share = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _unit(vectors: Float) -> Float:
    """Vectors along the last axis at length 1."""
    length = np.sqrt((vectors**2).sum(-1, keepdims=True))
    return np.asarray(vectors / np.maximum(length, np.float32(1e-6)), np.float32)
