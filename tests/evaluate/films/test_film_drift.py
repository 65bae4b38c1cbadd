"""Drift: colours that run away, and pictures that change by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom.evaluate.films.film_metrics import Drift
from tests.helpers.film_motion import texture

pytestmark = pytest.mark.usefixtures("needs_opencv")

Array = NDArray[Any]


def drift(frames: Iterable[Array]) -> float | None:
    figure = Drift()
    for lab in frames:
        figure.add(lab)
    return figure.value


def with_jacket(share: float) -> Array:
    """A frame with a jacket, brown at 0 and blue at 1."""
    lab = np.zeros((60, 90, 3), np.float32)
    lab[..., 0] = texture(60, 90)[..., 0] / 2.55
    brown, blue = np.float32([12, 25]), np.float32([10, -40])
    lab[15:45, 30:60, 1:] = brown + (blue - brown) * np.float32(share)
    return lab


def test_drift_is_of_colours_that_run_away() -> None:
    """A jacket that turns blue within two seconds; the same film as it should be."""
    assert drift(with_jacket(0) for _ in range(60)) == 0
    assert (drift(with_jacket(number / 59) for number in range(60)) or 0) > 15
    assert drift([with_jacket(0)]) is None
    assert drift([]) is None


def test_what_leaves_the_picture_is_no_drift() -> None:
    """A camera pans from green to grey; and the same where the colours fade as well."""
    wide = np.zeros((60, 150, 3), np.float32)
    wide[..., 0] = texture(60, 150, seed=3)[..., 0] / 2.55
    wide[:, :60, 1:] = -25, 30
    panned = [wide[:, number // 2 : number // 2 + 90] for number in range(70)]
    assert np.hypot(*panned[0][..., 1:].T).mean() > 2 * np.hypot(*panned[-1][..., 1:].T).mean()
    assert (drift(panned) or 0) < 1.5
    fading = [
        lab * np.float32([1, f, f]) for lab, f in zip(panned, np.linspace(1, 0.6, 70), strict=True)
    ]
    assert (drift(fading) or 0) > 5


def test_another_picture_has_no_drift() -> None:
    """After a cut nothing is found again."""
    one, other = (texture(60, 90, seed).astype(np.float32) / 2.55 for seed in (1, 2))
    assert drift([one] * 20 + [other] * 20) is None
