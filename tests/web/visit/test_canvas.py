"""Canvas: prepared once, shown small, saved at full size."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import (
    Colorizer,
    ColorOptions,
    Hint,
    PictureError,
    open_pages,
    open_picture,
)
from photochrom.color import srgb_to_lab
from photochrom.models import Card
from photochrom.web.visit import canvas as module
from photochrom.web.visit.canvas import PREVIEW, VERSIONS, Canvas, Finish
from photochrom.web.visit.looks import Look, Pin, View
from tests.helpers import tiny_models as tiny
from tests.helpers.two_halves import scene

Array = NDArray[Any]
RED = "#c0392b"


@pytest.fixture(scope="module")
def colorizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Colorizer]:
    folder = tmp_path_factory.mktemp("models")
    plain = Card(name="plain", family="plain", size=64, multiple=4)
    return {
        "free": Colorizer(tiny.photochrom(folder / "free.onnx")),
        "hints": Colorizer(tiny.photochrom(folder / "hints.onnx", hints=True)),
        "plain": Colorizer(tiny.save(folder / "plain.onnx", tiny.PLAIN, plain)),
    }


def write(path: Path, array: Array, **options: Any) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write(tmp_path / "scene.png", scene(60, 90), dpi=(300, 300))


def seen(address: str) -> Array:
    """The pixels behind an address."""
    head, data = address.split(",")
    assert head in ("data:image/jpeg;base64", "data:image/png;base64")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def saved(canvas: Canvas, finish: Finish) -> Any:
    buffer = io.BytesIO()
    canvas.save(buffer, finish)
    return open_picture(buffer.getvalue())


@pytest.mark.parametrize("name", ["free", "hints", "plain"])
@pytest.mark.parametrize("vividness", [0.4, 1, 2])
def test_a_download_is_what_the_library_gives(
    colorizers: dict[str, Colorizer], small: Path, name: str, vividness: float
) -> None:
    colorizer = colorizers[name]
    look = Look((Pin(1, 20 / 90, 30 / 60, RED),))
    picture = saved(
        Canvas(colorizer, small), Finish(replace(look, options=ColorOptions(vividness=vividness)))
    )
    expected = colorizer.render(
        colorizer.prepare(small),
        ColorOptions(vividness=vividness, hints=[Hint(20, 30, (192, 57, 43))]),
    )
    np.testing.assert_array_equal(picture.pixels, expected.pixels)
    assert picture.metadata.dpi == pytest.approx((300, 300), abs=0.1)
    assert b"tiny" in (picture.metadata.xmp or b"") or picture.metadata.xmp


def test_the_preview_is_small_and_the_download_is_not(
    colorizers: dict[str, Colorizer], tmp_path: Path
) -> None:
    path = write(tmp_path / "large.png", scene(700, 1500, np.uint16))
    canvas = Canvas(colorizers["free"], path)
    assert (canvas.width, canvas.height) == (1500, 700)
    assert seen(canvas.before).shape[:2] == seen(canvas.after(Finish())).shape[:2] == (560, PREVIEW)
    picture = saved(canvas, Finish())
    assert picture.pixels.shape == (700, 1500, 3)
    assert picture.pixels.dtype == np.uint16
    assert canvas.suffix == ".png"
    ab = srgb_to_lab(seen(canvas.after(Finish())))[::5, ::5, 1:].mean((0, 1))
    np.testing.assert_allclose(srgb_to_lab(picture.pixels)[..., 1:].mean((0, 1)), ab, atol=2)


def test_every_page_is_saved(colorizers: dict[str, Colorizer], tmp_path: Path) -> None:
    pages = [Image.fromarray(scene(60, 90)), Image.fromarray(scene(40, 50))]
    path = tmp_path / "pages.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    target = tmp_path / "out.tif"
    Canvas(colorizers["free"], path).save(target, Finish(Look(options=ColorOptions(warmth=0.5))))
    found = list(open_pages(target))
    assert [page.pixels.shape for page in found] == [(60, 90, 3), (40, 50, 3)]
    assert all(np.ptp(page.pixels.astype(int), axis=2).max() > 20 for page in found)


def test_warmth_and_vividness_change_the_preview(
    colorizers: dict[str, Colorizer], small: Path
) -> None:
    canvas = Canvas(colorizers["free"], small)
    ab = {
        key: srgb_to_lab(seen(canvas.after(finish)))[..., 1:].mean((0, 1))
        for key, finish in {
            "own": Finish(),
            "warm": Finish(Look(options=ColorOptions(warmth=1))),
            "blue": Finish(Look(options=ColorOptions(warmth=-1))),
            "grey": Finish(Look(options=ColorOptions(vividness=0))),
        }.items()
    }
    assert ab["warm"][1] > ab["own"][1] + 5 > ab["blue"][1] + 10
    assert np.hypot(*ab["grey"]) < 1


def test_versions_differ_and_are_used(colorizers: dict[str, Colorizer], small: Path) -> None:
    canvas = Canvas(colorizers["free"], small)
    shown = canvas.versions(Finish())
    assert shown[0][1] == "First colours"
    assert shown[1][1].split(":")[0] in ("Left", "Right", "Centre")
    assert 1 < len(shown) <= VERSIONS + 1
    for number in range(len(shown) - 1):
        chosen = seen(canvas.after(Finish(Look(version=number)))).astype(int)
        # The row shows what one gets.
        assert np.abs(chosen - seen(shown[number + 1][0])).mean() < 2
        assert (np.abs(chosen - seen(shown[0][0])).max(2) > 20).mean() > 0.01


def test_versions_have_the_hints_and_numbers_of_the_picture(
    colorizers: dict[str, Colorizer], small: Path
) -> None:
    canvas = Canvas(colorizers["free"], small)
    grey = Finish(Look(version=0, options=ColorOptions(vividness=0)))
    assert np.ptp(seen(canvas.versions(grey)[0][0]).astype(int), axis=2).max() < 12
    hinted = Finish(Look((Pin(1, 0.9, 0.5, RED),)))
    own, told = (seen(canvas.versions(each)[0][0]) for each in (Finish(), hinted))
    assert srgb_to_lab(told)[:, 60:, 1].mean() > srgb_to_lab(own)[:, 60:, 1].mean() + 5


def test_a_part_at_full_size_is_that_of_the_file(
    colorizers: dict[str, Colorizer], tmp_path: Path
) -> None:
    canvas = Canvas(colorizers["free"], write(tmp_path / "large.png", scene(1400, 3000)))
    shown, before, after = canvas.detail(Finish(), View(0.4, 0.25, 0.2, 0.5))
    assert (shown.x, shown.y) == (0.4, 0.25)
    whole = saved(canvas, Finish()).pixels
    part = whole[350 : 350 + round(shown.height * 1400), 1200 : 1200 + round(shown.width * 3000)]
    assert seen(after).shape == seen(before).shape == part.shape
    assert np.abs(seen(after).astype(int) - part).mean() < 5  # it is a JPEG


def test_a_reference_lends_its_colours(small: Path, tmp_path: Path) -> None:
    """Dark is brown or perhaps green to the tiny model; in the reference it is green."""
    rgb = np.repeat(scene(60, 90)[..., None], 3, 2).astype(int)
    rgb[:, :45] = rgb[:, :45] + [-30, 15, -40]
    green = write(tmp_path / "green.png", rgb.clip(0, 255).astype(np.uint8))
    colorizer = Colorizer(tiny.photochrom(tmp_path / "lends.onnx", features=True))
    canvas = Canvas(colorizer, small)
    own = srgb_to_lab(seen(canvas.after(Finish())))[:, :40, 1].mean()
    borrowed = srgb_to_lab(seen(canvas.after(Finish(reference=green))))[:, :40, 1].mean()
    assert own > 0
    assert borrowed < own - 15
    lent = saved(canvas, Finish(reference=green)).pixels
    assert srgb_to_lab(lent)[:, :40, 1].mean() == pytest.approx(borrowed, abs=2)

    assert canvas.matched(Finish(reference=green)) > 0.3
    assert canvas.matched(Finish()) == 0


def test_a_spot_and_a_place_that_stays(colorizers: dict[str, Colorizer], small: Path) -> None:
    """A click turns the whole half; with a radius, or a place that is kept, it does not."""
    canvas = Canvas(colorizers["free"], small)

    def redness(*pins: Pin) -> Any:
        a = srgb_to_lab(seen(canvas.after(Finish(Look(pins)))))[..., 1]
        return a[30, 80] - a0[30, 80], a[5, 50] - a0[5, 50]  # the place, and one far from it

    a0 = srgb_to_lab(seen(canvas.after(Finish())))[..., 1]
    at = Pin(1, 0.9, 0.5, RED)
    assert min(redness(at)) > 15
    there, far = redness(replace(at, radius=0.08))
    assert there > 15 > 3 > abs(far)
    there, far = redness(at, Pin(2, 0.56, 0.1, "keep"))
    assert there > 15 > 8 > abs(far)


def test_what_its_owner_should_know_of_a_file(
    colorizers: dict[str, Colorizer], small: Path, tmp_path: Path
) -> None:
    cut_off = write(tmp_path / "cut.jpg", scene(400, 600))
    cut_off.write_bytes(cut_off.read_bytes()[:-200])
    colour = np.repeat(scene(60, 90)[..., None], 3, 2)
    colour[:20, :, 0], colour[20:40, :, 1], colour[40:, :, 2] = 200, 200, 200
    notes = [
        Canvas(colorizers["plain"], path).notes
        for path in (small, cut_off, write(tmp_path / "colour.png", colour))
    ]
    assert notes[0] == ()
    assert "the end of the file is missing" in notes[1][0]
    assert "colours already" in notes[2][0]


def test_the_palette_and_the_colour_of_a_place(
    colorizers: dict[str, Colorizer], small: Path
) -> None:
    canvas = Canvas(colorizers["free"], small)
    dark, bright = Pin(1, 0.1, 0.5), Pin(2, 0.9, 0.5)
    assert len(canvas.palette(dark)) >= 2
    red, _, blue = bytes.fromhex(canvas.palette(bright)[0][0][1:])
    assert blue > red
    red, _, blue = bytes.fromhex(canvas.color_at(dark, Finish())[1:])
    assert red > blue


def test_certainty_is_a_layer_that_is_thick_where_the_model_hesitates(
    colorizers: dict[str, Colorizer], small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SURE", 0.0)
    monkeypatch.setattr(module, "_UNSURE", 1.0)
    layer = seen(Canvas(colorizers["free"], small).certainty)
    assert layer.shape[2] == 4
    assert layer[:, :5, 3].mean() > layer[:, -5:, 3].mean() + 5


def test_a_model_of_one_colour_has_no_versions(
    colorizers: dict[str, Colorizer], small: Path
) -> None:
    canvas = Canvas(colorizers["plain"], small)
    assert not canvas.distribution
    assert canvas.versions(Finish()) == []
    assert canvas.palette(Pin(1, 0.5, 0.5)) == []
    assert canvas.after(Finish(Look(version=1))) == canvas.after(Finish())


def test_before_and_after_in_one_file(colorizers: dict[str, Colorizer], small: Path) -> None:
    picture = open_picture(Canvas(colorizers["free"], small).before_after(Finish()))
    assert picture.pixels.shape == (60, 186, 3)
    assert picture.format == "jpeg"
    left, right = picture.pixels[:, :90].astype(int), picture.pixels[:, 96:].astype(int)
    assert np.ptp(left, axis=2).max() < 12
    assert np.ptp(right, axis=2).max() > 20


def test_sliders_do_not_run_the_network_again(
    colorizers: dict[str, Colorizer], small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    colorizer, calls = colorizers["hints"], []
    predict = colorizer.model.predict
    monkeypatch.setattr(
        colorizer.model, "predict", lambda *planes: calls.append(1) or predict(*planes)
    )
    canvas = Canvas(colorizer, small)
    assert len(calls) == 1
    for vividness in (0.5, 1, 2):
        options = ColorOptions(vividness=vividness)
        canvas.after(Finish(Look((Pin(7, 0.5, 0.5),), options=options)))
    canvas.before_after(Finish())
    assert len(calls) == 1


def test_what_is_no_picture(colorizers: dict[str, Colorizer], tmp_path: Path) -> None:
    path = tmp_path / "bad.jpg"
    path.write_bytes(b"not a picture")
    with pytest.raises(PictureError):
        Canvas(colorizers["free"], path)
