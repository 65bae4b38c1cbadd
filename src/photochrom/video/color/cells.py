"""Cells of a frame: colours and features of the network on a coarse grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...color import Float
from ...colorizer import Colorizer
from ...colorizer.recombination import vivid
from ...upsample import resized

_PATCH = 10  # half cells: side of the pattern that describes a place


@dataclass(frozen=True, eq=False)
class Cells:
    """The network's output for a frame, on its grid."""

    ab: Float  # ``(2, h, w)`` float32, its own colours
    features: Float  # ``(C, h, w)`` float32, of the network, or of `describe`
    L: Float  # ``(h, w)`` float32
    # ``(C, h, w)`` float32, by which the regions of the frame are told apart; None: `features`
    regions: Float | None = None

    @classmethod
    def of(cls, colorizer: Colorizer, L: Float, vividness: float = 1.0) -> Cells:
        """Run the network on a frame.

        Args:
            colorizer: the loaded model.
            L: ``(h, w)``, an upright picture without bars; the network sees it at about this size.
            vividness: as of `ColorOptions`.
        """
        model = colorizer.model
        (height, width), area = L.shape, float(L.size)
        size = max(model.card.multiple, round(area**0.5))
        seen = resized(L[None], model.fit(height, width, size))[0]
        prediction = model.predict(seen[None, None])
        logits = None if prediction.logits is None else prediction.logits[0]
        ab = vivid(prediction.ab[0], logits, model.card, vividness)
        regions = None if prediction.regions is None else prediction.regions[0]
        if prediction.features is None:
            features = describe(seen, (ab.shape[1], ab.shape[2]))
        else:
            features = prediction.features[0]
            ab = resized(ab, (features.shape[1], features.shape[2]))
        return cls(ab, features, resized(L[None], (ab.shape[1], ab.shape[2]))[0], regions)


def describe(L: Float, grid: tuple[int, int]) -> Float:
    """Features of a place for networks that have none: the pattern of light around it.

    Args:
        L: ``(h, w)``, 0...100.
        grid: ``(h', w')``.

    Returns:
        ``(C, h', w')``; the same where all of a frame is lit more or less.
    """
    light = resized(L[None], (2 * grid[0], 2 * grid[1]))[0]
    light = (light - light.mean()) / max(float(light.std()), 1.0)
    around = np.pad(light, _PATCH // 2, mode="reflect" if min(light.shape) > _PATCH else "edge")
    patches = np.lib.stride_tricks.sliding_window_view(around, (_PATCH, _PATCH))[:-1:2, :-1:2]
    means = patches.mean((2, 3))[..., None]
    y, x = np.mgrid[-1 : 1 : grid[0] * 1j, -1 : 1 : grid[1] * 1j]
    place = np.stack([x, y], -1)
    vectors = [patches.reshape(*grid, -1) - means, 3 * means, place]
    return np.moveaxis(np.concatenate(vectors, -1), -1, 0).astype(np.float32)
