"""A closer look: features of a picture that the network sees at a larger size."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..color import Codes, Float
from ..upsample import shrink

if TYPE_CHECKING:
    from ..models.session import Model

_LARGER = 7 / 3  # than the model's own size; there its cells tell smaller things apart


class CloserLook:
    """Features of a picture at a larger size than the one its colours are predicted at.

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
    def features(self) -> Float:
        """``(C, h', w')`` float32, see `Prediction.features`."""
        features = self._model.predict(self.lightness[None, None]).features
        assert features is not None, "`possible` asks for them"
        return np.asarray(features[0])
