"""Pictures and colorizers among arrays, tensors, notebooks and processes."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photochrom import ArgumentError, Colorizer, ColorOptions, Hint, open_picture
from photochrom.options import OutputOptions
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
    options = ColorOptions(hints=[Hint(10, 10, first.color)])
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
]


@pytest.mark.parametrize(
    ("word", "call"), WRONG, ids=[f"{n}-{w}" for n, (w, _) in enumerate(WRONG)]
)
def test_wrong_arguments_are_errors_of_the_package(
    tiny_colorizer: Colorizer, word: str, call: Callable[[Colorizer], object]
) -> None:
    with pytest.raises(ArgumentError, match=word):
        call(tiny_colorizer)
