"""From a picture and a look to what the page shows, and to the file that is downloaded.

The network sees a picture once, at full size. After that only its answer (a few megabytes) and a
preview are kept; chroma is decided on the model's small grid, so the same chroma paints
the preview now and the full picture later.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..affinity import Reference
from ..color import Float, neutral
from ..colorizer import Colorizer
from ..hints import Hint
from ..options import ColorOptions
from ..picture import Picture, open_pages, save_pages
from ..prepared import Prepared
from ..versions import Version, versions
from .looks import Look, Pin

PREVIEW = 1200
"""Longest side of the preview, in pixels."""

MAX_PIXELS = 150_000_000
"""Larger pictures are for the command line."""

VERSIONS = 5
_THUMBNAIL = 220
_QUALITY = 88
_SURE, _UNSURE = 0.45, 0.9  # entropies at which the layer begins and is full
_VIOLET, _OPACITY = (124, 58, 237), 190


@dataclass(frozen=True)
class Finish:
    """Everything a picture's colours depend on, besides the picture and the model.

    Attributes:
        look: the picture's own; only what can be seen of it, `Look.settled`, counts.
        vividness: 0...4, as of the Colorizer.
        warmth: -1...1, see `photochrom.adjust.warm`.
        reference: the picture to borrow colours from.
    """

    look: Look = Look()  # noqa: RUF009 - it is frozen
    vividness: float = 1.0
    warmth: float = 0.0
    reference: Canvas | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "look", self.look.settled)


class Canvas:
    """One picture, ready to be painted again and again.

    Args:
        colorizer: the loaded model.
        path: the picture's file; read now, and again for `save`.

    Raises:
        PictureError: the file cannot be read.
    """

    def __init__(self, colorizer: Colorizer, path: Path) -> None:
        self.colorizer, self.path = colorizer, path
        picture = next(open_pages(path, max_pixels=MAX_PIXELS))
        self.width, self.height, self.suffix = picture.width, picture.height, picture.suffix
        before = replace(picture, alpha=None).to_pil().convert("RGB")
        before.thumbnail((PREVIEW, PREVIEW), Image.Resampling.LANCZOS, reducing_gap=2.0)
        self._before = np.asarray(before)
        self._prepared = _resized(colorizer.prepare(picture), self._before)
        # What changes between two paintings is little: a slider moved, a hint came.
        self._chroma = lru_cache(4)(self._decide)
        self._preview = lru_cache(1)(self._paint_preview)
        self._after = lru_cache(4)(self._show)

    @property
    def distribution(self) -> bool:
        """Whether the model gives one: palettes, versions and certainty need it."""
        return self._prepared.logits is not None

    @cached_property
    def before(self) -> str:
        """The original at preview size, as an address for an ``<img>``."""
        return _address(self._before)

    def after(self, finish: Finish) -> str:
        """The picture in colour at preview size, as an address for an ``<img>``."""
        address: str = self._after(finish)
        return address

    @cached_property
    def certainty(self) -> str:
        """A layer to lay over the picture: the more violet, the less sure the model is.

        Raises:
            ArgumentError: the model gives no distribution.
        """
        doubt = np.clip((self._prepared.entropy - _SURE) / (_UNSURE - _SURE), 0, 1)
        layer = np.empty((*doubt.shape, 4), np.uint8)
        layer[..., :3], layer[..., 3] = _VIOLET, np.rint(_OPACITY * doubt)
        return _address(layer)

    @cached_property
    def versions(self) -> list[str]:
        """The model's own colours, then the alternatives, small; empty without a distribution."""
        if not self.distribution:
            return []
        small = _resized(self._prepared, _thumbnail(self._before))
        numbers = (None, *range(len(self._alternatives)))
        finishes = [Finish(Look(version=version)) for version in numbers]
        return [_address(self._paint(small, self._decide(each)).pixels) for each in finishes]

    def palette(self, pin: Pin) -> list[tuple[str, float]]:
        """The likeliest colours of a place, with their probabilities."""
        if not self.distribution:
            return []
        return [(each.color, each.probability) for each in self._prepared.palette(*self._at(pin))]

    def color_at(self, pin: Pin, finish: Finish) -> str:
        """``#rrggbb`` of a place as it is painted."""
        x, y = self._at(pin)
        code: bytes = self._preview(finish).pixels[int(y), int(x)].tobytes()
        return f"#{code.hex()}"

    def pages(self, finish: Finish) -> Iterator[Picture]:
        """The pages at full size, in the file's depth and with its metadata.

        Hints, versions and references are for the first; vividness and warmth for all.

        Raises:
            PictureError: the file cannot be read any more.
        """
        for number, page in enumerate(open_pages(self.path, max_pixels=MAX_PIXELS)):
            if number == 0:
                prepared = replace(self._prepared, picture=page)
                ab = self._chroma(finish)
            else:
                prepared = self.colorizer.prepare(page)
                others = ColorOptions(vividness=finish.vividness, warmth=finish.warmth)
                ab = self.colorizer.chroma(prepared, others)
            yield self._paint(prepared, ab)

    def save(self, target: str | Path | BinaryIO, finish: Finish) -> None:
        """Write the result in the format of the original.

        Raises:
            PictureError: the file cannot be read or written.
        """
        save_pages(self.pages(finish), target, format=self.suffix)

    def before_after(self, finish: Finish) -> bytes:
        """Both side by side at preview size, as a JPEG file."""
        after = self._preview(finish)
        gap = np.full((len(after.pixels), 6, 3), 255, np.uint8)
        both = Picture(np.concatenate([self._before, gap, after.pixels], 1))
        return both.with_note(after.note).to_bytes("jpeg")

    def borrow_check(self) -> None:
        """Whether this picture can lend colours.

        Raises:
            ArgumentError: it has none, or the model has no features.
        """
        _ = self.lent

    def _show(self, finish: Finish) -> str:
        return _address(self._preview(finish).pixels)

    def _paint_preview(self, finish: Finish) -> Picture:
        return self._paint(self._prepared, self._chroma(finish))

    def _paint(self, prepared: Prepared, ab: Float) -> Picture:
        return self.colorizer.render(replace(prepared, ab=ab, logits=None))

    def _decide(self, finish: Finish) -> Float:
        """ab of the picture, by the steps of `Colorizer.render`."""
        return self.colorizer.chroma(self._prepared, self._options(finish))

    def _options(self, finish: Finish) -> ColorOptions:
        version, hints = finish.look.version, self._hints(finish.look)
        if version is not None and version < len(self._alternatives):
            hints = self._alternatives[version].hints + hints
        borrows = finish.reference is not None and self._prepared.features is not None
        return ColorOptions(
            vividness=finish.vividness,
            warmth=finish.warmth,
            hints=hints,
            reference=[finish.reference.lent] if finish.reference and borrows else (),
        )

    @cached_property
    def _alternatives(self) -> list[Version]:
        return versions(self._prepared, VERSIONS)

    @cached_property
    def lent(self) -> Reference:
        """What this picture lends as a reference.

        Raises:
            ArgumentError: it has no colours, or the model has no features.
        """
        return self.colorizer.reference(Picture(self._before))

    def _hints(self, look: Look) -> tuple[Hint, ...]:
        return tuple(Hint(*self._at(pin), _rgb(pin.color)) for pin in look.pins if pin.color)

    def _at(self, pin: Pin) -> tuple[float, float]:
        """x and y of a pin in pixels of the preview."""
        height, width = self._prepared.shape
        return pin.x * width, pin.y * height


def _resized(prepared: Prepared, rgb: NDArray[np.uint8]) -> Prepared:
    """The same answer for a smaller picture; the large one is let go."""
    grey = np.asarray(Picture(neutral(rgb)).to_pil())
    return replace(prepared, picture=Picture(grey))


def _thumbnail(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = Image.fromarray(rgb)
    image.thumbnail((_THUMBNAIL, _THUMBNAIL), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _address(pixels: NDArray[Any]) -> str:
    """A ``data:`` address: JPEG, or PNG where there is transparency."""
    buffer, kind = io.BytesIO(), "jpeg" if pixels.shape[2] == 3 else "png"
    Image.fromarray(pixels).save(buffer, kind, quality=_QUALITY)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def thumbnail_address(data: bytes) -> str:
    """A picture's file as the address of a small one."""
    with Image.open(io.BytesIO(data)) as image:
        return _address(_thumbnail(np.asarray(image.convert("RGB"))))


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color[1:])
    return red, green, blue
