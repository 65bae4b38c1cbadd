"""From predicted chroma to pixels: vividness and warmth, then L recombined with it, in strips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import DTypeLike

from ..color import Codes, Float, keep_grey, lightness, recombine
from ..color.color_table import chroma_table, color_table
from ..gamut import annealed_mean
from ..models.card import Card
from ..options import ColorOptions
from ..picture.jpeg.jpeg_luma import JpegLuma
from ..upsample import GuidedChroma, Pin

_WARMEST = np.array([3.0, 14.0], np.float32)  # ab; about the step from noon to late afternoon
_STRIP = 1 << 20  # pixels painted at a time: large enough that threads rarely wait for each other


def vivid(ab: Float, logits: Float | None, card: Card, vividness: float) -> Float:
    """Chroma at another vividness than the model's own.

    With a distribution half of the change (on a logarithmic scale) is the temperature's, down to
    a cautious T = 1, and half the chroma's; without one it is all the chroma's.

    Args:
        ab: ``(2, h', w')`` float32, as predicted.
        logits: ``(313, h', w')``, if the model gives a distribution.
        card: of the model that predicted them.
        vividness: 0 grey, 1 the model's own.

    Returns:
        ``(2, h', w')`` float32.
    """
    if vividness == 1:
        return ab
    if logits is None or vividness == 0:
        return ab * np.float32(vividness)
    mean = annealed_mean(logits[None], min(1.0, card.temperature / vividness))[0]
    return np.asarray(mean * np.float32(card.chroma * np.sqrt(vividness)))


def finished(ab: Float, options: ColorOptions) -> Float:
    """Chroma with the options that change every colour alike: warmth.

    Args:
        ab: ``(2, ...)`` chroma.
        options: 0 of warmth leaves `ab` as it is.

    Returns:
        ``(2, ...)`` float32.
    """
    if options.warmth == 0:
        return ab
    shift = (_WARMEST * np.float32(options.warmth)).reshape(2, *[1] * (ab.ndim - 1))
    return np.asarray(ab + shift, np.float32)


def recombined(
    grey: Codes,
    L: Float,
    ab: Float,
    dtype: DTypeLike,
    exact: Sequence[tuple[int, int]],
    threads: int,
) -> Codes:
    """Recombine the grey codes of a picture with chroma, enlarged along the edges of L.

    Args:
        grey: ``(H, W)`` grey codes, uint8 or uint16.
        L: ``(h, w)`` float32, the same at the model's size.
        ab: ``(2, h', w')`` float32, on a grid not larger than `L`.
        dtype: of the result.
        exact: rows and columns of pixels whose chroma must be that of their place in `ab`.
        threads: how many.

    Returns:
        ``(H, W, 3)`` RGB with the lightness of `grey`.

    Raises:
        ArgumentError: shapes that do not fit.
    """
    out = np.empty((*grey.shape, 3), dtype)
    combine: Callable[..., None] = recombine
    if grey.dtype == out.dtype == np.uint8:
        table = color_table()  # enlarging is linear, so it can be done in the table's units
        combine, ab = table.recombine, table.places(ab)
    chroma = GuidedChroma(L, ab, grey.shape, _pins(grey, exact))

    def fill(rows: slice) -> None:
        part = grey[rows]
        combine(part, chroma.rows(rows.start, part), out=out[rows])
        if grey.dtype == out.dtype == np.uint16:
            keep_grey(out[rows], part)

    _in_strips(grey.shape, fill, threads)
    return out


def chroma_planes(
    luma: JpegLuma, L: Float, ab: Float, exact: Sequence[tuple[int, int]], threads: int
) -> tuple[Codes, Codes]:
    """Cb and Cr to stand beside the luma of a grey JPEG, enlarged along its edges.

    Args:
        luma: of the picture.
        L, ab, exact, threads: as of `recombined`, in pixels of `luma.half`.

    Returns:
        Two planes ``(H', W')`` uint8 of the size of `luma.half`.
    """
    codes, table = luma.half, chroma_table(luma.curve)
    grey = luma.grey(codes)
    planes = np.empty((2, *codes.shape), np.uint8)
    out = np.moveaxis(planes, 0, -1)
    chroma = GuidedChroma(L, table.places(ab), codes.shape, _pins(grey, exact))

    def fill(rows: slice) -> None:
        table.recombine(codes[rows], chroma.rows(rows.start, grey[rows]), out[rows])

    _in_strips(codes.shape, fill, threads)
    return planes[0], planes[1]


def _in_strips(shape: tuple[int, ...], fill: Callable[[slice], None], threads: int) -> None:
    """Call `fill` with all rows of a picture."""
    height, width = shape
    rows = max(1, min(_STRIP // width, -(-height // threads)))
    strips = [slice(top, min(top + rows, height)) for top in range(0, height, rows)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, strips))


def _pins(grey: Codes, places: Sequence[tuple[int, int]]) -> list[Pin]:
    return [Pin(*place, float(lightness(grey[place]))) for place in places]
