"""From file to file: pages, steps, comparison, cancellation."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import (
    ArgumentError,
    CancelledError,
    CancelToken,
    Colorizer,
    ColorOptions,
    Hint,
    OutputOptions,
    PictureError,
    PictureTooLargeError,
    colorize_file,
    open_pages,
    open_picture,
)
from photochrom.affinity import Reference
from photochrom.picture import Picture
from photochrom.pipeline import Step
from tests.helpers import tiny_models as tiny

RED = (192, 57, 43)


@pytest.fixture
def colorizer(tiny_colorizer: Colorizer) -> Colorizer:
    return tiny_colorizer


def page(height: int, width: int) -> NDArray[Any]:
    return np.linspace(40, 220, height * width).reshape(height, width).astype(np.uint8)


@pytest.fixture(scope="module")
def tiff() -> bytes:
    images = [Image.fromarray(page(*shape)) for shape in ((40, 60), (30, 30), (20, 33))]
    buffer = io.BytesIO()
    images[0].save(buffer, "TIFF", save_all=True, append_images=images[1:])
    return buffer.getvalue()


def test_every_page(colorizer: Colorizer, tiff: bytes, tmp_path: Path) -> None:
    steps: list[Step] = []
    target = tmp_path / "new" / "out.tif"
    result = colorize_file(colorizer, tiff, target, on_step=steps.append)
    assert (result.width, result.height, result.pages) == (60, 40, 3)
    assert result.pixels == 40 * 60 + 30 * 30 + 20 * 33
    assert result.format == "tiff"
    coloured = list(open_pages(target))
    for picture, source in zip(coloured, open_pages(tiff), strict=True):
        np.testing.assert_array_equal(picture.pixels, colorizer.colorize(source.pixels).pixels)
    names = [step.name for step in steps]
    assert names == ["decode", "predict", "paint"] * 3 + ["encode"]
    assert [step.page for step in steps] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert all((step.prepared is not None) == (step.name == "predict") for step in steps)
    assert set(result.seconds) == {"decode", "predict", "paint", "encode"}


def test_options_of_each_page(colorizer: Colorizer, tiff: bytes) -> None:
    buffer, hint = io.BytesIO(), Hint(5, 5, RED, page=1)
    colorize_file(colorizer, tiff, buffer, ColorOptions(hints=[hint]), OutputOptions("tiff"))
    plain = [colorizer.colorize(each.pixels).pixels for each in open_pages(tiff)]
    same = [
        np.array_equal(one.pixels, other)
        for one, other in zip(open_pages(buffer.getvalue()), plain, strict=True)
    ]
    assert same == [True, False, True]


def test_a_comparison_of_the_first_page(colorizer: Colorizer, tiff: bytes, tmp_path: Path) -> None:
    compare = tmp_path / "compare.png"
    colorize_file(colorizer, tiff, tmp_path / "out.tif", compare=compare)
    both = open_picture(compare)
    assert both.height == 40
    assert both.width > 2 * 60
    assert both.metadata.xmp is not None


@pytest.mark.parametrize("after", range(4))
def test_cancelled_between_two_steps(
    colorizer: Colorizer, tiff: bytes, tmp_path: Path, after: int
) -> None:
    token, target, compare = CancelToken(), tmp_path / "out.tif", tmp_path / "compare.png"
    target.write_bytes(b"earlier")
    seen = 0

    def count(step: Step) -> None:
        nonlocal seen
        seen += 1
        if seen == after:
            token.set()

    if not after:
        token.set()
    with pytest.raises(CancelledError):
        colorize_file(colorizer, tiff, target, compare=compare, cancel=token, on_step=count)
    assert target.read_bytes() == b"earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["out.tif"]


def test_what_fails_leaves_no_trace(colorizer: Colorizer, tiff: bytes, tmp_path: Path) -> None:
    target = tmp_path / "new" / "out.png"
    with pytest.raises(PictureError):
        colorize_file(colorizer, b"no picture", target)
    assert not target.parent.exists()
    with pytest.raises(PictureError, match="several pages cannot be written as PNG"):
        colorize_file(colorizer, tiff, target)
    with pytest.raises(ArgumentError, match="outside the picture"):
        colorize_file(colorizer, tiff, target, ColorOptions(hints=[Hint(50, 5, RED)]))
    with pytest.raises(PictureTooLargeError, match="the pages together"):
        colorize_file(colorizer, tiff, target, output=OutputOptions(max_pixels=3000))
    assert list(target.parent.iterdir()) == []


def test_the_format_of_a_stream(colorizer: Colorizer) -> None:
    source, buffer = io.BytesIO(), io.BytesIO()
    Image.fromarray(page(20, 20)).save(source, "WEBP", lossless=True)
    source.seek(0)
    assert colorize_file(colorizer, source, buffer).format == "webp"
    assert open_picture(buffer.getvalue()).format == "webp"


def test_references_are_reported(tmp_path: Path) -> None:
    lender = Colorizer(tiny.photochrom(tmp_path / "lending.onnx", features=True))
    grey = np.repeat(np.repeat(np.uint8([[80, 190]]), 30, 1), 40, 0)
    lent = lender.reference(np.stack([grey, grey // 2, grey], 2))
    source = Picture(grey).to_bytes("png")
    result = colorize_file(lender, source, tmp_path / "a.png", ColorOptions(reference=lent))
    assert result.matched is not None
    assert result.matched > 0.9
    assert not result.notes
    apart = Reference(-lent.features, lent.ab)
    result = colorize_file(lender, source, tmp_path / "b.png", ColorOptions(reference=apart))
    assert result.matched == 0
    assert result.notes == ("nothing in common with the reference; it was not used",)
    plain = colorize_file(lender, source, tmp_path / "c.png")
    assert plain.matched is None
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "c.png").read_bytes()
