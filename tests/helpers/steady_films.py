"""Colours that `SteadyColor` gives the frames of drawn scenes, and their hue."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from photochrom.video.color.steady import LOOK_AHEAD, SteadyColor
from tests.helpers.film_scenes import Array, Network, quarter, texture

BIG = texture(120, 240)
OTHER = texture(120, 240, seed=1)


def coloured(
    network: Network, frames: Sequence[Array], cuts: Sequence[int] = (), break_at: int | None = None
) -> list[Array]:
    """ab of all frames; with `break_at`, another one goes on from the first state after it."""
    steady, done = SteadyColor(network), []  # type: ignore[arg-type]
    for number, L in enumerate(frames):
        done += steady.push(L, number in cuts)
        waiting = number + 1 - len(done)
        assert 0 <= waiting <= LOOK_AHEAD - 1
        if break_at is not None and number >= break_at and not waiting:
            kept = io.BytesIO()
            np.savez(kept, allow_pickle=False, **steady.state())
            kept.seek(0)
            steady, break_at = SteadyColor(network), None  # type: ignore[arg-type]
            with np.load(kept) as stored:
                steady.restore(dict(stored))
    done += steady.flush()
    assert not steady.flush()
    assert all(ab.shape == (2, *frames[0].shape) and ab.dtype == np.float32 for ab in done)
    assert len(done) == len(frames)
    return done


def by_light(L: Array, _: int) -> Array:
    """As surfaces do: the more light, the more chroma."""
    return quarter(np.stack([0.5 * (L + 16), -0.3 * (L + 16)]))


def hue(ab: Array) -> float:
    """Of the mean colour, in degrees."""
    a, b = ab.mean((1, 2))
    return float(np.degrees(np.arctan2(b, a)))
