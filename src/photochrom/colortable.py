"""Colours of 8-bit pictures, each worked out once and looked up from then on.

A pixel's colour depends on three numbers, its grey code, a and b, and `recombine` needs some fifty
steps for it. A picture has many pixels and few colours: a table of those that were met, which
`recombine` itself fills, needs a dozen steps. For that a and b are rounded to levels, as far apart
as the eye allows: by a third at grey, and further with chroma as the weight of chroma in CIEDE2000
grows (S_C = 1 + 0.045 C; CIE 142-2001). That changes the 8-bit codes of a picture by 0.15 in the
mean. Lightness is kept as before, and chroma below 1/6 is none.
"""

from __future__ import annotations

import mmap
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .color import Float, recombine

_STEP = 1 / 3  # between levels, in units of S_C
_GROWTH = 0.045  # of S_C with chroma
_REACH = 256  # largest a or b with a level of its own
_FINE = 8  # places for each unit of a and b in the list of levels
_BLOCK = 131072  # pixels worked on at a time: the fewer steps, the less threads wait for each other
_MANY = 16384  # pixels of new colours in a block; fewer wait for those of other blocks


class ColorTable:
    """What `recombine` gives, for uint8 greys; threads may use one at the same time."""

    def __init__(self) -> None:
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
        """Full-size L and full-size chroma to RGB, L kept.

        Args:
            grey: ``(H, W)`` grey codes.
            places: ``(2, H, W)`` float32, of a and b.
            out: ``(H, W, 3)``, contiguous, to write into.
        """
        codes, flat_places, flat = grey.reshape(-1), places.reshape(2, -1), out.reshape(-1, 3)
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
        rgbx = np.full((len(cell), 4), 255, np.uint8)
        rgbx[:, :3] = recombine(grey.astype(np.uint8)[None], ab[:, None])[0]
        # Whole words: what another thread reads is a colour or zero.
        self._colors[cell] = rgbx.view(np.uint32)[:, 0]


def _write(color: NDArray[np.uint32], out: NDArray[np.uint8], at: Any) -> None:
    channels = color.view(np.uint8).reshape(-1, 4)
    for channel in range(3):
        out[at, channel] = channels[:, channel]


@cache
def color_table() -> ColorTable:
    """The one table of this process."""
    return ColorTable()


def _levels() -> tuple[Float, NDArray[np.intp]]:
    """The chroma of each level, and the level of each place on a fine scale of chroma."""
    scale = np.arange(-_REACH * _FINE, _REACH * _FINE + 1) / _FINE
    number = np.rint(np.sign(scale) * np.log1p(_GROWTH * np.abs(scale)) / (_GROWTH * _STEP))
    most = int(number[-1])
    every = np.arange(-most, most + 1)
    chroma = np.sign(every) * np.expm1(_GROWTH * _STEP * np.abs(every)) / _GROWTH
    return chroma.astype(np.float32), (number + most).astype(np.intp)
