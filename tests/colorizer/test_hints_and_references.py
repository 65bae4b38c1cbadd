"""Colours that a user gives, by hints and by references, with tiny networks."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import ArgumentError, Colorizer, ColorOptions, Hint, PictureError
from photochrom.color import lab_to_srgb, srgb_to_lab
from photochrom.models import Card
from tests.helpers import tiny_models as tiny
from tests.helpers.two_halves import scene

Array = NDArray[Any]
RED = (192, 57, 43)


@pytest.mark.parametrize("name", ["photochrom", "hints", "plain", "zhang16", "deoldify"])
def test_a_hint_gives_its_colour_to_its_place(models: dict[str, Path], name: str) -> None:
    colorizer = Colorizer(models[name])
    prepared = colorizer.prepare(scene(depth=np.uint16))
    plain = srgb_to_lab(colorizer.render(prepared).pixels)
    hint = Hint(20, 30, RED, 9)
    hinted = srgb_to_lab(colorizer.render(prepared, ColorOptions(hints=[hint])).pixels)
    # As much of the hint's chroma as there is at this lightness.
    place = np.s_[26:34, 16:24]
    colour = np.array([plain[place][..., 0].mean(), *hint.ab], np.float32)
    possible = srgb_to_lab(lab_to_srgb(colour, np.uint16))[1:]
    before, after = (
        np.hypot(*(lab[place][..., 1:].mean((0, 1)) - possible)) for lab in (plain, hinted)
    )
    assert after < 8
    assert after < 0.5 * before
    # The other side of the edge hardly notices.
    assert np.abs(hinted[:, 60:] - plain[:, 60:]).max() < 3


def test_no_hints_are_no_hints(colorizer: Colorizer) -> None:
    prepared = colorizer.prepare(scene())
    for none in ((), []):
        np.testing.assert_array_equal(
            colorizer.render(prepared, ColorOptions(hints=none)).pixels,
            colorizer.render(prepared).pixels,
        )


@pytest.mark.parametrize("name", ["photochrom", "hints"])
def test_a_hint_outside_is_refused(models: dict[str, Path], name: str) -> None:
    with pytest.raises(ArgumentError, match=r"a hint lies outside .* x in 0\.\.\.89"):
        Colorizer(models[name]).colorize(scene(), ColorOptions(hints=[Hint(90, 10, RED)]))


@pytest.fixture(scope="module")
def lending(tmp_path_factory: pytest.TempPathFactory) -> Colorizer:
    return Colorizer(
        tiny.photochrom(tmp_path_factory.mktemp("lending") / "lending.onnx", features=True)
    )


def in_color(dark: tuple[int, ...], bright: tuple[int, ...]) -> Array:
    """The scene with other colours, mirrored."""
    grey = scene()[:, ::-1].astype(int)[..., None]
    halves = np.where(np.arange(90)[:, None] < 45, bright, dark)
    return (grey + halves).clip(0, 255).astype(np.uint8)


def test_a_reference_lends_its_colours_to_the_like(lending: Colorizer, tmp_path: Path) -> None:
    path = tmp_path / "reference.png"
    Image.fromarray(in_color((-30, 25, -40), (20, 0, 20))).save(path)
    own = srgb_to_lab(lending.colorize(scene()).pixels)
    for reference in (path, str(path), [path], lending.reference(path)):
        options = ColorOptions(reference=reference)
        found = srgb_to_lab(lending.colorize(scene(), options).pixels)
        assert own[:, :40, 1].mean() > 5
        assert found[:, :40, 1].mean() < -15  # green as the dark half of the reference
        assert found[:, 50:, 1].mean() > 5
        np.testing.assert_allclose(found[..., 0], own[..., 0], atol=1)
    assert lending.match(lending.prepare(scene()), options).matched > 0.9


def test_a_changed_reference_is_read_again(lending: Colorizer, tmp_path: Path) -> None:
    path, found = tmp_path / "reference.png", []
    for number, dark in enumerate(((-30, 25, -40), (40, -10, -10))):
        Image.fromarray(in_color(dark, (20, 0, 20))).save(path)
        os.utime(path, ns=(number, number))
        pixels = lending.colorize(scene(), ColorOptions(reference=path)).pixels
        found.append(srgb_to_lab(pixels)[:, :40, 1].mean())
    assert found[0] < -15 < 15 < found[1]


def test_references_that_cannot_be_used(
    lending: Colorizer, colorizer: Colorizer, tmp_path: Path
) -> None:
    with pytest.raises(PictureError, match="no-such"):
        lending.colorize(scene(), ColorOptions(reference=tmp_path / "no-such.jpg"))
    with pytest.raises(ArgumentError, match="no colours to lend"):
        lending.reference(scene())
    with pytest.raises(ArgumentError, match="cannot borrow colours"):
        colorizer.reference(in_color((9, 0, 0), (0, 9, 0)))


@pytest.mark.parametrize(
    ("family", "text"), [("siggraph17", tiny.SIGGRAPH17), ("ddcolor", tiny.DDCOLOR)]
)
def test_a_click_with_a_network_without_features(tmp_path: Path, family: str, text: str) -> None:
    """It goes to what is alike in L and predicted colour; references need features."""
    card = Card(name=family, family=family, size=64, multiple=8)
    other = Colorizer(tiny.save(tmp_path / "net.onnx", text, card))
    assert not other.model.has_features
    grey = np.full((64, 96), 90, np.uint8)
    grey[:, 48:] = 190
    prepared = other.prepare(grey)
    before = other.render(prepared).pixels
    hint = Hint(20, 30, "#3060e0")
    after = other.render(prepared, ColorOptions(hints=[hint])).pixels
    change = srgb_to_lab(after)[..., 1:] - srgb_to_lab(before)[..., 1:]
    distance = np.hypot(change[..., 0], change[..., 1])
    assert distance[:, :42].min() > 20
    assert distance[:, 54:].max() < 2
    with pytest.raises(ArgumentError, match=r"cannot borrow colours.*a model with features"):
        other.render(prepared, ColorOptions(reference=in_color_file(tmp_path)))


def in_color_file(folder: Path) -> Path:
    path = folder / "reference.png"
    Image.fromarray(in_color((40, 0, 0), (0, 40, 0))).save(path)
    return path
