"""CSS colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import ImageColor

from photochrom import ArgumentError
from photochrom.color.css import color_name, parse_color


@pytest.mark.parametrize(
    ("value", "rgb"),
    [
        ("#c0392b", (192, 57, 43)),
        ("#C39", (204, 51, 153)),
        (" Teal ", (0, 128, 128)),
        ((1, 2, 3), (1, 2, 3)),
        ([1, 2, 3], (1, 2, 3)),
        (tuple(np.array([1, 2, 3], np.uint8)), (1, 2, 3)),
    ],
)
def test_colours_are_read(value: object, rgb: tuple[int, int, int]) -> None:
    assert parse_color(value) == rgb


@pytest.mark.parametrize(
    "value",
    [
        *("", "#12", "#12345", "#1234567", "c0392b", "rgb(1,2,3)", "reddish", None, 3),
        *((1, 2), (1, 2, 256), (1, 2, -1), (0.5, 1, 1), [1, 2, "3"]),
    ],
)
def test_what_is_no_colour(value: Any) -> None:
    with pytest.raises(ArgumentError, match="a colour cannot be read: expected #rgb, #rrggbb"):
        parse_color(value)


def test_names_are_the_nearest() -> None:
    assert color_name((255, 0, 0)) == "red"
    assert color_name((86, 108, 48)) == "dark olive green"
    assert color_name((130, 130, 130)) == "grey"
    assert color_name((255, 0, 0), ["red"]) != "red"


def test_names_are_words_of_css() -> None:
    for name, value in ImageColor.colormap.items():
        found = color_name(parse_color(value)).replace(" ", "").replace("grey", "gray")
        assert ImageColor.getrgb(found) == ImageColor.getrgb(name)
