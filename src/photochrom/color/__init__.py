"""Colours: sRGB and CIELAB, luma and chroma, colour differences, and names of colours."""

from .cielab import (
    Codes,
    Float,
    grey_of,
    keep_grey,
    lab_to_srgb,
    lightness,
    neutral,
    recombine,
    srgb_to_lab,
)

__all__ = [
    "Codes",
    "Float",
    "grey_of",
    "keep_grey",
    "lab_to_srgb",
    "lightness",
    "neutral",
    "recombine",
    "srgb_to_lab",
]
