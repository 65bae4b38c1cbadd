"""CSS colours: read in any of their spellings, and named by the nearest of their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from PIL import ImageColor

from ..errors import ArgumentError
from . import Float, srgb_to_lab

Rgb = tuple[int, int, int]

FORMS = "#rgb, #rrggbb or a CSS name such as teal"


def parse_color(value: object) -> Rgb:
    """sRGB codes of a colour.

    Args:
        value: ``#rgb``, ``#rrggbb``, a CSS name, or three integers 0...255.

    Raises:
        ArgumentError: `value` is none of these.
    """
    if isinstance(value, str):
        text = value.strip().lower()
        if re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})|[a-z]+", text):
            try:
                red, green, blue = ImageColor.getrgb(text)[:3]
            except ValueError:
                pass
            else:
                return red, green, blue
    elif isinstance(value, tuple | list) and _three_codes(value):
        red, green, blue = (int(v) for v in value)
        return red, green, blue
    raise ArgumentError(
        "a colour cannot be read", expected=f"{FORMS}, or three integers 0...255", got=repr(value)
    )


def _three_codes(values: Sequence[object]) -> bool:
    whole = all(isinstance(v, int | np.integer) and 0 <= int(v) <= 255 for v in values)
    return len(values) == 3 and whole


def color_name(rgb: Rgb, taken: Iterable[str] = ()) -> str:
    """The CSS name nearest in CIEDE2000, in separate words, but for those that are `taken`."""
    from .difference import ciede2000

    names, labs = _names()
    difference = ciede2000(labs, srgb_to_lab(np.array([rgb], np.uint8)))
    difference[[name in set(taken) for name in names]] = np.inf
    return names[int(difference.argmin())]


@cache
def _names() -> tuple[list[str], Float]:
    """Names, one for each colour, and their Lab."""
    colors: dict[Rgb, str] = {}
    for name in ImageColor.colormap:
        if "grey" not in name:  # each is there as gray too, as other names are twice
            colors.setdefault(parse_color(name), name)
    names = [_words(name) for name in colors.values()]
    return names, np.asarray(srgb_to_lab(np.array([*colors], np.uint8)))


_NAME_PARTS = """
    alice antique blanched blue cadet cornflower dark deep dim dodger floral forest ghost golden
    goldenrod green hot indian lavender lawn lemon light lime medium midnight mint misty navajo
    old olive orange pale papaya peach powder rebecca rosy royal saddle sandy sea slate sky
    spring steel violet white yellow
"""
_PARTS = sorted(_NAME_PARTS.split(), key=len, reverse=True)  # each word but the last


def _words(name: str) -> str:
    """``darkolivegreen`` in separate words, in British spelling."""
    words, rest = [], name
    while part := next((p for p in _PARTS if rest.startswith(p) and len(rest) > len(p) + 2), None):
        words.append(part)
        rest = rest.removeprefix(part)
    return " ".join([*words, rest]).replace("gray", "grey")
