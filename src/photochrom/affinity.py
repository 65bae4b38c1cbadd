"""Affinity: how much one place belongs to another, 0...1, from a network's features.

Features are vectors ``(C, h, w)``, one for each cell of a picture, see `Prediction.features`. What
all cells share says nothing, so their mean is taken off; the similarity of two cells is then the
cosine of the angle between their vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ._system import one_blas_thread
from .color import Float
from .errors import ArgumentError
from .upsample import resized

_TEMPERATURE = 0.04  # of the softmax over similarities to the cells of references
LIKE = 0.94, 0.99
"""Similarities at which a match begins to count, and counts fully ..."""
LOOSER = 0.40
"""... and by how much less will do where both pictures show the same scene."""
SAME_SCENE = 0.26, 0.34
"""They do if so many places are *mutual*: what is most like their most similar is near them."""

WELL = 0.87, 0.93
"""Similarity that the best three tenths of them must have, too."""

_MUTUAL = 0.05  # how near, over the longer side
_CELLS = 64  # of tones, along the longer side
_TONE = 0.3  # weight of tones beside that of features
_TURN_L, _TURN_AB = 0.045, 0.04  # radians for each unit of L and of a or b
_MOST_AB = 37.0  # beyond, a and b would turn too far


class Reference(NamedTuple):
    """A colour picture to borrow colours from.

    Attributes:
        features: ``(C, h, w)`` float32, see `Prediction.features`.
        ab: ``(2, h, w)`` float32, its chroma on the same grid.
    """

    features: Float
    ab: Float


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


def match(features: Float, references: Sequence[Reference]) -> Match:
    """Carry the colours of references to the places of a picture that show the like.

    Each cell takes the mean chroma of all cells of all references, weighted by the softmax of
    similarity / 0.04. Pictures of one scene are told by cells that find each other; between others
    only what is nearly the same takes its colour.

    Args:
        features: ``(C, h, w)`` of the picture.
        references: one or several, with features of the same network.

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
    theirs = np.concatenate([f.reshape(len(f), -1) for f, _ in references], 1)
    colors = np.concatenate([ab.reshape(2, -1) for _, ab in references], 1)
    grid, similar = features.shape[1:], cell_similarities(features, theirs)
    mutual = mutual_share(similar, grid)
    ab, similarity = _weighted(similar, colors, grid)
    return Match(ab, similarity, confidence(similarity, mutual))


def confidence(similarity: Float, mutual: float) -> Float:
    """How far each place is to take what matching says, 0...1.

    Args:
        similarity: ``(h, w)``, to the most similar cells.
        mutual: share of mutual places.
    """
    near = float(smoothstep(np.quantile(similarity, 0.7), *WELL))
    looser = LOOSER * near * float(smoothstep(mutual, *SAME_SCENE))
    return smoothstep(similarity, LIKE[0] - looser, LIKE[1] - looser)


def mutual_share(similar: Float, grid: tuple[int, ...]) -> float:
    """Share of a picture's cells whose most similar cell is most similar to one near them, 0...1.

    Args:
        similar: ``(h w, n)``, see `cell_similarities`.
        grid: rows and columns of the picture's cells, h and w.
    """
    back = similar.argmax(0)[similar.argmax(1)]
    places = np.stack([np.divmod(each, grid[1]) for each in (np.arange(back.size), back)])
    return float((np.hypot(*(places[0] - places[1])) < _MUTUAL * max(grid)).mean())


def matched_values(features: Float, cells: Float, values: Float) -> tuple[Float, Float]:
    """Carry any values of cells to the places of a picture that show the like.

    Args:
        features: ``(C, h, w)`` of the picture.
        cells: ``(C, n)``, features of n cells.
        values: ``(k, n)`` of those cells.

    Returns:
        ``(k, h, w)`` float32, means weighted by the softmax of similarity / 0.04, and ``(h, w)``
        float32, the similarity to the most similar cell, -1...1.
    """
    return _weighted(cell_similarities(features, cells), values, features.shape[1:])


def cell_similarities(features: Float, cells: Float) -> Float:
    """Similarity of each place of a picture to each of some cells.

    Args:
        features: ``(C, h, w)`` of the picture.
        cells: ``(C, n)``, features of n cells.

    Returns:
        ``(h w, n)`` float32, -1...1.
    """
    ours, theirs = features.reshape(len(features), -1).T, cells.T
    mean = (ours.mean(0) + theirs.mean(0)) / np.float32(2)
    return np.asarray(_unit(ours - mean) @ _unit(theirs - mean).T, np.float32)


def _weighted(similar: Float, values: Float, grid: tuple[int, ...]) -> tuple[Float, Float]:
    """See `matched_values`; `similar` is overwritten."""
    best = similar.max(1)
    similar -= best[:, None]
    similar *= np.float32(1 / _TEMPERATURE)
    share = np.exp(similar, out=similar)
    found = (share @ values.T) / share.sum(1, keepdims=True)
    found = np.ascontiguousarray(found.T.reshape(len(values), *grid), np.float32)
    return found, best.reshape(grid)


def feature_vectors(features: Float) -> Float:
    """Features of one picture as unit vectors whose products are similarities.

    Args:
        features: ``(C, h, w)``.

    Returns:
        ``(C, h, w)`` float32, each cell's vector of length 1, less what all cells share.
    """
    centred = features - features.mean((1, 2), keepdims=True)
    return np.moveaxis(_unit(np.moveaxis(centred, 0, -1)), -1, 0)


def tone_vectors(L: Float, ab: Float) -> Float:
    """Unit vectors by which two cells are alike in L and predicted ab.

    The product of two vectors is that of the cosines of their differences in L, a and b, each
    turned into an angle: about 0.55 for a difference of 22 in L, or of 24 in a or b.

    Args:
        L: ``(h, w)``, 0...100.
        ab: ``(2, h', w')``.

    Returns:
        ``(8, h'', w'')`` float32, on a grid of at most 64 cells a side.
    """
    part = min(1.0, _CELLS / max(L.shape))
    grid = max(1, round(L.shape[0] * part)), max(1, round(L.shape[1] * part))
    planes = np.concatenate([resized(L[None], grid), resized(ab, grid)])
    planes[1:] = np.clip(planes[1:], -_MOST_AB, _MOST_AB)
    planes *= np.array([_TURN_L, _TURN_AB, _TURN_AB], np.float32)[:, None, None]
    vectors = np.ones((1, *grid), np.float32)
    for angle in planes:
        vectors = np.concatenate([vectors * np.cos(angle), vectors * np.sin(angle)])
    return vectors


def thing_vectors(features: Float, tones: Float) -> Float:
    """Unit vectors by which two cells are alike in what lies there and in how it looks.

    Features know what a thing is, but their cells are larger than its parts; tones part a hand
    from the sleeve. The similarity of two cells is the weighted mean of both.

    Args:
        features: of `feature_vectors`.
        tones: of `tone_vectors`, whose grid is taken.

    Returns:
        ``(C, h, w)`` float32.
    """
    fine = _unit(np.moveaxis(resized(features, tones.shape[1:]), 0, -1))
    parts = (np.moveaxis(fine, -1, 0), 1 - _TONE), (tones, _TONE)
    return np.concatenate([part * np.float32(weight**0.5) for part, weight in parts])


def similarities(vectors: Float, places: Sequence[tuple[int, int]]) -> Float:
    """How alike all cells are to some.

    Args:
        vectors: ``(C, h, w)``, from `thing_vectors` or `tone_vectors`.
        places: rows and columns of n cells.

    Returns:
        ``(n, h, w)`` float32, -1...1.
    """
    rows, columns = zip(*places, strict=True)
    return _products(vectors[:, rows, columns].T, vectors)


def mean_similarities(vectors: Float, weights: Float) -> Float:
    """How alike all cells are to the mean of some.

    A mean is steadier than one cell: folds and shadows of a thing are in it.

    Args:
        vectors: ``(C, h, w)``, from `thing_vectors` or `tone_vectors`.
        weights: ``(n, h, w)``, how much each cell counts for each of n means; none all 0.

    Returns:
        ``(n, h, w)`` float32, -1...1.
    """
    cells = vectors.reshape(len(vectors), -1)
    with one_blas_thread():
        means = (cells @ weights.reshape(len(weights), -1).T).T
    return _products(_unit(means), vectors)


def _products(seeds: Float, vectors: Float) -> Float:
    """Products of vectors ``(n, C)`` with those of all cells, ``(n, h, w)``."""
    with one_blas_thread():  # a few million products: waiting for a second thread takes longer
        found = seeds @ vectors.reshape(len(vectors), -1)
    return np.asarray(found.reshape(-1, *vectors.shape[1:]), np.float32)


def connected(affinity: Float, places: Sequence[tuple[int, int]]) -> Float:
    """Affinity along paths: that of the weakest cell on the best path from a place.

    This is the connectedness of fuzzy sets (Rosenfeld 1979; Udupa and Samarasekera 1996), with
    paths to the four neighbours of a cell.

    Args:
        affinity: ``(n, h, w)``, 0...1.
        places: rows and columns of n cells where the paths begin.

    Returns:
        ``(n, h, w)`` float32, nowhere more than `affinity`.
    """
    reached = np.zeros_like(affinity)
    for plane, whole, place in zip(reached, affinity, places, strict=True):
        plane[place] = whole[place]
    while True:
        around = reached.copy()
        around[:, 1:] = np.maximum(around[:, 1:], reached[:, :-1])
        around[:, :-1] = np.maximum(around[:, :-1], reached[:, 1:])
        around[:, :, 1:] = np.maximum(around[:, :, 1:], reached[:, :, :-1])
        around[:, :, :-1] = np.maximum(around[:, :, :-1], reached[:, :, 1:])
        np.minimum(around, affinity, out=around)
        if np.array_equal(around, reached):
            return reached
        reached = around


def smoothstep(values: Any, low: Any, high: Any) -> Float:
    """0 up to `low`, 1 from `high` on, and a smooth rise between."""
    share = np.clip((np.asarray(values) - low) / (np.asarray(high) - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _unit(vectors: Float) -> Float:
    """Vectors along the last axis at length 1."""
    length = np.sqrt((vectors**2).sum(-1, keepdims=True))
    return np.asarray(vectors / np.maximum(length, np.float32(1e-6)), np.float32)
