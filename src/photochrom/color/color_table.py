"""Colours of 8-bit pictures, each worked out once and looked up from then on.

A pixel's colour depends on three numbers, its grey code, a and b, and `recombine` needs some fifty
steps for it. A picture has many pixels and few colours: a table of those that were met, which
`recombine` itself fills, needs a dozen steps. For that a and b are rounded to levels, as far apart
as the eye allows: by a third at grey, and further with chroma as the weight of chroma in CIEDE2000
grows (S_C = 1 + 0.045 C; CIE 142-2001). That changes the 8-bit codes of a picture by 0.15 in the
mean. Lightness is kept as before, and chroma below 1/6 is none.

There are two kinds: one gives R, G and B of a grey's L (`color_table`), the other Cb and Cr of a
JPEG's Y' (`chroma_table`).
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import Codes, Float, grey_of, recombine
from .luma import chroma_codes

_STEP = 1 / 3  # between levels, in units of S_C
_GROWTH = 0.045  # of S_C with chroma
_REACH = 256  # largest a or b with a level of its own
_FINE = 8  # places for each unit of a and b in the list of levels
_BLOCK = 131072  # pixels worked on at a time: the fewer steps, the less threads wait for each other
_MANY = 16384  # pixels of new colours in a block; fewer wait for those of other blocks


class ColorTable:
    """Colours of uint8 greys, kept once they are worked out; threads may share a table.

    Args:
        colors: from codes ``(n,)`` and ab ``(2, n)`` to ``(n, 2...3)`` uint8.
    """

    def __init__(self, colors: Callable[[NDArray[np.uint8], Float], Codes]) -> None:
        self._new_colors = colors
        self._chroma, level = _levels()
        self._b_cells = level * 256
        self._a_cells = self._b_cells * len(self._chroma)
        # By a, b and grey. Zero is a colour not met yet: the fourth byte of one that was is 255.
        # The system gives each page of this memory (4 of 116 MB, say) when it is first written to.
        room = mmap.mmap(-1, len(self._chroma) ** 2 * 256 * 4)
        self._colors = np.frombuffer(room, np.uint32)

    @staticmethod
    def places(ab: Float) -> Float:
        """CIELAB a and b, finite, as places in the list of levels, which truncating rounds."""
        return ab * np.float32(_FINE) + np.float32(_REACH * _FINE + 0.5)

    def recombine(self, grey: NDArray[np.uint8], places: Float, out: NDArray[np.uint8]) -> None:
        """The colours of a picture's pixels.

        Args:
            grey: ``(H, W)`` grey codes, or those of Y'.
            places: ``(2, H, W)`` float32, of a and b.
            out: ``(H, W, 2...3)`` to write into; each channel's rows follow each other in memory.
        """
        codes, flat_places = grey.reshape(-1), places.reshape(2, -1)
        flat = [np.moveaxis(out, -1, 0)[channel].reshape(-1) for channel in range(out.shape[-1])]
        size = min(_BLOCK, codes.size)
        place = np.empty((2, size), np.int32)
        cells, colors = np.empty((2, size), np.intp), np.empty(size, np.uint32)
        late: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
        for start in range(0, codes.size, _BLOCK):
            part = slice(start, min(start + _BLOCK, codes.size))
            n = part.stop - start
            np.copyto(place[:, :n], flat_places[:, part], casting="unsafe")
            # A mode lets numpy write straight into `out`.
            np.take(self._a_cells, place[0], out=cells[0], mode="clip")
            np.take(self._b_cells, place[1], out=cells[1], mode="clip")
            cell, color = np.add(cells[0], cells[1], out=cells[0])[:n], colors[:n]
            cell += codes[part]
            np.take(self._colors, cell, out=color, mode="wrap")
            if not color.min():
                new = np.flatnonzero(color == 0)
                if len(new) > _MANY:
                    self._meet(cell[new])
                    np.take(self._colors, cell, out=color, mode="wrap")
                else:
                    late.append((new + start, cell[new]))
            _write(color, flat, part)
        if late:
            pixels, cell = (np.concatenate(each) for each in zip(*late, strict=True))
            self._meet(cell)
            _write(self._colors[cell], flat, pixels)

    def _meet(self, cell: NDArray[np.intp]) -> None:
        """Work out colours that the table does not have, each once."""
        cell = np.sort(cell)  # faster than np.unique
        cell = cell[np.diff(cell, prepend=-1) > 0]
        chroma, grey = np.divmod(cell, 256)
        ab = self._chroma[np.stack(np.divmod(chroma, len(self._chroma)))]
        words = np.full((len(cell), 4), 255, np.uint8)
        colors = self._new_colors(grey.astype(np.uint8), ab)
        words[:, : colors.shape[1]] = colors
        # Whole words: what another thread reads is a colour or zero.
        self._colors[cell] = words.view(np.uint32)[:, 0]


def _write(color: NDArray[np.uint32], out: list[NDArray[np.uint8]], at: Any) -> None:
    channels = color.view(np.uint8).reshape(-1, 4)
    for number, channel in enumerate(out):
        channel[at] = channels[:, number]


@cache
def color_table() -> ColorTable:
    """R, G and B of every grey, a and b; one table for the process.

    The exact grey codes of a picture can be had back from its colours (`color.grey_of`).
    """
    return ColorTable(rgb_of)


@lru_cache(maxsize=4)
def chroma_table(curve: bytes | None = None) -> ColorTable:
    """Cb and Cr of every Y', a and b, for one tone curve of Y' (see `luma.chroma_codes`)."""
    return ColorTable(lambda luma, ab: chroma_codes(luma, ab, curve).T)


def rgb_of(grey: NDArray[np.uint8], ab: Float) -> Codes:
    """`recombine` for a list of colours, from which the grey codes can be had back.

    Args:
        grey: ``(n,)``.
        ab: ``(2, n)`` float32.

    Returns:
        ``(n, 3)`` uint8, whose `color.grey_of` is `grey`.
    """
    rgb: Codes = recombine(grey[None], ab[:, None])[0]
    # Of 100,000 colours some four miss their grey by the rounding of R, G and B.
    for nudge in (1, -1):
        missing = (grey - grey_of(rgb[None])[0].astype(int)) * nudge > 0
        rgb[missing, 1] = np.clip(rgb[missing, 1].astype(int) + nudge, 0, 255)
    return rgb


def _levels() -> tuple[Float, NDArray[np.intp]]:
    """The chroma of each level, and the level of each place on a fine scale of chroma."""
    scale = np.arange(-_REACH * _FINE, _REACH * _FINE + 1) / _FINE
    number = np.rint(np.sign(scale) * np.log1p(_GROWTH * np.abs(scale)) / (_GROWTH * _STEP))
    most = int(number[-1])
    every = np.arange(-most, most + 1)
    chroma = np.sign(every) * np.expm1(_GROWTH * _STEP * np.abs(every)) / _GROWTH
    return chroma.astype(np.float32), (number + most).astype(np.intp)
