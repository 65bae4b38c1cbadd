"""Makes the pictures of the README and of the model card with the bundled model.

    python tools/showcase.py

``docs/images/before-after.jpg`` has three pictures, grey and coloured; ``model-card.jpg`` all that
are free, grey, coloured and as they were. They are in the public domain or CC0 and come with
scikit-image and matplotlib.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.cbook
import numpy as np
import skimage.data
from PIL import Image

import photochrom
from photochrom.color.srgb import to_8_bits

IMAGES = Path(__file__).parents[1] / "docs" / "images"
GAP = 6


def main() -> None:
    """Write both."""
    hopper = np.asarray(Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg")))
    truths = {
        "astronaut": skimage.data.astronaut(),
        "hopper": hopper,
        "rocket": skimage.data.rocket(),
        "cat": skimage.data.chelsea(),
        "coffee": skimage.data.coffee(),
    }
    colorizer = photochrom.Colorizer()
    greys = {name: to_8_bits(photochrom.color.neutral(each)) for name, each in truths.items()}
    colored = {name: colorizer.colorize(grey).pixels for name, grey in greys.items()}
    few = ("astronaut", "hopper", "rocket")
    _sheet([[kind[name] for name in few] for kind in (greys, colored)], 280, "before-after.jpg")
    rows = [list(kind.values()) for kind in (greys, colored, truths)]
    _sheet(rows, 190, "model-card.jpg")


def _sheet(rows: list[list[np.ndarray]], height: int, name: str) -> None:
    """Write rows of pictures of one height."""
    scaled = [[_scaled(picture, height) for picture in row] for row in rows]
    width = sum(image.width for image in scaled[0]) + GAP * (len(rows[0]) - 1)
    sheet = Image.new("RGB", (width, (height + GAP) * len(rows) - GAP), "white")
    for number, row in enumerate(scaled):
        left = 0
        for image in row:
            sheet.paste(image, (left, number * (height + GAP)))
            left += image.width + GAP
    sheet.save(IMAGES / name, quality=88, optimize=True)


def _scaled(pixels: np.ndarray, height: int) -> Image.Image:
    image = Image.fromarray(pixels)
    return image.resize((round(image.width * height / image.height), height))


if __name__ == "__main__":
    main()
