"""Colorizers: a loaded model, the pictures it has prepared, and other versions of them."""

from .colorizer import Colorizer, colorize
from .prepared import Prepared

__all__ = ["Colorizer", "Prepared", "colorize"]
