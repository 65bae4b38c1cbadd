"""Pictures for the tests of the training data."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def colours(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth picture of many hues: ``(height, width, 3)``."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = random.uniform(0.5, 2, (3, 2))
    phases = random.uniform(0, 6, 3)
    planes = [
        np.sin(2 * np.pi * (fy * y / height + fx * x / width) + phase)
        for (fy, fx), phase in zip(waves, phases, strict=True)
    ]
    return np.rint(np.stack(planes, axis=-1) * 100 + 128).astype(np.uint8)


def encoded(pixels: NDArray[np.uint8], kind: str = "PNG", **options: object) -> bytes:
    """The bytes of a picture file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def fill(folder: Path, count: int, height: int = 40, width: int = 50) -> None:
    """Write that many pictures to a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        data = encoded(colours(height, width, number))
        (folder / f"{number:04d}.png").write_bytes(data)


def fill_regions(folder: Path, count: int, side: int = 64) -> None:
    """Write pictures of two halves, a dark and a light one, with their region maps."""
    for name in ("pictures", "regions"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        labels = np.ones((side, side), np.uint8)
        labels[:, side // 2 + 4 * (number % 3) - 4 :] = 2
        pixels = (labels[..., None] * 90 + colours(side, side, number) // 8).astype(np.uint8)
        (folder / "pictures" / f"{number}.png").write_bytes(encoded(pixels))
        (folder / "regions" / f"{number}.png").write_bytes(encoded(labels))
