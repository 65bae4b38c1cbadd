"""The table of families: how L and hints become a network's inputs, and its outputs become ab.

A family is a pair of small functions. ``encode`` takes L ``(N, 1, h, w)``, the hint map
``(N, 2, h, w)``, the hint mask ``(N, 1, h, w)`` and the card, and gives the network's inputs in
their order; ``decode`` takes the network's outputs and the card, and gives a `Prediction`.

Features, a vector for each place that says what lies there, are an output ``features``
``(N, C, h, w)`` of networks of any family.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..color import Float, lab_to_srgb, srgb_to_lab
from ..errors import ModelError
from ..gamut import BIN_COUNT
from .card import Card


@dataclass(frozen=True)
class Prediction:
    """What a model says of pictures.

    Attributes:
        ab: ``(N, 2, h', w')`` float32, CIELAB chroma on the model's own grid.
        logits: ``(N, 313, h', w')`` float32 over the gamut bins, where the family gives a
            distribution; T = 1 is what the network says.
        features: ``(N, C, h'', w'')`` float32, a vector for each place that says what lies there,
            where the network has them; see `photochrom.affinity`.
    """

    ab: Float
    logits: Float | None = None
    features: Float | None = None


@dataclass(frozen=True)
class Family:
    """One input/output convention; `inputs` is the number of inputs it may have."""

    encode: Callable[[Float, Float, Float, Card], list[Float]]
    decode: Callable[[Sequence[Float], Card], Prediction]
    inputs: tuple[int, ...]


def _with_hints(L: Float, hint_map: Float, mask: Float, card: Card) -> list[Float]:
    return [L, hint_map, mask] if card.hints else [L]


def _centred(L: Float, hint_map: Float, mask: Float, card: Card) -> list[Float]:
    return [L - np.float32(50)]


def _lightness(L: Float, hint_map: Float, mask: Float, card: Card) -> list[Float]:
    return [L]


def _grey_rgb(L: Float, hint_map: Float, mask: Float, card: Card) -> list[Float]:
    lab = np.concatenate([L, np.zeros_like(L), np.zeros_like(L)], 1).transpose(0, 2, 3, 1)
    grey = lab_to_srgb(np.ascontiguousarray(lab), np.float32).transpose(0, 3, 1, 2)
    return [np.ascontiguousarray(grey) * np.float32(card.scale)]


def _distribution(outputs: Sequence[Float], card: Card) -> Prediction:
    maps = {o.shape[1]: o for o in outputs if o.ndim == 4}
    features = next((o for channels, o in maps.items() if channels not in (2, BIN_COUNT)), None)
    return Prediction(_output(outputs, 2, card), maps.get(BIN_COUNT), features)


def _chroma(outputs: Sequence[Float], card: Card) -> Prediction:
    return Prediction(_output(outputs, 2, card))


def _chroma_over_128(outputs: Sequence[Float], card: Card) -> Prediction:
    return Prediction(_output(outputs, 2, card) * np.float32(128))


def _rgb(outputs: Sequence[Float], card: Card) -> Prediction:
    rgb = np.clip(_output(outputs, 3, card) / np.float32(card.scale), 0, 1)
    lab = srgb_to_lab(np.ascontiguousarray(rgb.transpose(0, 2, 3, 1)))
    return Prediction(np.ascontiguousarray(lab[..., 1:].transpose(0, 3, 1, 2)))


def _output(outputs: Sequence[Float], channels: int, card: Card) -> Float:
    for output in outputs:
        if output.ndim == 4 and output.shape[1] == channels:
            return output
    raise ModelError(
        f"the model {card.name} does not fit its family",
        expected=f"an output of shape (N, {channels}, h, w), as {card.family} has",
        got=", ".join(str(o.shape) for o in outputs),
        fix="import it again with the right --family",
    )


FAMILIES: dict[str, Family] = {
    "photochrom": Family(_with_hints, _distribution, (1, 3)),
    "zhang16": Family(_centred, _distribution, (1,)),
    "siggraph17": Family(_with_hints, _chroma, (1, 3)),
    "ddcolor": Family(_grey_rgb, _chroma, (1,)),
    "deoldify": Family(_grey_rgb, _rgb, (1,)),
    "plain": Family(_lightness, _chroma_over_128, (1,)),
}

FEATURES = "features"
"""Name of the output with features."""
