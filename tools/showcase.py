"""Makes docs/images/before-after.jpg, the row of pictures in the README, with the bundled model.

    python tools/showcase.py

The pictures are in the public domain and come with scikit-image and matplotlib.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.cbook
import numpy as np
import skimage.data
from PIL import Image

import photochrom
from photochrom.picture.samples import to_8_bits

TARGET = Path(__file__).parents[1] / "docs" / "images" / "before-after.jpg"
HEIGHT, GAP = 280, 6


def main() -> None:
    """Grey versions above, what the model makes of them below."""
    hopper = np.asarray(Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg")))
    pictures = [skimage.data.astronaut(), hopper, skimage.data.rocket()]
    colorizer = photochrom.Colorizer()
    greys = [to_8_bits(photochrom.color.neutral(picture)) for picture in pictures]
    colored = [colorizer.colorize(grey).pixels for grey in greys]
    rows = [[_scaled(picture) for picture in row] for row in (greys, colored)]
    width = sum(image.width for image in rows[0]) + GAP * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, 2 * HEIGHT + GAP), "white")
    for top, row in zip((0, HEIGHT + GAP), rows, strict=True):
        left = 0
        for image in row:
            sheet.paste(image, (left, top))
            left += image.width + GAP
    sheet.save(TARGET, quality=88, optimize=True)


def _scaled(pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels)
    return image.resize((round(image.width * HEIGHT / image.height), HEIGHT))


if __name__ == "__main__":
    main()
