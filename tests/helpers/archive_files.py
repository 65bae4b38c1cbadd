"""A folder like those that archives have: pictures of all sizes and formats, and what goes wrong.

``python benchmarks/archive.py --make FOLDER --count 2000`` writes a large one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FORMATS = (".jpg",) * 6 + (".png", ".tif", ".webp", ".JPG")
FOLDERS = ("1923", "1924", "1924/Öl Ü", "1925/with spaces/deep/deeper", "祖母", "1926/a'b & c")
SMALLEST = 0.1
"""Megapixels."""


@dataclass(frozen=True)
class Made:
    """A file of the folder.

    Attributes:
        name: seen from the folder.
        good: whether it is a picture.
    """

    name: str
    good: bool


def make_archive(folder: Path, count: int, largest: float, bad: float = 0.05) -> list[Made]:
    """Write ``count`` files, of which a share is bad, with loops of links and read-only files.

    Args:
        folder: made if needed.
        count: of files that look like pictures.
        largest: megapixels; most are much smaller.
        bad: share of those that cannot be read.
    """
    plan = list(_plan(count, largest, bad))
    for name, _, _ in plan:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(min(os.cpu_count() or 1, 4)) if count > 100 else _Here() as pool:
        list(pool.map(_write, [(str(folder / name), *rest) for name, *rest in plan], chunksize=20))
    (folder / "1923" / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "alias").symlink_to(folder / "1924", target_is_directory=True)
    (folder / "gone.jpg").symlink_to(folder / "nothing.jpg")
    (folder / ".hidden.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture")
    return [Made(name, good) for name, _, good in plan]


class _Here:
    """Instead of processes, for few files."""

    map = staticmethod(lambda do, tasks, chunksize: map(do, tasks))

    def __enter__(self) -> _Here:
        return self

    def __exit__(self, *details: object) -> None:
        pass


def _plan(count: int, largest: float, bad: float) -> Iterator[tuple[str, float, bool]]:
    """Names, megapixels, and whether the file is good."""
    rng = np.random.default_rng(7)
    wrong = set(rng.choice(count, round(count * bad), replace=False).tolist())
    for number in range(count):
        folder = FOLDERS[number % len(FOLDERS)]
        equal = number // len(FOLDERS)  # the same name in every folder
        stem = f"scan {equal:05}" if number % 7 else f"{'long ' * 38}{equal:05}"
        suffix = FORMATS[int(rng.integers(len(FORMATS)))]
        # Most scans are small: the logarithm of the size is spread evenly.
        size = SMALLEST * (largest / SMALLEST) ** float(rng.random())
        yield f"{folder}/{stem}{suffix}", size, number not in wrong


def grainy(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    """A cloudy picture with film grain: ``(height, width)``, 0...255."""
    small = rng.normal(128, 50, (12, 16)).clip(0, 255).astype(np.float32)
    large = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
    return (large + rng.normal(0, 5, (height, width)).astype(np.float32)).clip(0, 255)


def _write(task: tuple[str, float, bool]) -> None:
    name, megapixels, good = task
    path = Path(name)
    rng = np.random.default_rng(int(megapixels * 1e6))
    width = int((megapixels * 1e6 * 4 / 3) ** 0.5)
    height = max(1, int(width * 3 / 4))
    grey = grainy(rng, width, height)
    if path.suffix == ".tif":
        image = Image.fromarray((grey * 257).astype(np.uint16))
        image.save(path, compression="tiff_lzw")
    else:
        options = {"quality": 88} if path.suffix.lower() in (".jpg", ".webp") else {}
        Image.fromarray(grey.astype(np.uint8)).save(path, **options)
    if not good:
        data = path.read_bytes()
        choice = len(data) % 3
        # A JPEG is read as far as it goes.
        half = data[: 200 if path.suffix.lower() == ".jpg" else len(data) // 2]
        path.write_bytes((b"", half, b"no picture" * 50)[choice])
    if int(megapixels * 1e6) % 5 == 0:
        path.chmod(0o444)
