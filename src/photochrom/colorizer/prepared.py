"""Prepared pictures: a picture and what the network says of it, at its size and at a larger one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..color import Codes, Float, neutral, srgb_to_lab
from ..errors import ArgumentError
from ..gamut import entropy
from ..picture import Picture
from ..upsample import shrink

if TYPE_CHECKING:
    from ..hints.palette import Suggestion
    from ..models import Model

_LARGER = 1.5  # than the model's own size; there its cells tell smaller things apart
_COLORLESS = 2.0  # ab; greatest chroma of a picture that has none


def grey_codes(picture: Picture, least: tuple[int, int] | None = None) -> Codes:
    """Grey codes of a picture, with the L of its pixels.

    Args:
        picture: in colour or not.
        least: ``(h, w)``: codes at half the size will do if they are not smaller than that, and
            easier to have, as in a JPEG.
    """
    if least and picture.luma:
        half = picture.luma.half
        if all(m <= n for m, n in zip(least, half.shape, strict=True)):
            return picture.luma.grey(half)
    return picture.pixels if picture.grey else neutral(picture.pixels)


class CloserLook:
    """Regions of a picture at a larger size than the one its colours are predicted at.

    The network runs when they are first asked for.

    Args:
        model: with features, and of no fixed size.
        shape: ``(H, W)`` of the picture.
        codes: gives its grey codes at a size that is not smaller; let go when they were asked for.
    """

    def __init__(
        self, model: Model, shape: tuple[int, int], codes: Callable[[tuple[int, int]], Codes]
    ) -> None:
        size = round(model.card.size * _LARGER)
        self._model, self._size, self._codes = model, model.fit(*shape, size), codes

    @staticmethod
    def possible(model: Model, size: int | None) -> bool:
        """Whether the model has features, and sees pictures of `size` smaller than it could."""
        small = (size or 0) < model.card.size * _LARGER
        return small and model.has_features and model.card.fixed is None

    @cached_property
    def lightness(self) -> Float:
        """``(h, w)`` float32, 0...100, at the larger size."""
        L = shrink(self._codes(self._size), *self._size)
        del self._codes
        return L

    @cached_property
    def regions(self) -> Float:
        """``(C, h', w')`` float32, see `Prediction.regions`."""
        regions = self._model.predict(self.lightness[None, None]).regions
        assert regions is not None, "`possible` asks for them"
        return np.asarray(regions[0])


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture and the network's prediction for it, input of `Colorizer.render`.

    Attributes:
        picture: the source.
        L: ``(h, w)`` float32 at the model's size.
        ab: ``(2, h', w')`` float32, as predicted without hints, at the card's temperature.
        logits: ``(313, h', w')`` where the model gives a distribution.
        features: ``(C, h'', w'')`` where the model has them, a vector for each place that says
            what lies there.
        regions: the same shape, vectors by which regions of the picture are told apart.
        closer: regions of a closer look, by which clicks tell things apart; None: `regions`.
    """

    picture: Picture
    L: Float
    ab: Float
    logits: Float | None = None
    features: Float | None = None
    regions: Float | None = None
    closer: CloserLook | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the picture."""
        return self.picture.height, self.picture.width

    @cached_property
    def grey(self) -> Codes:
        """Grey codes of the picture, ``(H, W)``, with the L of its pixels."""
        return grey_codes(self.picture)

    @cached_property
    def vectors(self) -> Float:
        """Unit vectors ``(C, h'', w'')`` whose products say what belongs together."""
        from ..affinity import feature_vectors, thing_vectors, tone_vectors

        tones = tone_vectors(self.L, self.ab)
        regions = self.regions if self.closer is None else self.closer.regions
        return tones if regions is None else thing_vectors(feature_vectors(regions), tones)

    @cached_property
    def true_ab(self) -> Float:
        """The chroma of a picture that is in colour: ``(2, h'', w'')``, on the features' grid.

        Raises:
            ArgumentError: the picture has no colours.
        """
        height, width = (self.ab if self.features is None else self.features).shape[1:]
        picture = replace(self.picture, alpha=None).to_pil().convert("RGB")
        small = np.asarray(picture.resize((width, height), Image.Resampling.BOX))
        ab = np.moveaxis(srgb_to_lab(small)[..., 1:], -1, 0)
        if np.hypot(*ab).max() < _COLORLESS:
            raise ArgumentError(
                "the reference has no colours to lend", expected="a picture in colour"
            )
        return np.ascontiguousarray(ab)

    @cached_property
    def entropy(self) -> Float:
        """How unsure the model is: ``(h', w')`` float32, 0 certain ... 1 no idea.

        Raises:
            ArgumentError: the model gives no distribution.
        """
        return np.asarray(entropy(self._distribution()[None])[0])

    def palette(self, x: float, y: float, count: int = 5) -> list[Suggestion]:
        """The really different colours that one place could have; see `palette.palette`.

        Args:
            x, y: pixels of the picture.
            count: how many at most.

        Returns:
            Suggestions, likeliest first.

        Raises:
            ArgumentError: the model gives no distribution, or the place is outside the picture.
        """
        from ..hints.palette import palette

        logits = self._distribution()
        height, width = self.shape
        numbers = isinstance(x, Real) and isinstance(y, Real)
        if not (numbers and 0 <= x < width and 0 <= y < height):
            raise ArgumentError(
                "a palette's place",
                expected=f"x in 0...{width - 1} and y in 0...{height - 1}",
                got=f"{x},{y}",
            )
        ArgumentError.check("count", count, Integral, "a number of suggestions")
        row, column = int(y * logits.shape[1] / height), int(x * logits.shape[2] / width)
        here = self.L[int(y * self.L.shape[0] / height), int(x * self.L.shape[1] / width)]
        return palette(logits[:, row, column], float(here), count)

    def _distribution(self) -> Float:
        if self.logits is None:
            raise ArgumentError(
                "this model gives one colour, not a distribution",
                expected="a model of the family photochrom or zhang16",
                fix="load the bundled model",
            )
        return self.logits
