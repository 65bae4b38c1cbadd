"""Other colours for the same picture: sampled from the distribution, or a reference's.

A version of a picture is a *bias*: log-probabilities that are added to the network's logits
before the annealed mean. Where the network is sure, a bias of a few nats changes little; where it
hesitates between colours, it decides. So every version stays within what the network finds
plausible, and vividness and hints work on it as on any other picture.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .color import Codes, Float, srgb_to_lab
from .errors import ArgumentError
from .gamut import BIN_COUNT, annealed_mean, bins, soft_encode

_DRAWS = 6  # drawn for each sample that is kept, so that those kept differ
_COARSE = 16  # cells a side on which samples are made and compared
_HUE_REACH = 15.0  # ab; colours this near get like noise

# How unlike two places are, in units where 1 is "another thing"; chosen by eye on pairs of
# portraits, streets and landscapes:
_OTHER_COLOURS = 0.35  # distance of the square roots of two distributions (Hellinger's, times 1.4)
_OTHER_LIGHTNESS = 25.0  # L
_OTHER_PLACE = 0.6  # of the picture's side
_CELLS = 32  # a side: the reference is looked at this finely
_DOUBT = 1e-3  # probability that a place has a colour the reference does not have there


def samples(logits: Float, count: int, *, temperature: float, seed: int = 0) -> list[Float]:
    """Biases for plausible alternatives to a whole picture.

    Adding Gumbel noise to each bin and taking the likeliest samples a distribution (the Gumbel-max
    trick: Gumbel 1954, Yellott 1977). Here all places share the noise, and like bins have like
    noise, so that places with like distributions get like colours: the picture is one sample, not
    a patchwork. Of several draws the less likely half is left out, and of the rest those are kept
    that differ most from the picture without a bias and from each other.

    Args:
        logits: ``(313, h, w)``.
        count: how many.
        temperature: T of the annealed mean the biases are for.
        seed: another one gives others.

    Returns:
        `count` arrays ``(313, 1, 1)`` float32, to be added to `logits`.

    Raises:
        ArgumentError: `logits` is of another shape.
    """
    if logits.ndim != 3 or len(logits) != BIN_COUNT:
        raise ArgumentError(
            "the distribution has the wrong shape",
            expected=f"({BIN_COUNT}, h, w)",
            got=str(logits.shape),
            fix="pass the logits of one picture",
        )
    coarse = _mean(logits, _at_most(logits.shape[1:], _COARSE))
    seen = [annealed_mean(coarse[None], temperature)[0]]
    draws = _noise(np.random.default_rng(seed), _DRAWS * count)
    looks = [annealed_mean((coarse + draw)[None], temperature)[0] for draw in draws]
    chances = [_chance(coarse, coarse + draw, temperature) for draw in draws]
    rest = set(np.argsort(chances)[len(draws) // 2 :].tolist())
    chosen: list[Float] = []
    for _ in range(count):
        farthest = max(rest, key=lambda i: min(_apart(looks[i], other) for other in seen))
        rest.remove(farthest)
        seen.append(looks[farthest])
        chosen.append(draws[farthest])
    return chosen


def reference_bias(
    logits: Float, L: Float, reference_logits: Float, reference_L: Float, reference_ab: Float
) -> Float:
    """A bias towards the colours that like places of a coloured reference have.

    Two places are alike where the network expects the same colours of them (skin of skin, sky of
    sky), where they are equally light, and a little where they lie at the same spot of their
    pictures. What a place of the picture takes over is the colours of the reference's places,
    each weighted by its likeness.

    Args:
        logits: ``(313, h, w)`` of the picture.
        L: ``(H, W)`` of the picture at the model's size, 0...100.
        reference_logits: ``(313, h', w')`` of the reference, seen in grey.
        reference_L: ``(H', W')`` of the reference.
        reference_ab: ``(2, h', w')``, its true chroma, see `chroma_of`.

    Returns:
        ``(313, h, w)`` float32, to be added to `logits`.

    Raises:
        ArgumentError: shapes that do not fit.
    """
    if reference_ab.shape[1:] != reference_logits.shape[1:]:
        raise ArgumentError(
            "the reference's chroma does not fit its distribution",
            expected=f"(2, {reference_logits.shape[1]}, {reference_logits.shape[2]})",
            got=str(reference_ab.shape),
            fix="make it with chroma_of at the size of the logits",
        )
    grid = logits.shape[1:]
    size, near = _at_most(grid, _CELLS), _at_most(reference_ab.shape[1:], _CELLS)
    mine = _features(logits, L, size)
    theirs = _features(reference_logits, reference_L, near)
    square = (mine**2).sum(1)[:, None] + (theirs**2).sum(1) - 2 * mine @ theirs.T
    # The nearest place counts in any case; others as far as they are hardly less alike.
    likeness = np.exp(4 * (square.min(1, keepdims=True) - square))
    likeness /= likeness.sum(1, keepdims=True)
    nearest, weights = soft_encode(_mean(reference_ab, near).reshape(2, -1).T)
    colours = np.zeros((len(theirs), BIN_COUNT), np.float32)
    np.put_along_axis(colours, nearest, weights, 1)
    bias = np.log(likeness @ colours + np.float32(_DOUBT)).T.reshape(BIN_COUNT, *size)
    return np.asarray(_enlarged(bias, grid), np.float32)


def chroma_of(rgb: Codes, height: int, width: int) -> Float:
    """The chroma of a coloured picture on a small grid.

    Args:
        rgb: ``(H, W, 3)`` uint8.
        height, width: of the grid.

    Returns:
        ``(2, height, width)`` float32, ab.

    Raises:
        ArgumentError: the picture has no colour.
    """
    small = Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX)
    ab = np.moveaxis(srgb_to_lab(np.asarray(small))[..., 1:], -1, 0)
    if np.hypot(*ab).max() < 2:
        raise ArgumentError(
            "the reference has no colours to lend",
            expected="a picture in colour",
            got="a grey one",
            fix="choose another picture",
        )
    return np.ascontiguousarray(ab)


def _apart(one: Float, other: Float) -> float:
    return float(np.hypot(*(one - other)).mean())


def _chance(coarse: Float, biased: Float, temperature: float) -> float:
    """Mean log-probability, to the network, of the bins that a bias brings forward."""
    return float((_log_softmax(coarse) * np.exp(_log_softmax(biased / temperature))).sum(0).mean())


def _log_softmax(logits: Float) -> Float:
    shifted = logits - logits.max(0)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(0)))


def _noise(rng: np.random.Generator, count: int) -> list[Float]:
    """Draws of noise, ``(313, 1, 1)`` each."""
    raw = rng.gumbel(size=(count, BIN_COUNT)).astype(np.float32)
    raw -= raw.mean(1, keepdims=True)
    square = ((bins()[:, None] - bins()) ** 2).sum(-1)
    near = np.exp(square / np.float32(-2 * _HUE_REACH**2))
    near /= np.sqrt((near**2).sum(1, keepdims=True))  # the sums vary as much as one draw
    return list((raw @ near.T)[..., None, None])


def _at_most(grid: tuple[int, ...], side: int) -> tuple[int, int]:
    return min(grid[0], side), min(grid[1], side)


def _enlarged(planes: NDArray[Any], grid: tuple[int, ...]) -> NDArray[Any]:
    rows, columns = (np.arange(g) * s // g for g, s in zip(grid, planes.shape[1:], strict=True))
    return planes[:, rows[:, None], columns]


def _features(logits: Float, L: Float, size: tuple[int, int]) -> Float:
    """What each cell is compared by: ``(cells, 313 + 3)``."""
    p = np.exp(_log_softmax(logits))
    height, width = size
    y, x = np.meshgrid(np.arange(height) / height, np.arange(width) / width, indexing="ij")
    planes = [
        np.sqrt(_mean(p, size)) / np.float32(_OTHER_COLOURS),
        _mean(L[None], size) / np.float32(_OTHER_LIGHTNESS),
        np.stack([y, x]) / np.float32(_OTHER_PLACE),
    ]
    return np.concatenate(planes).reshape(BIN_COUNT + 3, -1).T.astype(np.float32)


def _mean(planes: Float, size: tuple[int, int]) -> Float:
    """Means over the cells of a coarser grid, ``(n, *size)``; edges fall on whole pixels."""
    for axis, count in ((1, size[0]), (2, size[1])):
        edges = np.arange(count + 1) * planes.shape[axis] // count
        parts = [
            np.take(planes, np.arange(a, b), axis).mean(axis, keepdims=True)
            for a, b in pairwise(edges)
        ]
        planes = np.concatenate(parts, axis)
    return planes
