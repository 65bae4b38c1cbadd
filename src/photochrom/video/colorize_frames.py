"""The frames of a film in colour, for those who read and write films themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..color import Codes, Float
from ..colorizer import Colorizer
from ..errors import ArgumentError
from ..options import ColorOptions
from ..upsample import shrink
from .color.coloring import Coloring, film_size


def colorize_frames(
    frames: Iterable[Codes],
    colorizer: Colorizer | None = None,
    options: ColorOptions | None = None,
) -> Iterator[Codes]:
    """Colour the frames of a film, for those who read and write films themselves.

    Args:
        frames: ``(H, W)`` grey sRGB codes, uint8 or uint16, all of one size.
        colorizer: the loaded model; None: the bundled one.
        options: vividness and so on.

    Yields:
        ``(H, W, 3)`` RGB of the same depth, one for each frame, up to 12 frames later.

    Raises:
        ArgumentError: frames of different sizes.
    """
    colorizer, options = colorizer or Colorizer(), options or ColorOptions()
    color = Coloring(colorizer, options)
    shape: tuple[int, ...] | None = None

    def small() -> Iterator[tuple[Codes, Float]]:
        nonlocal shape
        for grey in frames:
            shape = shape or grey.shape
            if grey.ndim != 2 or grey.shape != shape:
                raise ArgumentError(
                    "a frame of a film",
                    expected=f"grey, {shape}" if len(shape) == 2 else "grey, (H, W)",
                    got=str(grey.shape),
                    fix="give frames of one size without colour",
                )
            height, width = shape
            yield (
                grey,
                shrink(grey, *colorizer.model.fit(height, width, film_size(colorizer, options))),
            )

    for grey, L in small():
        for one, its_L, ab in color.push(grey, L):
            yield colorizer.paint(one, its_L, ab)
    for one, its_L, ab in color.flush():
        yield colorizer.paint(one, its_L, ab)
