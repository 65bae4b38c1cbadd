"""Frames in, coloured frames out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom import ArgumentError, Colorizer, ColorOptions, colorize_frames
from tests.helpers.video_files import Recipe, two_pans

Array = NDArray[Any]

pytestmark = pytest.mark.usefixtures("short_segments", "no_thread_is_left")


def grey_frames(count: int, depth: int = 8) -> list[Array]:
    return [two_pans(Recipe(size=(48, 64)), n, depth) for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 13, 30])
@pytest.mark.parametrize("depth", [8, 16])
def test_colorize_frames(colorizer: Colorizer, count: int, depth: int) -> None:
    sources = grey_frames(count, depth)
    results = list(colorize_frames(iter(sources), colorizer))
    assert len(results) == count
    for source, result in zip(sources, results, strict=True):
        assert result.shape == (*source.shape, 3)
        assert result.dtype == source.dtype
        # Its own lightness: the green that goes with the same light is not far from the grey.
        grey = result.astype(float) @ [0.2126, 0.7152, 0.0722]
        assert np.abs(grey - source).mean() < 0.05 * (1 << depth)
        assert np.ptp(result.astype(int), axis=2).mean() > 0.02 * (1 << depth)


def test_colorize_frames_is_little_behind(colorizer: Colorizer) -> None:
    """At most 12 frames are read before the first of them is given."""
    read = 0

    def source() -> Iterator[Array]:
        nonlocal read
        for frame in grey_frames(40):
            read += 1
            yield frame

    for given, _ in enumerate(colorize_frames(source(), colorizer), 1):
        assert read - given <= 12
    assert read == 40


Change = Callable[[list[Array]], list[Any]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: [*f, f[0][:40]], ("64x48 pixels", "64x40")),
        (lambda f: [*f, f[0].astype(np.uint16)], ("uint8", "uint16")),
        (lambda f: [*f, np.dstack([f[0]] * 3)], ("(H, W)", "(48, 64, 3)")),
        (lambda f: [np.dstack([f[0]] * 3)], ("(H, W)", "(48, 64, 3)")),
    ],
)
def test_colorize_frames_of_different_sizes(
    colorizer: Colorizer, change: Change, words: tuple[str, ...]
) -> None:
    with pytest.raises(ArgumentError) as caught:
        list(colorize_frames(change(grey_frames(3)), colorizer))
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_frames_of_floats(colorizer: Colorizer, kind: Any) -> None:
    codes = [frame.astype(np.uint16) * 257 for frame in grey_frames(14)]
    floats = list(colorize_frames((frame.astype(kind) / 65535 for frame in codes), colorizer))
    for rgb, same in zip(floats, colorize_frames(codes, colorizer), strict=True):
        assert rgb.dtype == kind
        np.testing.assert_allclose(rgb * 65535, same, atol=0.01)


def test_films_may_have_a_size_of_their_own(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = grey_frames(3)
    sizes = [(None, None, None), (None, 96, 96), (32, 96, 32)]
    for asked, of_films, expected in sizes:
        colorizer, seen = Colorizer(tiny_model), set()
        net, predict = colorizer.model, colorizer.model.predict
        net.card = replace(net.card, film_size=of_films)

        def record(L: Array, *hints: Any, predict: Any = predict, seen: Any = seen) -> Any:
            seen.add(L.shape[2:])
            return predict(L, *hints)

        monkeypatch.setattr(net, "predict", record)
        list(colorize_frames(frames, colorizer, ColorOptions(size=asked)))
        assert seen == {net.fit(*frames[0].shape, expected)}
