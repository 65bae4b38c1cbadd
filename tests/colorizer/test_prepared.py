"""A picture prepared once: rendering it many times, its entropy and its palettes."""

from pathlib import Path

import numpy as np
import pytest

from photochrom import ArgumentError, Colorizer, ColorOptions, Hint
from photochrom.color import lightness, srgb_to_lab
from tests.helpers.two_halves import scene

RED = (192, 57, 43)


def test_prepared_once_and_rendered_is_colorized(colorizer: Colorizer) -> None:
    grey, hint = scene(), Hint(20, 30, RED, 5)
    prepared = colorizer.prepare(grey)
    again = Colorizer(colorizer.model.path)
    options = ColorOptions(vividness=0.5, hints=[hint])
    np.testing.assert_array_equal(
        colorizer.render(prepared).pixels, colorizer.colorize(grey).pixels
    )
    np.testing.assert_array_equal(
        colorizer.render(prepared, options).pixels, again.colorize(grey, options).pixels
    )
    # Rendering leaves what was prepared as it was.
    np.testing.assert_array_equal(
        colorizer.render(prepared).pixels, colorizer.colorize(grey).pixels
    )


def test_rendering_does_not_run_the_network(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    colorizer = Colorizer(models["hints"])
    prepared, calls = colorizer.prepare(scene()), []
    predict = colorizer.model.predict
    monkeypatch.setattr(
        colorizer.model, "predict", lambda *planes: calls.append(1) or predict(*planes)
    )
    for vividness in (0, 0.5, 1, 2):
        colorizer.render(prepared, ColorOptions(vividness=vividness))
    own = tuple(colorizer.render(prepared).pixels[3, 3])
    assert not calls
    colorizer.render(prepared, ColorOptions(hints=[Hint(3, 3, own)]))  # a likely colour
    assert len(calls) == 1


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_threads_change_nothing(models: dict[str, Path], depth: type) -> None:
    """More pixels than one strip, in shares of different heights."""
    prepared = Colorizer(models["photochrom"]).prepare(scene(601, 700, depth))
    vivid = ColorOptions(vividness=2)
    one = Colorizer(models["photochrom"], threads=1).render(prepared, vivid)
    for threads in (2, 3, 7):
        several = Colorizer(models["photochrom"], threads=threads).render(prepared, vivid)
        np.testing.assert_array_equal(several.pixels, one.pixels)


def test_the_size_of_the_input_can_be_chosen(models: dict[str, Path]) -> None:
    assert Colorizer(models["photochrom"]).prepare(scene(100, 100)).L.shape == (64, 64)
    large = Colorizer(models["photochrom"]).prepare(scene(100, 100), ColorOptions(size=160))
    assert large.L.shape == (160, 160)
    assert large.ab.shape == (2, 40, 40)


def test_entropy_is_lowest_where_the_network_is_sure(colorizer: Colorizer) -> None:
    """The tiny one knows one colour for bright and two for dark."""
    prepared = colorizer.prepare(scene())
    entropy = prepared.entropy
    assert entropy.shape == prepared.ab.shape[1:]
    assert entropy.min() >= 0
    assert entropy.max() <= 1
    middle = entropy.shape[1] // 2
    assert entropy[:, : middle - 1].mean() > entropy[:, middle + 1 :].mean()
    assert prepared.entropy is entropy


def test_the_palette_of_a_place(colorizer: Colorizer) -> None:
    prepared = colorizer.prepare(scene())
    dark, bright = prepared.palette(10, 30), prepared.palette(89.9, 59.9, count=1)
    assert 2 <= len(dark) <= 5
    assert len(bright) == 1
    chances = [s.probability for s in dark]
    assert chances == sorted(chances, reverse=True)
    assert 0 < chances[0] <= 1
    ab = {}
    for suggestion in (*dark[:2], *bright):
        code = np.frombuffer(bytes.fromhex(suggestion.color[1:]), np.uint8)
        L, *ab[suggestion.color] = srgb_to_lab(code)
        x = 10 if suggestion in dark else 89
        assert abs(L - lightness(scene())[:, x].mean()) < 6
    brown, green = ab[dark[0].color], ab[dark[1].color]
    assert brown[0] > 5
    assert green[0] < -5
    assert ab[bright[0].color][1] < -10


def test_a_palettes_place_is_across_then_down(colorizer: Colorizer) -> None:
    prepared = colorizer.prepare(np.ascontiguousarray(scene(90, 60).T))  # dark above, bright below
    above, below = prepared.palette(50, 10)[0].color, prepared.palette(10, 50)[0].color
    (red, _, blue), (red_below, _, blue_below) = (bytes.fromhex(c[1:]) for c in (above, below))
    assert red > blue
    assert red_below < blue_below


@pytest.mark.parametrize(("x", "y"), [(-1, 5), (90, 5), (5, 60), (float("nan"), 5)])
def test_a_palette_outside_is_refused(colorizer: Colorizer, x: float, y: float) -> None:
    with pytest.raises(ArgumentError, match=r"x in 0\.\.\.89 and y in 0\.\.\.59"):
        colorizer.prepare(scene()).palette(x, y)


def test_a_model_of_one_colour_has_no_palette(models: dict[str, Path]) -> None:
    prepared = Colorizer(models["plain"]).prepare(scene())
    with pytest.raises(ArgumentError, match="one colour, not a distribution"):
        prepared.palette(1, 1)
    with pytest.raises(ArgumentError, match="one colour, not a distribution"):
        _ = prepared.entropy
