"""A closer look: features of a picture that the network sees at a larger size."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..color import Float
from ..picture import Picture
from ..upsample import shrink

if TYPE_CHECKING:
    from ..models.session import Model

_LARGER = 7 / 3  # than the model's own size; there its cells tell smaller things apart


class CloserLook:
    """Features of a picture at a larger size than the one its colours are predicted at.

    The network runs when they are first asked for.

    Args:
        model: with features, and of no fixed size.
        picture: let go as soon as `lightness` is known.
    """

    def __init__(self, model: Model, picture: Picture) -> None:
        self._model, self._picture = model, picture

    @classmethod
    def at(cls, model: Model, picture: Picture, size: int | None) -> CloserLook | None:
        """A closer look, or None where the model has none, or a picture's `size` is as large."""
        if not model.has_features or model.card.fixed is not None:
            return None
        return None if (size or 0) >= model.card.size * _LARGER else cls(model, picture)

    @cached_property
    def lightness(self) -> Float:
        """``(h, w)`` float32, 0...100, at the larger size."""
        from .prepared import grey_codes

        picture = self._picture
        size = round(self._model.card.size * _LARGER)
        height, width = self._model.fit(picture.height, picture.width, size)
        L = shrink(grey_codes(picture, (height, width)), height, width)
        del self._picture
        return L

    @cached_property
    def features(self) -> Float:
        """``(C, h', w')`` float32, see `Prediction.features`."""
        features = self._model.predict(self.lightness[None, None]).features
        assert features is not None, "`at` asks for a model with features"
        return np.asarray(features[0])
