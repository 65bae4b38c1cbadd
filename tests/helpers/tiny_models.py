"""Tiny ONNX networks of every family, for tests: real files that answer in a millisecond.

Each one's answer shows its inputs, so that a wrong order, scale or centre cannot pass unseen.
Without the package onnx the tests that import this are skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom.gamut import bins
from photochrom.models.card import METADATA_KEY, Card

onnx = pytest.importorskip("onnx", reason="builds its networks with onnx (extra import)")

PLAIN = """
plain (float[n,1,h,w] L) => (float[n,2,h,w] ab) {
    shares = Constant <value = float[1,2,1,1] {0.004, -0.002}> ()
    ab = Mul(L, shares)
}"""

ZHANG16 = """
zhang16 (float[n,1,16,16] centred) => (float[n,2,4,4] ab) {
    shares = Constant <value = float[1,2,1,1] {1.0, 2.0}> ()
    small = AveragePool <kernel_shape = [4, 4], strides = [4, 4]> (centred)
    ab = Mul(small, shares)
}"""

SIGGRAPH17 = """
siggraph17 (float[n,1,h,w] L) => (float[n,2,h,w] ab) {
    shares = Constant <value = float[1,2,1,1] {0.5, 0.25}> ()
    ab = Mul(L, shares)
}"""

SIGGRAPH17_HINTS = """
siggraph17 (float[n,1,h,w] L, float[n,2,h,w] hint_ab, float[n,1,h,w] hint_mask)
    => (float[n,2,h,w] ab) {
    shares = Constant <value = float[1,2,1,1] {0.5, 0.25}> ()
    thousand = Constant <value = float {1000.0}> ()
    grey = Mul(L, shares)
    known = Mul(hint_mask, thousand)
    both = Add(grey, hint_ab)
    ab = Add(both, known)
}"""

DDCOLOR = """
ddcolor (float[n,3,h,w] rgb) => (float[n,2,h,w] ab) {
    weights = Constant <value = float[2,3,1,1] {100.0, 0.0, 0.0, 0.0, 50.0, 10.0}> ()
    ab = Conv(rgb, weights)
}"""

# What a network would do to values of the wrong range: everything is black or white to it.
DEOLDIFY = """
deoldify (float[n,3,h,w] rgb) => (float[n,3,h,w] colour) {{
    top = Constant <value = float {{{top}}}> ()
    half = Constant <value = float {{0.5}}> ()
    slope = Constant <value = float {{6.0}}> ()
    sepia = Constant <value = float[1,3,1,1] {{1.0, 0.9, 0.7}}> ()
    share = Div(rgb, top)
    off = Sub(share, half)
    steep = Mul(off, slope)
    bent = Sigmoid(steep)
    toned = Mul(bent, sepia)
    colour = Mul(toned, top)
}}"""

PHOTOCHROM = """
photochrom (float[{n},1,h,w] L) => (float[{n},313,i,j] logits, float[{n},2,i,j] ab) {{
    hundred = Constant <value = float {{100.0}}> ()
    temperature = Constant <value = float {{{temperature}}}> ()
    small = AveragePool <kernel_shape = [4, 4], strides = [4, 4]> (L)
    share = Div(small, hundred)
    logits = Conv(share, slope, dark)
    cold = Div(logits, temperature)
    chances = Softmax <axis = 1> (cold)
    ab = Conv(chances, bins)
}}"""

PHOTOCHROM_HINTS = """
photochrom (float[{n},1,h,w] L, float[{n},2,h,w] hint_ab, float[{n},1,h,w] hint_mask)
    => (float[{n},313,i,j] logits, float[{n},2,i,j] ab) {{
    hundred = Constant <value = float {{100.0}}> ()
    temperature = Constant <value = float {{{temperature}}}> ()
    small = AveragePool <kernel_shape = [4, 4], strides = [4, 4]> (L)
    hint = MaxPool <kernel_shape = [4, 4], strides = [4, 4]> (hint_ab)
    mask = MaxPool <kernel_shape = [4, 4], strides = [4, 4]> (hint_mask)
    share = Div(small, hundred)
    free = Conv(share, slope, dark)
    toward = Conv(hint, toward_bins)
    away = Conv(mask, bins_squared)
    pull = Sub(toward, away)
    logits = Add(free, pull)
    cold = Div(logits, temperature)
    chances = Softmax <axis = 1> (cold)
    ab = Conv(chances, bins)
}}"""

_PULL = 0.02  # how fast a bin loses with its squared distance from a hint


def save(
    path: Path, text: str, card: Card | None, weights: Mapping[str, NDArray[Any]] | None = None
) -> Path:
    """Write a network given in ONNX's textual syntax; with `card` None it has none."""
    model = onnx.parser.parse_model(f'<ir_version: 9, opset_import: ["" : 17]>{text}')
    for name, values in (weights or {}).items():
        tensor = onnx.numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name)
        model.graph.initializer.append(tensor)
    if card is not None:
        onnx.helper.set_model_props(model, {METADATA_KEY: card.to_json()})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def photochrom_weights() -> dict[str, NDArray[Any]]:
    """Dark is probably brown and perhaps green, bright is probably blue; none of it is vivid."""

    def towards(a: float, b: float, height: float) -> NDArray[Any]:
        return np.asarray(height * np.exp(-((bins() - [a, b]) ** 2).sum(1) / 800))

    dark = towards(30, 30, 8) + towards(-35, 30, 7)
    bright = towards(-5, -35, 9)
    squared = (bins() ** 2).sum(1) * _PULL
    return {
        "dark": dark,
        "slope": (bright - dark)[:, None, None, None],
        "bins": bins().T[:, :, None, None],
        "toward_bins": 2 * _PULL * bins()[:, :, None, None],
        "bins_squared": squared[:, None, None, None],
    }


def photochrom(
    path: Path,
    *,
    hints: bool = False,
    features: bool = False,
    batch: str = "n",
    temperature: float = 0.38,
    **card: Any,
) -> Path:
    """A network of the family ``photochrom`` on a quarter of the size.

    With `features`, which are the lightness, dark and bright are two kinds of things.
    """
    text = PHOTOCHROM_HINTS if hints else PHOTOCHROM
    if features:
        text = text.replace("ab) {{", "ab, float[{n},1,i,j] features) {{", 1)
        text = text.replace("share = Div", "features = Identity(small)\n    share = Div", 1)
    weights = photochrom_weights()
    if not hints:
        del weights["toward_bins"], weights["bins_squared"]
    values = {"name": path.stem, "family": "photochrom", "size": 64, "multiple": 4} | card
    return save(
        path,
        text.format(n=batch, temperature=float(temperature)),
        Card(hints=hints, temperature=temperature, **values),
        weights,
    )


def deoldify(path: Path, *, works_in: float, card_says: float) -> Path:
    """A network of the family ``deoldify`` whose card may be wrong about its range."""
    card = Card(name=path.stem, family="deoldify", multiple=32, scale=card_says)
    return save(path, DEOLDIFY.format(top=float(works_in)), card)
