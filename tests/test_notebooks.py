"""Pictures and colorizers among arrays, tensors, notebooks and processes."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photochrom import (
    ArgumentError,
    Colorizer,
    ColorOptions,
    Hint,
    archive,
    colorize_file,
    open_picture,
    save_pages,
)
from photochrom.colorizer.versions import versions
from photochrom.evaluate import evaluate
from photochrom.hints import parse_json, to_json
from photochrom.options import OutputOptions, VideoOptions
from photochrom.picture import Picture


def ramp(height: int = 40, width: int = 60) -> Any:
    return np.linspace(30, 220, height * width).reshape(height, width).astype(np.uint8)


def test_a_picture_is_an_array(tiny_colorizer: Colorizer) -> None:
    picture = tiny_colorizer.colorize(ramp())
    np.testing.assert_array_equal(np.asarray(picture), picture.pixels)
    assert np.asarray(picture, np.float32).dtype == np.float32
    again = open_picture(picture)
    assert again is picture


def test_a_notebook_shows_a_small_png() -> None:
    shown = Image.open(io.BytesIO(Picture.from_array(ramp(600, 1600))._repr_png_()))
    assert (shown.format, shown.size) == ("PNG", (1024, 384))


def test_half_floats(tiny_colorizer: Colorizer) -> None:
    half = (ramp() / 255).astype(np.float16)
    single = half.astype(np.float32)
    np.testing.assert_array_equal(
        tiny_colorizer.colorize(half).pixels, tiny_colorizer.colorize(single).pixels
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_in_give_floats_out(tiny_colorizer: Colorizer, dtype: type[np.floating]) -> None:
    grey = (ramp() / 255).astype(dtype)
    picture = tiny_colorizer.colorize(grey)
    assert picture.pixels.dtype == np.uint16
    color = np.asarray(picture)
    assert (color.dtype, color.shape) == (dtype, (40, 60, 3))
    assert 0 <= color.min() < color.max() <= 1
    exact = picture.pixels / 65535
    np.testing.assert_allclose(color, exact, atol=1e-3 if dtype == np.float16 else 1e-6)
    np.testing.assert_array_equal(np.asarray(picture, np.uint16), picture.pixels)
    with pytest.raises(ValueError, match="copy"):
        np.array(picture, copy=False)


def test_codes_as_floats(tiny_colorizer: Colorizer) -> None:
    picture = tiny_colorizer.colorize(ramp())
    assert np.asarray(picture).dtype == np.uint8
    np.testing.assert_allclose(np.asarray(picture, np.float32), picture.pixels / 255, atol=1e-6)


def test_half_tensors(tiny_colorizer: Colorizer) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
    grey = torch.from_numpy(ramp()).half()[None] / 255
    tensor = tiny_colorizer.colorize(grey).to_torch()
    assert (tensor.dtype, tuple(tensor.shape)) == (torch.float16, (3, 40, 60))


def test_tensors_in_and_out(tiny_colorizer: Colorizer) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
    grey = torch.from_numpy(ramp())
    picture = tiny_colorizer.colorize(grey)
    tensor = picture.to_torch()
    assert (tensor.dtype, tuple(tensor.shape)) == (torch.float32, (3, 40, 60))
    assert 0 <= float(tensor.min()) < float(tensor.max()) <= 1
    np.testing.assert_array_equal(open_picture((tensor * 255).byte()).pixels, picture.pixels)


def test_a_colorizer_travels_by_its_model(tiny_colorizer: Colorizer) -> None:
    again = pickle.loads(pickle.dumps(tiny_colorizer))
    assert again.model.path == tiny_colorizer.model.path
    np.testing.assert_array_equal(
        again.colorize(ramp()).pixels, tiny_colorizer.colorize(ramp()).pixels
    )


def test_a_suggestion_is_a_colour_for_a_hint(tiny_colorizer: Colorizer) -> None:
    prepared = tiny_colorizer.prepare(ramp())
    first = prepared.palette(10, 10)[0]
    hint = Hint(10, 10, first)
    assert hint == Hint(10, 10, first.color)
    options = ColorOptions(hints=[hint])
    assert tiny_colorizer.render(prepared, options).pixels.shape == (40, 60, 3)


WRONG: list[tuple[str, Callable[[Colorizer], object]]] = [
    ("threads", lambda c: Colorizer(c.model.path, threads="2")),  # type: ignore[arg-type]
    ("model", lambda c: Colorizer(3)),  # type: ignore[arg-type]
    ("vividness", lambda c: ColorOptions(vividness="high")),  # type: ignore[arg-type]
    ("vividness", lambda c: ColorOptions(vividness=None)),  # type: ignore[arg-type]
    ("size", lambda c: ColorOptions(size="big")),  # type: ignore[arg-type]
    ("hints", lambda c: ColorOptions(hints=3)),  # type: ignore[arg-type]
    ("hints", lambda c: ColorOptions(hints=["a"])),  # type: ignore[list-item]
    ("quality", lambda c: OutputOptions(quality="best")),  # type: ignore[arg-type]
    ("hint", lambda c: Hint("a", 3, "red")),  # type: ignore[arg-type]
    ("options", lambda c: c.colorize(ramp(), {"vividness": 1})),  # type: ignore[arg-type]
    ("prepare", lambda c: c.render(ramp())),  # type: ignore[arg-type]
    ("palette", lambda c: c.prepare(ramp()).palette("a", 2)),  # type: ignore[arg-type]
    ("opened", lambda c: c.colorize([[1, 2], [3, 4]])),
    ("hint", lambda c: Hint(1, 2, "red", page="x")),  # type: ignore[arg-type]
    ("hint", lambda c: Hint.parse(3)),  # type: ignore[arg-type]
    ("hint", lambda c: parse_json(3)),  # type: ignore[arg-type]
    ("hints", lambda c: to_json(3)),  # type: ignore[arg-type]
    ("reference", lambda c: ColorOptions(reference=3)),  # type: ignore[arg-type]
    ("reference", lambda c: ColorOptions(reference=[None])),  # type: ignore[list-item]
    ("format", lambda c: OutputOptions(format=3)),  # type: ignore[arg-type]
    ("max_pixels", lambda c: OutputOptions(max_pixels="a")),  # type: ignore[arg-type]
    ("page", lambda c: OutputOptions(page="a")),  # type: ignore[arg-type]
    ("start", lambda c: VideoOptions(start="a")),  # type: ignore[arg-type]
    ("codec", lambda c: VideoOptions(codec=3)),  # type: ignore[arg-type]
    ("options", lambda c: c.chroma(c.prepare(ramp()), None)),  # type: ignore[arg-type]
    ("prepared", lambda c: c.match(None, ColorOptions())),  # type: ignore[arg-type]
    ("count", lambda c: c.prepare(ramp()).palette(1, 2, "a")),  # type: ignore[arg-type]
    ("prepared", lambda c: versions(None, 3)),  # type: ignore[arg-type]
    ("versions", lambda c: versions(c.prepare(ramp()), "a")),  # type: ignore[arg-type]
    ("L", lambda c: c.predict(3)),  # type: ignore[arg-type]
    ("L", lambda c: c.model.predict(3)),  # type: ignore[arg-type]
    ("size", lambda c: c.model.fit("a", 3)),  # type: ignore[arg-type]
    ("pixels", lambda c: Picture(3)),  # type: ignore[arg-type]
    ("pages", lambda c: save_pages(3, "x.tif")),  # type: ignore[arg-type]
    ("colorizer", lambda c: colorize_file(None, "a.png", "b.png")),  # type: ignore[arg-type]
    ("output", lambda c: colorize_file(c, "a.png", "b.png", output=3)),  # type: ignore[arg-type]
    ("sources", lambda c: archive.run(3)),  # type: ignore[arg-type]
    ("options", lambda c: archive.run("a", "b", 3)),  # type: ignore[arg-type]
    ("sources", lambda c: evaluate(3)),  # type: ignore[arg-type]
    ("models", lambda c: evaluate(["a"], 3)),  # type: ignore[arg-type]
    ("size", lambda c: evaluate(["a"], size="a")),  # type: ignore[arg-type]
    ("hints", lambda c: evaluate(["a"], hints="a")),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(
    ("word", "call"), WRONG, ids=[f"{n}-{w}" for n, (w, _) in enumerate(WRONG)]
)
def test_wrong_arguments_are_errors_of_the_package(
    tiny_colorizer: Colorizer, word: str, call: Callable[[Colorizer], object]
) -> None:
    with pytest.raises(ArgumentError, match=word):
        call(tiny_colorizer)
