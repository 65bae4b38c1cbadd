"""Pictures to try the page with.

The package carries none. One is drawn here, and where scikit-image is installed, some of the
photographs that come with it are offered in grey.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from ..color import Float

_PHOTOGRAPHS = {  # name in skimage.data -> what it shows
    "astronaut": "An astronaut",
    "coffee": "A cup of coffee",
    "chelsea": "A cat",
    "camera": "A photographer",
}


@dataclass(frozen=True)
class Example:
    """A picture one click away.

    Attributes:
        name: file name it gets.
        title: for people.
        read: the picture as the bytes of a file.
    """

    name: str
    title: str
    read: Callable[[], bytes]


def examples() -> list[Example]:
    """What there is to try, at least one."""
    found = []
    folder = _scikit_image()
    for name, title in _PHOTOGRAPHS.items():
        path = folder / f"{name}.png" if folder else None
        if path and path.is_file():
            found.append(Example(f"{name}.png", title, partial(_grey, path)))
    return [*found, Example("landscape.png", "A drawn landscape", _landscape)]


def _scikit_image() -> Path | None:
    """The folder of scikit-image's pictures, without importing it."""
    import importlib.util

    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "data"


def _grey(path: Path) -> bytes:
    with Image.open(path) as image:
        return _png(image.convert("L"))


def _landscape(width: int = 960, height: int = 640) -> bytes:
    """Hills in haze under clouds, with a meadow before them; the same every time."""
    rng = np.random.default_rng(7)
    y = (np.arange(height, dtype=np.float32) / height)[:, None]
    clouds = np.clip(_clouds(rng, (height, width), stretch=3) * 1.6 - 0.7, 0, 1)
    scene = 0.62 + 0.22 * y + (0.95 - 0.62 - 0.22 * y) * clouds * (1 - y)
    for distance in range(5):
        near = distance / 4
        ridge = 0.42 + 0.1 * distance + (0.13 - 0.012 * distance) * _ridge(rng, width)
        texture = _clouds(rng, (height, width), octaves=8)
        hill = 0.66 - 0.4 * near + (0.05 + 0.2 * near) * (texture - 0.5) - 0.1 * (y - ridge)
        scene = np.where(y > ridge, hill, scene)
    grain = rng.normal(0, 0.012, scene.shape)
    codes = np.clip((scene + grain) * 255, 0, 255).astype(np.uint8)
    return _png(Image.fromarray(codes))


def _ridge(rng: np.random.Generator, width: int) -> Float:
    """A fractal line across the picture, about -1...1."""
    line, at = np.zeros(width, np.float32), np.arange(width) / width
    for octave in range(7):
        points = rng.normal(0, 0.55**octave, 3 * 2**octave + 1)
        line += np.interp(at, np.linspace(0, 1, len(points)), points).astype(np.float32)
    return np.asarray(line / 2, np.float32)


def _clouds(
    rng: np.random.Generator, size: tuple[int, int], *, octaves: int = 6, stretch: int = 1
) -> Float:
    """Fractal noise, 0...1."""
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        cells = 3 * 2**octave
        values = rng.random((cells, max(2, cells // stretch))).astype(np.float32)
        image = Image.fromarray(values).resize(size[::-1], Image.Resampling.BICUBIC)
        total += np.asarray(image) * np.float32(0.55**octave)
    low, high = np.percentile(total, [1, 99])
    return np.asarray(np.clip((total - low) / (high - low), 0, 1), np.float32)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
