"""Steady colour while the light of the film changes: hue stays, chroma follows the light."""

from __future__ import annotations

import numpy as np
import pytest

from photochrom.video.color.motion import Places
from photochrom.video.color.steady import KeyFrame, light_of
from tests.helpers.film_scenes import Array, Network, flat, seen
from tests.helpers.steady_films import BIG, by_light, coloured, hue


@pytest.mark.parametrize(
    ("name", "light"),
    [
        ("fade out and in", np.abs(np.linspace(-1, 1, 41))),
        ("flash", np.where(np.isin(np.arange(41), [13, 14, 27]), 1.3, 0.7)),
        ("flicker", 0.8 + 0.15 * np.sin(np.arange(41) * 1.7)),
    ],
)
def test_light_changes_no_hue(name: str, light: Array) -> None:
    """The network does not know colours in the dark or in glaring light; the film does."""
    scene = seen(BIG, 0, 0)
    frames = [np.float32(np.clip(scene * share, 0, 100)) for share in light]

    def answer(L: Array, _: int) -> Array:
        if name == "fade out and in" and L.mean() < 0.5 * scene.mean():
            return flat(L, 0, 0)
        return by_light(L, 0)

    colours = coloured(Network(answer), frames)
    true = hue(by_light(scene, 0))
    for L, ab in zip(frames, colours, strict=True):
        chroma, bright = float(np.hypot(*ab.mean((1, 2)))), L.mean() + 16
        assert abs(hue(ab) - true) < 3
        if name == "fade out and in":
            assert chroma < 0.7 * bright
        else:
            assert chroma == pytest.approx(np.hypot(0.5, 0.3) * bright, rel=0.08)


def test_chroma_falls_with_light_between_key_frames() -> None:
    """A fade shorter than the way between key frames: exactly as the light falls."""
    scene = seen(BIG, 0, 0)
    shares = [1, 0.9, 0.7, 0.5, 0.3, 0.1, 0.3, 0.5, 0.7, 0.9, 1]
    network = Network(by_light)
    colours = coloured(network, [np.float32(scene * share) for share in shares])
    assert len(network.told) == 2
    for share, ab in zip(shares, colours, strict=True):
        wanted = (scene.mean() * share + 16) / (scene.mean() + 16)
        assert ab[0].mean() / colours[0][0].mean() == pytest.approx(wanted, rel=0.03)


def test_more_light_gives_chroma_up_to_a_limit() -> None:
    ab = np.full((2, 16, 16), 18, np.float32)
    key = KeyFrame.of(np.full((16, 16), 20, np.float32), ab)
    own = Places.own((16, 16))
    for L, factor in ((20, 1), (38, 1.5), (90, 1.5), (2, 0.5)):
        light = light_of(np.full((16, 16), L, np.float32))
        np.testing.assert_allclose(key.seen(own, light), 18 * factor, rtol=1e-5)
    np.testing.assert_allclose(key.own(), 18, rtol=1e-5)
