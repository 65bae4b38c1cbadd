"""What a film has shown before: the same place gets the same colour when it is seen again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color import Float
from .key_frame import KeyFrame
from .motion import Places, link

_MOST = 24  # key frames that are remembered; the oldest go first
_SIZE = 32, 18  # pixels of a thumbnail
_ALIKE = 0.8  # correlation of two thumbnails that may show the same place
_SAME = 0.97  # and of two that do not both need remembering
_TRUSTED = 0.4  # mean trust in the motion between them, for them to be the same place


class Memory:
    """KeyFrame frames of earlier shots."""

    def __init__(self) -> None:
        self._keys: list[KeyFrame] = []
        self._thumbnails: list[Float] = []

    def keep(self, key: KeyFrame) -> None:
        """Remember `key`; it takes the place of one that looks the same."""
        thumbnail = _thumbnail(key.L)
        for number, other in enumerate(self._thumbnails):
            if float((thumbnail * other).mean()) > _SAME:
                del self._keys[number], self._thumbnails[number]
                break
        self._keys.append(key)
        self._thumbnails.append(thumbnail)
        del self._keys[:-_MOST], self._thumbnails[:-_MOST]

    def find(self, L: Float) -> tuple[KeyFrame, Places] | None:
        """A key frame that shows the same place as `L`, and where the pixels of `L` are in it."""
        here = _thumbnail(L)
        alike = [float((here * other).mean()) for other in self._thumbnails]
        for number in sorted(range(len(alike)), key=alike.__getitem__, reverse=True)[:2]:
            if alike[number] > _ALIKE:
                key = self._keys[number]
                places = link(key.L, L).back
                if float(places.trust.mean()) > _TRUSTED:
                    return key, places
        return None

    def state(self) -> dict[str, NDArray[Any]]:
        """For `restore`."""
        names = ("L", "tint", "evidence")
        return {f"{n}{i}": getattr(key, n) for i, key in enumerate(self._keys) for n in names}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Remember what another one did when it was asked for its `state`."""
        self._keys, self._thumbnails = [], []
        while (number := len(self._keys)) < _MOST and f"L{number}" in state:
            parts = (state[f"{n}{number}"].astype(np.float32) for n in ("L", "tint", "evidence"))
            self._keys.append(KeyFrame(*parts))
            self._thumbnails.append(_thumbnail(self._keys[-1].L))


def _thumbnail(L: Float) -> Float:
    """Small, with mean 0 and variance 1, so that the mean of a product is the correlation."""
    import cv2

    small = cv2.resize(L, _SIZE, interpolation=cv2.INTER_AREA)
    small = small - small.mean()
    return np.asarray(small / max(float(small.std()), 1.0), np.float32)
