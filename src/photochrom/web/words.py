"""Colours in words, for those who do not see them."""

from __future__ import annotations

import numpy as np

from ..color import srgb_to_lab

_HUES = (  # CIELAB hue angle up to which it is called so
    (15, "pink"),
    (48, "red"),
    (68, "orange"),
    (105, "yellow"),
    (165, "green"),
    (225, "turquoise"),
    (295, "blue"),
    (325, "purple"),
    (345, "magenta"),
    (360, "pink"),
)


def color_words(color: str) -> str:
    """``"dark brown"`` for ``"#5a3a1e"``; the borders between the words are a matter of taste."""
    code = np.frombuffer(bytes.fromhex(color[1:]), np.uint8)
    L, a, b = (float(v) for v in srgb_to_lab(code))
    chroma = float(np.hypot(a, b))
    light = "dark " if L < 35 else "light " if L > 75 else ""
    if chroma < 7:
        return "white" if L > 95 else "black" if L < 8 else f"{light}grey"
    angle = float(np.degrees(np.arctan2(b, a))) % 360
    hue = next(name for limit, name in _HUES if angle <= limit)
    if hue in ("orange", "yellow") and (L < 55 or chroma < 40) and L < 75:
        hue = "brown" if hue == "orange" or L < 45 else "ochre"
    strength = "pale " if chroma < 20 and hue != "brown" else ""
    return f"{strength}{light}{hue}"
