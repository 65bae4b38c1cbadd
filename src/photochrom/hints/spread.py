"""Hints carried over what they belong to.

A click colours the thing that it lies on: its affinity to the other places, along paths and
sharpened by the edges of L, says how far it goes; several clicks share a place by their
similarity and nearness to it. A colour that the network itself finds likely there says something
about the whole scene, which takes on what the network says that is told of it. One that it finds
unlikely is the user's wish for this thing alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..affinity import connected, mean_similarities, similarities, smoothstep
from ..color import Float
from ..upsample import joint_bilateral
from .hint import Hint, cover

THING = np.array([0.6, 0.85], np.float32)
"""Similarities to a place at which its thing begins, and from which on it surely is the thing."""

USUAL = 0.8
"""Similarity to the mean of what was found so at which things usually end."""

_LEVELS = np.linspace(0.5, 0.9, 21, dtype=np.float32)  # at which one may end
_STRICT = 2.0  # contrast of the rim that makes up for a square of the distance from the usual
_WIDTH = 0.1  # similarities over which it ends
_EDGE = 0.35, 0.65  # reach along the edges of L that becomes 0, and 1
_SCENE = -0.3, 0.2  # and for what a network may change that is told of the hint
_LIKELY = 30.0  # ab; about the largest change that still says something about the whole scene
_UNLIKELY = 0.1  # how much a hint counts for the scene whose colour is none of the likely
_TOLD = 0.3  # likelihood of the hints that a network is told of
_EVIDENCE = 0.2  # hints that count for no more than this say nothing about the scene
_SHARPNESS = 0.05  # difference of similarities by which one of two clicks is clearly the nearer
_NEAR = 2e-4  # square of the distance, over the longer side, within which a click has all the say
_SHADE = 0.5, 1.25  # least and greatest factor of chroma for darker and lighter parts of a thing


def carry(
    ab: Float,
    L: Float,
    vectors: Float,
    hints: Sequence[Hint],
    shape: tuple[int, int],
    ask: Callable[[Sequence[Hint]], Float] | None = None,
) -> Float:
    """Chroma with hints.

    Args:
        ab: ``(2, h', w')`` chroma without hints, on a grid not larger than `L`.
        L: ``(h, w)`` at the model's size.
        vectors: of `affinity.thing_vectors` or `affinity.tone_vectors`.
        hints: in pixels of the full picture; of brushes, later ones lie over earlier ones.
        shape: ``(H, W)`` of the full picture.
        ask: gives ``(2, h', w')``, what the network says that is told of some of the hints: those
            whose colours are likely; called only where that counts. None: it takes no hints.

    Returns:
        ``(2, h, w)`` float32.

    Raises:
        ArgumentError: a hint lies outside the picture.
    """
    fine = joint_bilateral(L, ab)
    clicks = [hint for hint in hints if hint.radius is None]
    reach = _Reach.of(fine, L, vectors, clicks, shape) if clicks else None
    base = fine
    if reach is not None and ask is not None and reach.told and reach.scene.any():
        base = fine + reach.scene * (joint_bilateral(L, ask(reach.told)) - fine)
    out = base.copy()
    for hint, weight in zip(hints, _weights(reach, hints, shape, L.shape), strict=True):
        out += weight * (_target(hint, fine, L, shape) - base)
    return out


def hint_weights(
    ab: Float, L: Float, vectors: Float, hints: Sequence[Hint], shape: tuple[int, int]
) -> Float:
    """How far each hint decides the colour of each place, by itself.

    Args:
        ab, L, vectors, hints, shape: as of `carry`.

    Returns:
        ``(n, h, w)`` float32, 0...1; the sum over all hints is 1 at most.

    Raises:
        ArgumentError: a hint lies outside the picture.
    """
    clicks = [hint for hint in hints if hint.radius is None]
    fine = joint_bilateral(L, ab)
    reach = _Reach.of(fine, L, vectors, clicks, shape) if clicks else None
    return _weights(reach, hints, shape, L.shape)


def thing(vectors: Float, places: Sequence[tuple[int, int]]) -> Float:
    """The things that some places belong to.

    Args:
        vectors: of `affinity.thing_vectors` or `affinity.tone_vectors`.
        places: rows and columns of n cells.

    Returns:
        ``(n, h, w)`` float32, 0...1.
    """
    return _thing(similarities(vectors, places), vectors, places)


def _thing(similar: Float, vectors: Float, places: Sequence[tuple[int, int]]) -> Float:
    """The same, with the similarities to the places."""
    first = connected(smoothstep(similar, *THING), places)
    alike = np.maximum(mean_similarities(vectors, first), 0)
    reached = connected(alike, places)
    end = _ends(alike, reached)[:, None, None]
    return smoothstep(reached, end - _WIDTH / 2, end + _WIDTH / 2)


def _ends(alike: Float, reached: Float) -> Float:
    """The similarity at which each thing ends: ``(n,)``.

    What is reached at each level lies within what is reached at the one below. Where a thing ends
    similarity falls at once all along its rim; so of all levels the one counts whose rim has the
    greatest contrast, less a penalty for being far from the usual.

    Args:
        alike: ``(n, h, w)``, similarities to what was found.
        reached: ``(n, h, w)``, the same along paths.
    """
    sums = np.zeros((len(alike), len(_LEVELS), 2), np.float32)  # of falls, and of steps
    for axis in (1, 2):
        falls = np.abs(np.diff(alike, axis=axis)).reshape(len(alike), -1)
        inside = reached[:, None] >= _LEVELS[:, None, None]
        rim = np.diff(inside, axis=axis + 1).reshape(*inside.shape[:2], -1)
        sums += rim.astype(np.float32) @ np.stack([falls, np.ones_like(falls)], -1)
    contrast = sums[..., 0] / np.maximum(sums[..., 1], 1)
    score = contrast - np.float32(_STRICT) * (_LEVELS - np.float32(USUAL)) ** 2
    best = np.where(sums[..., 1] > 0, score, -np.inf).argmax(1)
    return np.asarray(_LEVELS[best], np.float32)


@dataclass(frozen=True, eq=False)
class _Reach:
    """Where some clicks count.

    Attributes:
        weights: ``(n, h, w)``, of each click.
        scene: ``(h, w)``, where what a network says counts that is told of them.
        told: those that it is told of.
    """

    weights: Float
    scene: Float
    told: list[Hint]

    @classmethod
    def of(
        cls,
        fine: Float,
        L: Float,
        vectors: Float,
        clicks: Sequence[Hint],
        shape: tuple[int, int],
    ) -> _Reach:
        grid, size = vectors.shape[1:], L.shape
        places = [hint.cell(shape, grid) for hint in clicks]
        similar = similarities(vectors, places)
        likely = _likelihoods(fine, clicks, shape)[:, None, None]
        reach = _thing(similar, vectors, places)
        counts = (_UNLIKELY + (1 - _UNLIKELY) * likely) * smoothstep(similar, *_SCENE)
        evidence = 1 - np.prod(1 - counts, 0, keepdims=True)
        scene = np.maximum(evidence - _EVIDENCE, 0) / np.float32(1 - _EVIDENCE)
        planes = joint_bilateral(L, np.concatenate([similar, reach, scene]))
        count = len(clicks)
        similar, reach = planes[:count], smoothstep(planes[count : 2 * count], *_EDGE)
        spots = [np.maximum(r, cover(h, shape, size)) for h, r in zip(clicks, reach, strict=True)]
        weights = _shares(similar, clicks, shape, size) * np.stack(spots)
        told = [hint for hint, share in zip(clicks, likely.ravel(), strict=True) if share > _TOLD]
        return cls(weights, np.clip(planes[-1], 0, 1), told)


def _weights(
    reach: _Reach | None, hints: Sequence[Hint], shape: tuple[int, int], size: tuple[int, ...]
) -> Float:
    """How far each hint counts: brushes lie over clicks, and later ones over earlier ones."""
    weights = np.zeros((len(hints), *size), np.float32)
    if reach is not None:
        weights[[hint.radius is None for hint in hints]] = reach.weights
    for number, hint in enumerate(hints):
        if hint.radius is not None:
            disc = cover(hint, shape, size)
            weights *= 1 - disc
            weights[number] = disc
    return weights


def _likelihoods(fine: Float, clicks: Sequence[Hint], shape: tuple[int, int]) -> Float:
    """How likely to the network the colour of each click is: ``(n,)``, 0...1."""
    change = [
        0.0 if hint.keep else float(np.hypot(*(hint.ab - fine[(slice(None), *place)])))
        for hint in clicks
        for place in [hint.cell(shape, fine.shape[1:])]
    ]
    likely = np.exp(-((np.array(change, np.float32) / np.float32(_LIKELY)) ** 4))
    return np.where([hint.keep for hint in clicks], np.float32(0), likely)


def _shares(
    similar: Float, clicks: Sequence[Hint], shape: tuple[int, int], size: tuple[int, ...]
) -> Float:
    """Whose each place is: ``(n, h, w)``, sums of 1."""
    rows, columns = (np.arange(n, dtype=np.float32) for n in size)
    says = similar / np.float32(_SHARPNESS)
    for plane, hint in zip(says, clicks, strict=True):
        row, column = hint.cell(shape, size)
        square = (rows[:, None] - row) ** 2 + (columns - column) ** 2
        plane -= np.log(square / np.float32(max(size) ** 2) + np.float32(_NEAR))
    says -= says.max(0)
    np.exp(says, out=says)
    return np.asarray(says / says.sum(0))


def _target(hint: Hint, fine: Float, L: Float, shape: tuple[int, int]) -> Float:
    """The colour that a hint gives each place: ``(2, h, w)``."""
    if hint.keep:
        return fine
    # Less light scales X, Y and Z alike, and so a and b as L + 16, which is 116 * f(Y).
    shade = (L + 16) / (L[hint.cell(shape, L.shape)] + 16)
    return np.asarray(hint.ab[:, None, None] * np.clip(shade, *_SHADE), np.float32)
