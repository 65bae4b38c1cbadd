"""Options: ranges, and what belongs to which page."""

import pickle
from pathlib import Path

import pytest

from photochrom import ArgumentError, ColorOptions, Hint, OutputOptions

RED = (192, 57, 43)


@pytest.mark.parametrize("vividness", [-0.1, 4.1, float("nan"), float("inf")])
def test_vividness_out_of_range(vividness: float) -> None:
    with pytest.raises(ArgumentError, match=r"vividness: expected a number in 0\.\.\.4"):
        ColorOptions(vividness=vividness)


@pytest.mark.parametrize("warmth", [-1.1, 1.1, float("nan")])
def test_warmth_out_of_range(warmth: float) -> None:
    with pytest.raises(ArgumentError, match=r"warmth: expected a number in -1\.\.\.1"):
        ColorOptions(warmth=warmth)


@pytest.mark.parametrize("quality", [0, 101])
def test_quality_out_of_range(quality: int) -> None:
    with pytest.raises(ArgumentError, match="quality"):
        OutputOptions(quality=quality)


def test_formats_in_any_spelling() -> None:
    assert OutputOptions(format="JPG").format == "jpeg"
    assert OutputOptions(format=".tif").format == "tiff"
    with pytest.raises(ArgumentError, match="cannot be written"):
        OutputOptions(format="gif")


def test_no_pixels() -> None:
    with pytest.raises(ArgumentError, match="max_pixels"):
        OutputOptions(max_pixels=0)
    with pytest.raises(ArgumentError, match="max_pixels"):
        OutputOptions(max_pixels=None)  # type: ignore[arg-type]


def test_hints_of_a_page() -> None:
    every, first, second = Hint(1, 2, RED), Hint(3, 4, RED, page=0), Hint(5, 6, RED, page=1)
    options = ColorOptions(vividness=0.5, hints=[every, first, second])
    assert options.for_page(0) == ColorOptions(vividness=0.5, hints=[every, first])
    assert options.for_page(1).hints == (every, second)
    assert options.for_page(7).hints == (every,)


def test_options_travel_between_processes() -> None:
    options = ColorOptions(vividness=0.5, hints=[Hint(1, 2, RED)])
    assert pickle.loads(pickle.dumps(options)) == options
    assert hash(options) == hash(pickle.loads(pickle.dumps(options)))


def test_one_reference_or_several() -> None:
    assert ColorOptions().references == ()
    assert ColorOptions(reference=Path("a.jpg")).references == ("a.jpg",)
    assert ColorOptions(reference=["a.jpg", Path("b.jpg")]).references == ("a.jpg", "b.jpg")
