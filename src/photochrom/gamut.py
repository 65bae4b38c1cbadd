"""The 313 gamut bins and the colour distribution over them (Zhang, Isola, Efros 2016).

A bin is the centre of a cell of the ab grid with step 10. Which cells count was published as a
table of points, and no rule from first principles was found to give exactly it: of the 8-bit sRGB
colours, those that some colour falls into are 261; those at the four corners around some colour
are 309, all among the 313; those that are one of the five nearest to some colour are 322, the 313
and nine tips more. So the published fact is kept, as the range of b in each of its 20 rows of a.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .color import Float
from .errors import ArgumentError

BIN_COUNT = 313
GRID = 10
"""Distance of neighbouring bins in a and in b."""

_ROWS = (  # a, first b, last b
    (-90, 50, 90),
    (-80, 20, 90),
    (-70, 0, 90),
    (-60, -20, 90),
    (-50, -30, 100),
    (-40, -40, 100),
    (-30, -50, 100),
    (-20, -50, 100),
    (-10, -60, 100),
    (0, -70, 100),
    (10, -80, 90),
    (20, -80, 90),
    (30, -90, 90),
    (40, -100, 90),
    (50, -100, 80),
    (60, -110, 80),
    (70, -110, 80),
    (80, -110, 70),
    (90, -110, 70),
    (100, -90, 0),
)


@cache
def bins() -> Float:
    """The bins' centres: ``(313, 2)`` float32 of a and b, in the published order (a, then b)."""
    centres = [(a, b) for a, first, last in _ROWS for b in range(first, last + 1, GRID)]
    array = np.array(centres, np.float32)
    array.flags.writeable = False
    return array


def soft_encode(
    ab: Float, neighbours: int = 5, sigma: float = 5.0
) -> tuple[NDArray[np.intp], Float]:
    """Spread each colour over its nearest bins, with Gaussian weights.

    Zhang 2016, section 2.2: five neighbours, sigma 5 (its released code takes ten).

    Args:
        ab: ``(..., 2)``.
        neighbours: number of bins, 1...313.
        sigma: of the Gaussian, in ab units.

    Returns:
        Indices of the bins, ``(..., neighbours)``, nearest first, and their weights, which sum
        to 1, of the same shape.

    Raises:
        ArgumentError: `ab` or `neighbours` out of range.
    """
    if ab.shape[-1:] != (2,):
        raise ArgumentError.wrong_shape("a colour array", "(..., 2)", ab.shape)
    if not 1 <= neighbours <= BIN_COUNT or sigma <= 0:
        raise ArgumentError(
            "soft encoding",
            expected=f"1 to {BIN_COUNT} neighbours and a sigma above 0",
            got=f"{neighbours} and {sigma}",
        )
    flat = ab.reshape(-1, 2)
    square = (flat**2).sum(1, keepdims=True) - 2 * flat @ bins().T + (bins() ** 2).sum(1)[None]
    near = np.argpartition(square, neighbours - 1, axis=1)[:, :neighbours]
    distance = np.take_along_axis(square, near, 1)
    order = np.argsort(distance, axis=1, kind="stable")
    near, distance = np.take_along_axis(near, order, 1), np.take_along_axis(distance, order, 1)
    # Relative to the nearest, so that a colour far from every bin does not divide 0 by 0.
    weights = np.exp((distance[:, :1] - distance) / np.float32(2 * sigma**2))
    weights /= weights.sum(1, keepdims=True)
    shape = (*ab.shape[:-1], neighbours)
    return near.reshape(shape), weights.reshape(shape).astype(np.float32)


def annealed_mean(logits: Float, temperature: float = 0.38) -> Float:
    """The mean of the bins under softmax(logits / T).

    T = 1 is the plain mean (cautious), T towards 0 the likeliest bin (vivid, patchy); Zhang 2016
    takes 0.38.

    Args:
        logits: ``(N, 313, h, w)``.
        temperature: T, above 0.

    Returns:
        ``(N, 2, h, w)`` float32, ab.

    Raises:
        ArgumentError: wrong shape or temperature.
    """
    p = probabilities(logits, temperature)
    return np.asarray(np.einsum("nqhw,qc->nchw", p, bins(), optimize=True), np.float32)


def entropy(logits: Float, temperature: float = 1.0) -> Float:
    """How unsure the distribution is: its entropy over that of 313 equal chances.

    Args:
        logits: ``(N, 313, h, w)``.
        temperature: T, above 0; 1 is what the network says.

    Returns:
        ``(N, h, w)`` float32: 0 certain ... 1 no idea.

    Raises:
        ArgumentError: wrong shape or temperature.
    """
    p = probabilities(logits, temperature)
    nats = -(p * np.log(np.maximum(p, np.float32(1e-12)))).sum(1)
    # Rounding can take it a little beyond 1.
    return np.asarray(np.clip(nats / np.float32(np.log(BIN_COUNT)), 0, 1))


def probabilities(logits: Float, temperature: float = 1.0) -> Float:
    """softmax(logits / T).

    Args:
        logits: ``(N, 313, h, w)``.
        temperature: T, above 0; 1 is what the network says.

    Returns:
        ``(N, 313, h, w)`` float32, sums of 1.

    Raises:
        ArgumentError: wrong shape or temperature.
    """
    if logits.ndim != 4 or logits.shape[1] != BIN_COUNT:
        raise ArgumentError.wrong_shape("a colour array", f"(N, {BIN_COUNT}, h, w)", logits.shape)
    if not temperature > 0:
        raise ArgumentError(
            "the temperature of the annealed mean",
            expected="a number above 0",
            got=str(temperature),
            fix="use 0.38 (vivid) to 1 (cautious)",
        )
    p = logits.astype(np.float32)
    p -= p.max(1, keepdims=True)
    p *= np.float32(1 / max(temperature, 1e-6))  # where the likeliest bin has long won
    np.exp(p, out=p)
    p /= p.sum(1, keepdims=True)
    return p
