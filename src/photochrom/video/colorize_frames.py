"""The frames of a film in colour, for those who read and write films themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from numpy.typing import NDArray

from ..colorizer import Colorizer
from ..errors import ArgumentError
from ..options import ColorOptions
from ..picture import Picture
from .color.frame_pictures import steady_pictures


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
                    fix="give frames of one type without colour",
                )
            yield Picture.from_array(grey)

    for picture in steady_pictures(pictures(), colorizer or Colorizer(), options or ColorOptions()):
        rgb = picture.pixels
        yield (rgb / 65535).astype(kind) if kind.kind == "f" else rgb
