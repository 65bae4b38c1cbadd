"""The frames of a film in colour, for those who read and write films themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from numpy.typing import NDArray

from ..color import Float
from ..colorizer import Colorizer
from ..colorizer.prepared import grey_codes
from ..errors import ArgumentError
from ..options import ColorOptions
from ..picture import Picture
from ..upsample import shrink
from .color.coloring import Coloring, film_size
from .color.references import pinned
from .color.steady import SteadyColor


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
        """L of a frame at that size, ``(h, w)`` float32; ArgumentError if its size changes."""
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
    """Frames in colour, each up to 12 frames later; ArgumentError if their size changes."""
    size = FrameSize(colorizer, options)
    color = Coloring(SteadyColor(colorizer, options, pinned=pinned(colorizer, options)))
    for picture in frames:
        for one in color.push(picture, size.look(picture)):
            yield colorizer.painted(*one)
    for one in color.flush():
        yield colorizer.painted(*one)


def colorize_frames(
    frames: Iterable[NDArray[Any]],
    colorizer: Colorizer | None = None,
    options: ColorOptions | None = None,
) -> Iterator[NDArray[Any]]:
    """Colour the frames of a film.

    Args:
        frames: ``(H, W)`` grey sRGB codes: uint8, uint16, or floats 0...1; all of one size.
        colorizer: the loaded model; None: the bundled one.
        options: vividness and so on.

    Yields:
        ``(H, W, 3)`` RGB of the same type, one for each frame, up to 12 frames later. Floats are
        exact to 1 / 65535.

    Raises:
        ArgumentError: frames of different sizes or types, or with colours.
    """
    kind: Any = None

    def pictures() -> Iterator[Picture]:
        nonlocal kind
        for grey in frames:
            kind = kind or grey.dtype
            if grey.ndim != 2 or grey.dtype != kind:
                raise ArgumentError(
                    "a frame of a film",
                    expected=f"grey, (H, W), {kind}",
                    got=f"{grey.shape}, {grey.dtype}",
                )
            yield Picture.from_array(grey)

    for picture in steady_pictures(pictures(), colorizer or Colorizer(), options or ColorOptions()):
        rgb = picture.pixels
        yield (rgb / 65535).astype(kind) if kind.kind == "f" else rgb
