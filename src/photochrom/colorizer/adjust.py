"""Adjustments of predicted chroma: vividness and warmth."""

from __future__ import annotations

import numpy as np

from ..color import Float
from ..gamut import annealed_mean
from ..models.card import Card
from ..options import ColorOptions

_WARMEST = np.array([3.0, 14.0], np.float32)  # ab; about the step from noon to late afternoon


def vivid(ab: Float, logits: Float | None, card: Card, vividness: float) -> Float:
    """Chroma at another vividness than the model's own.

    With a distribution half of the change (on a logarithmic scale) is the temperature's, down to
    a cautious T = 1, and half the chroma's; without one it is all the chroma's.

    Args:
        ab: ``(2, h', w')`` float32, as predicted.
        logits: ``(313, h', w')``, if the model gives a distribution.
        card: of the model that predicted them.
        vividness: 0 grey, 1 the model's own.

    Returns:
        ``(2, h', w')`` float32.
    """
    if vividness == 1:
        return ab
    if logits is None or vividness == 0:
        return ab * np.float32(vividness)
    mean = annealed_mean(logits[None], min(1.0, card.temperature / vividness))[0]
    return np.asarray(mean * np.float32(card.chroma * np.sqrt(vividness)))


def finished(ab: Float, options: ColorOptions) -> Float:
    """Chroma with the options that change every colour alike: warmth.

    Args:
        ab: ``(2, ...)`` chroma.
        options: 0 of warmth leaves `ab` as it is.

    Returns:
        ``(2, ...)`` float32.
    """
    if options.warmth == 0:
        return ab
    shift = (_WARMEST * np.float32(options.warmth)).reshape(2, *[1] * (ab.ndim - 1))
    return np.asarray(ab + shift, np.float32)
