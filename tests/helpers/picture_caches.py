"""Caches of decoded pictures, and what their builds leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from photochrom.training.data.cache import Cache, build_cache
from photochrom.training.data.opening import open_source


def build(pictures: Path, folder: Path, **options: Any) -> Cache:
    """The cache of a folder's pictures, with options of `build_cache`."""
    return build_cache([open_source(pictures)], folder, **options)


def left_over(folder: Path) -> list[str]:
    """Names of unfinished caches in a folder."""
    return [path.name for path in folder.iterdir() if path.name.endswith(".part")]
