"""A contact strip of a clip: some of its frames side by side, a row for each result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..._io import replacing
from .film_metrics import Rgb

_MOST = 12  # frames across
_HEIGHT = 120  # of one, in pixels
_GAP = 4
_LINE = 20  # for a line of words


class FilmStrip:
    """Every k-th frame of a clip of unknown length; k doubles whenever there are too many."""

    def __init__(self) -> None:
        self._every, self._seen = 1, 0
        self._kept: list[tuple[int, list[Image.Image]]] = []
        self._labels: tuple[str, ...] = ()

    def add(self, images: Mapping[str, Rgb]) -> None:
        """Take note of the next frame: label -> ``(H, W, 3)``."""
        if self._seen % self._every == 0:
            self._labels = tuple(images)
            self._kept.append((self._seen, [_small(rgb) for rgb in images.values()]))
            if len(self._kept) > _MOST:
                self._kept, self._every = self._kept[::2], self._every * 2
        self._seen += 1

    def image(self) -> Image.Image:
        """The strip, after at least one frame."""
        width, count = self._kept[0][1][0].width, len(self._kept)
        font = ImageFont.load_default(size=14)
        margin = _GAP * 2 + round(max(font.getlength(label) for label in self._labels))
        size = (
            margin + count * (width + _GAP),
            _LINE + len(self._labels) * (_HEIGHT + _GAP),
        )
        sheet = Image.new("RGB", size, "white")
        draw = ImageDraw.Draw(sheet)
        for row, label in enumerate(self._labels):
            draw.text((_GAP, _LINE + row * (_HEIGHT + _GAP)), label, "black", font)
        for column, (number, images) in enumerate(self._kept):
            x = margin + column * (width + _GAP)
            draw.text((x, 0), f"{number}", "black", font)
            for row, image in enumerate(images):
                sheet.paste(image, (x, _LINE + row * (_HEIGHT + _GAP)))
        return sheet

    def save(self, path: Path) -> None:
        """Write the strip as PNG, whole or not at all.

        Raises:
            OSError: the file cannot be written.
        """
        with replacing(path) as part:
            self.image().save(part, "PNG")


def _small(rgb: Rgb) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(rgb))
    width = max(1, round(image.width * _HEIGHT / image.height))
    return image.resize((width, _HEIGHT), Image.Resampling.BICUBIC)
