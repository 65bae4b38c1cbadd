"""Hints: colours fixed at places of a picture, how far they go, and the colours to choose from."""

from .hint import KEEP, Hint, cover, from_item, parse_json, rasterise, to_json

__all__ = ["KEEP", "Hint", "cover", "from_item", "parse_json", "rasterise", "to_json"]
