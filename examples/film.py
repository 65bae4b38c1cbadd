"""Colour a film, and show how far it is. Interrupted, the same command goes on where it was.

python examples/film.py holiday-1958.mp4 holiday-1958-color.mp4
"""

import sys

from photochrom import ColorOptions, colorize_video


def show(done: int, total: int | None) -> None:
    """A line that is written over."""
    print(f"\r{done} of {total or '?'} frames", end="", flush=True)


source, target = sys.argv[1:3]
film = colorize_video(source, target, ColorOptions(vividness=0.9), progress=show)
print(f"\n{target}: {film.frames} frames")
