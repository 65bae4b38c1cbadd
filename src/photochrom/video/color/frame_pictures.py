"""Frames that are pictures, as of animations and image sequences, in steady colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...color import Float
from ...colorizer import Colorizer
from ...colorizer.prepared import grey_codes
from ...errors import ArgumentError
from ...options import ColorOptions
from ...picture import Picture
from ...upsample import shrink
from .coloring import Coloring, film_size
from .references import pinned
from .steady import SteadyColor


class FrameSize:
    """The size at which the network sees the frames of one film, all of which have one size.

    Args:
        colorizer: the loaded model.
        options: only `ColorOptions.size` counts.
    """

    def __init__(self, colorizer: Colorizer, options: ColorOptions) -> None:
        self._colorizer, self._options = colorizer, options
        self._shape: tuple[int, int] | None = None

    def look(self, picture: Picture, name: str = "a frame of a film") -> Float:
        """L of a frame at that size, ``(h, w)`` float32.

        Raises:
            ArgumentError: it has another size than the first.
        """
        shape = picture.height, picture.width
        self._shape = self._shape or shape
        if shape != self._shape:
            height, width = self._shape
            raise ArgumentError(
                name,
                expected=f"{width}x{height} pixels, as the first frame",
                got=f"{picture.width}x{picture.height}",
            )
        size = self._colorizer.model.fit(*shape, film_size(self._colorizer, self._options))
        return shrink(grey_codes(picture, size), *size)


def steady_pictures(
    frames: Iterable[Picture], colorizer: Colorizer, options: ColorOptions
) -> Iterator[Picture]:
    """Frames in colour, one for each, up to 12 frames later.

    Raises:
        ArgumentError: frames of different sizes.
    """
    size = FrameSize(colorizer, options)
    color = Coloring(SteadyColor(colorizer, options, pinned=pinned(colorizer, options)))
    for picture in frames:
        for one in color.push(picture, size.look(picture)):
            yield colorizer.painted(*one)
    for one in color.flush():
        yield colorizer.painted(*one)
