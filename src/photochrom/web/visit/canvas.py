"""One picture in its look: small for the page, and full size for download.

The network sees a picture once, at full size. After that only its prediction (a few megabytes) and
a preview are kept; chroma is decided at the model's size, so the same chroma colours the preview
and any part of the full picture. Files are written by `photochrom.pipeline`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...color import Float, neutral
from ...color.css import parse_color
from ...colorizer import Colorizer
from ...colorizer.prepared import Prepared
from ...colorizer.versions import Version, versions
from ...errors import CancelToken
from ...hints import Hint
from ...options import ColorOptions, OutputOptions
from ...picture import Picture, is_in_color, open_pages
from ...picture.comparison import before_after
from ...pipeline import colorize_file
from .looks import Look, Pin, View
from .thumbnails import address, reduced
from .words import color_words

PREVIEW = 1200
"""Longest side of the preview, in pixels."""

MAX_PIXELS = 150_000_000
"""Larger pictures are for the command line."""

VERSIONS = 5
_DETAIL = 2000  # longest side, in pixels of the picture, of a part shown at 100 %
_SURE, _UNSURE = 0.45, 0.9  # entropies at which the layer begins and is full
_VIOLET, _OPACITY = (124, 58, 237), 190


@dataclass(frozen=True)
class Finish:
    """Everything a picture's colours depend on, besides the picture and the model.

    Attributes:
        look: the picture's own; only what can be seen of it, `Look.settled`, counts.
        reference: file of the picture to borrow colours from.
    """

    look: Look = Look()  # noqa: RUF009 - it is frozen
    reference: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "look", self.look.settled)


class Canvas:
    """One picture, ready to be painted again and again.

    Args:
        colorizer: the loaded model.
        file: the picture's file, a path or an open one; read again for `save` and `detail`.
        size: as of `ColorOptions`.

    Attributes:
        width, height: of the picture, in pixels.
        suffix: of the result, with the dot.
        notes: what its owner should know of the file, lines for people.

    Raises:
        PictureError: the file cannot be read.
    """

    def __init__(
        self, colorizer: Colorizer, file: Path | BinaryIO, size: int | None = None
    ) -> None:
        self.colorizer, self.file = colorizer, file
        picture = next(open_pages(file, max_pixels=MAX_PIXELS))
        self.width, self.height, self.suffix = picture.width, picture.height, picture.suffix
        self.notes = picture.notes
        before = _rgb(picture)
        before.thumbnail((PREVIEW, PREVIEW), Image.Resampling.LANCZOS, reducing_gap=2.0)
        self._before = np.asarray(before)
        if is_in_color(Picture(self._before)):
            self.notes = ("it has colours already: they are replaced", *self.notes)
        self._prepared = _resized(colorizer.prepare(picture, ColorOptions(size=size)), self._before)
        # What changes between two paintings is little: a slider moved, a hint came.
        self._chroma = lru_cache(2 + VERSIONS)(self._decide)
        self._preview = lru_cache(1)(self._paint_preview)
        self._after = lru_cache(4)(self._show)
        self._thumbnail = lru_cache(1)(self._show_small)
        self._matched = lru_cache(2)(self._match)
        self._versions = lru_cache(2)(self._show_versions)
        self._detail = lru_cache(2)(self._show_detail)

    @property
    def distribution(self) -> bool:
        """Whether the model gives one: palettes, versions and certainty need it."""
        return self._prepared.logits is not None

    @cached_property
    def before(self) -> str:
        """The original at preview size, as an address for an ``<img>``."""
        return address(self._before)

    def after(self, finish: Finish) -> str:
        """The picture in colour at preview size, as an address for an ``<img>``."""
        return self._after(finish)

    def thumbnail(self, finish: Finish) -> str:
        """A small one in colour, as an address for an ``<img>``."""
        return self._thumbnail(finish)

    def matched(self, finish: Finish) -> float:
        """Share of the picture that takes its colours from the reference, 0...1."""
        if finish.reference is None or self._prepared.features is None:
            return 0.0
        return self._matched(finish.reference)

    @cached_property
    def certainty(self) -> str:
        """A layer, more violet where the model is less sure; ArgumentError if it cannot tell."""
        doubt = np.clip((self._prepared.entropy - _SURE) / (_UNSURE - _SURE), 0, 1)
        layer = np.empty((*doubt.shape, 4), np.uint8)
        layer[..., :3], layer[..., 3] = _VIOLET, np.rint(_OPACITY * doubt)
        return address(layer)

    def versions(self, finish: Finish) -> list[tuple[str, str]]:
        """Small pictures of the model's own colours and of the alternatives, with their names.

        The hints and numbers of `finish` hold for all of them; there are none without a
        distribution.
        """
        return self._versions(replace(finish, look=replace(finish.look, version=None)))

    def detail(self, finish: Finish, view: View) -> tuple[View, str, str]:
        """A part of the picture at full size.

        Args:
            finish: how it looks.
            view: the part that is asked for.

        Returns:
            The part that is shown, and the addresses of it before and after.
        """
        return self._detail(finish, view)

    def palette(self, pin: Pin) -> list[tuple[str, float]]:
        """The likeliest colours of a place, with their probabilities."""
        if not self.distribution:
            return []
        place = pin.x * self._prepared.shape[1], pin.y * self._prepared.shape[0]
        return [(each.color, each.probability) for each in self._prepared.palette(*place)]

    def color_at(self, pin: Pin, finish: Finish) -> str:
        """``#rrggbb`` of a place as it is painted."""
        height, width = self._prepared.shape
        row, column = int(pin.y * height), int(pin.x * width)
        code: bytes = self._preview(finish).pixels[row, column].tobytes()
        return f"#{code.hex()}"

    def options(self, finish: Finish, shape: tuple[int, int]) -> ColorOptions:
        """The options that give the picture, whose hints are for ``(H, W)`` pixels, this look."""
        version, pins = finish.look.version, finish.look.pins
        height, width = shape
        # Hints are for the first page; a TIFF's others get the numbers only.
        hints = [pin.hint((height, width)) for pin in pins if pin.color]
        if version is not None and version < len(self._alternatives):
            scale = width / self._prepared.shape[1]
            hints[:0] = [_scaled(hint, scale) for hint in self._alternatives[version].hints]
        borrows = finish.reference is not None and self._prepared.features is not None
        reference = (finish.reference,) if finish.reference and borrows else ()
        return replace(finish.look.options, hints=hints, reference=reference)

    def save(
        self, target: str | Path | BinaryIO, finish: Finish, cancel: CancelToken | None = None
    ) -> None:
        """Write the result at full size in the original's format; PictureError, CancelledError."""
        options = self.options(finish, (self.height, self.width))
        output = OutputOptions(format=self.suffix, max_pixels=MAX_PIXELS)
        colorize_file(self.colorizer, self.file, target, options, output, cancel=cancel)

    def before_after(self, finish: Finish) -> bytes:
        """Both in one JPEG file, of the full picture."""
        before, after = self._full(finish)
        both = before_after(before.pixels, after.pixels)
        return both.with_note(after.note).to_bytes("jpeg")

    def _full(self, finish: Finish) -> tuple[Picture, Picture]:
        """The first page at full size, before and after."""
        page = next(open_pages(self.file, max_pixels=MAX_PIXELS))
        prepared = replace(self._prepared, picture=page)
        return page, self._paint(prepared, self._chroma(finish))

    def _show_detail(self, finish: Finish, view: View) -> tuple[View, str, str]:
        left, top = int(view.x * self.width), int(view.y * self.height)
        right = min(left + min(int(view.width * self.width) + 1, _DETAIL), self.width)
        bottom = min(top + min(int(view.height * self.height) + 1, _DETAIL), self.height)
        box = left, top, right, bottom
        before, after = (address(np.asarray(_rgb(each).crop(box))) for each in self._full(finish))
        shown = View(
            left / self.width,
            top / self.height,
            (right - left) / self.width,
            (bottom - top) / self.height,
        )
        return shown, before, after

    def _show_versions(self, finish: Finish) -> list[tuple[str, str]]:
        if not self.distribution:
            return []
        small = _resized(self._prepared, reduced(self._before))
        names = ["First colours", *_plain_names(self._alternatives)]
        found = []
        for number, name in enumerate(names):
            look = replace(finish.look, version=number - 1 if number else None)
            picture = self._paint(small, self._chroma(replace(finish, look=look)))
            found.append((address(picture.pixels), name))
        return found

    def _show(self, finish: Finish) -> str:
        return address(self._preview(finish).pixels)

    def _show_small(self, finish: Finish) -> str:
        return address(reduced(np.asarray(self._preview(finish).pixels)))

    def _match(self, reference: Path) -> float:
        return self.colorizer.match(self._prepared, ColorOptions(reference=reference)).matched

    def _paint_preview(self, finish: Finish) -> Picture:
        return self._paint(self._prepared, self._chroma(finish))

    def _paint(self, prepared: Prepared, ab: Float) -> Picture:
        return self.colorizer.render(replace(prepared, ab=ab, logits=None))

    def _decide(self, finish: Finish) -> Float:
        """ab of the picture at the model's size."""
        return self.colorizer.chroma(self._prepared, self.options(finish, self._prepared.shape))

    @cached_property
    def _alternatives(self) -> list[Version]:
        return versions(self._prepared, VERSIONS)


def _plain_names(alternatives: Sequence[Version]) -> list[str]:
    """ "Top left: dark blue"; in the finer words of the version where two would be alike."""
    names = []
    for each in alternatives:
        place = each.name.partition(":")[0]
        color = bytes(parse_color(each.hints[0].color)).hex()
        plain = f"{place}: {color_words(f'#{color}')}".capitalize()
        names.append(each.name.capitalize() if plain in names else plain)
    return names


def _scaled(hint: Hint, scale: float) -> Hint:
    """A hint for a picture that is larger by a factor."""
    radius = None if hint.radius is None else hint.radius * scale
    return replace(hint, x=hint.x * scale, y=hint.y * scale, radius=radius, page=0)


def _rgb(picture: Picture) -> Image.Image:
    return replace(picture, alpha=None).to_pil().convert("RGB")


def _resized(prepared: Prepared, rgb: NDArray[np.uint8]) -> Prepared:
    """The same prediction for a smaller picture; the large one is let go."""
    grey = np.asarray(Picture(neutral(rgb)).to_pil())
    if prepared.closer is not None:
        _ = prepared.closer.lightness  # while the large picture is there
    return replace(prepared, picture=Picture(grey))
