"""The colour planes of films: Y' to L, and ab back to Cb and Cr.

A film's Y' is never touched. The frame's grey is R' = G' = B' = Y', taken as sRGB: its L, at the
working size, is what the network sees. The way back makes the two colour planes:

1. On the working grid, a table turns a and b into Cb and Cr (`photochrom.color.luma`).
2. *A local linear model*, as in `photochrom.upsample`: chroma = slope * Y' + offset. Slope and
   offset are enlarged linearly; Y' at the size of the colour planes brings the edges.
3. *A limit* per pixel: Cb and Cr shrink together until R'G'B' is in 0...1, so hue stays.

Chroma pixels are taken to lie in the middle of the Y' pixels they cover.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color import Codes, Float
from ...color.luma import WEIGHTS, chroma_of, lightness_of, luma_of
from ...errors import ArgumentError
from .tones import Tones

_RIDGE = 0.02  # Y'^2: variance below which a neighbourhood counts as flat; upsample's 200 L^2
_SUBSAMPLINGS = (1, 2, 4)
_BAND = 1 << 20  # chroma pixels for which slopes and offsets are held at a time
_STRIP = 32768  # chroma pixels painted at a time: the planes in use fit a core's cache
_CELLS = 18, 32  # rows and columns to which Cb and Cr are averaged; noise of tapes goes with it
_HUES = 2.5  # codes of 8 bits: standard deviation across the main direction, of more than one hue
_STRONG = 30.0  # codes of 8 bits from the usual chroma, of one strong colour


def working_L(luma: Codes, size: tuple[int, int], tones: Tones) -> Float:  # noqa: N802
    """L of a frame at the working size, by area.

    The mean is taken of the codes, whose steps are nearly those of L.

    Args:
        luma: ``(H, W)`` Y' codes.
        size: ``(h, w)`` of the result; a side longer than the frame's is enlarged linearly.
        tones: of the film.

    Returns:
        ``(h, w)`` float32, 0...100.

    Raises:
        ArgumentError: `luma` is not a plane of this depth.
    """
    import cv2

    _check_luma(luma, tones)
    # cv2 halves many times faster than it does other ratios; the step that is left shrinks by two
    # or more, so that what it computes is nearly the mean of the original pixels.
    while all(n % 2 == 0 and n >= 4 * m for n, m in zip(luma.shape, size, strict=True)):
        luma = _resized(luma, (luma.shape[0] // 2, luma.shape[1] // 2), cv2.INTER_AREA)
    least = min(size[0], luma.shape[0]), min(size[1], luma.shape[1])
    plane = _resized(luma.astype(np.float32), least, cv2.INTER_AREA)
    plane = _resized(plane, size, cv2.INTER_LINEAR)
    return lightness_of((plane - tones.black) / np.float32(tones.luma_range))


def chroma_planes(
    luma: Codes, L: Float, ab: Float, shape: tuple[int, int], tones: Tones
) -> tuple[Codes, Codes]:
    """Cb and Cr of a frame.

    Args:
        luma: ``(H, W)`` Y' codes of the frame.
        L: ``(h, w)`` float32, from `working_L`.
        ab: ``(2, h', w')`` float32, chroma at the size of `L` or on a smaller grid.
        shape: of the colour planes: `luma`'s, or a half or a quarter of a side, rounded up.
        tones: of the film.

    Returns:
        Cb and Cr, each of `shape`, uint8 or uint16. Zero chroma gives `Tones.neutral` everywhere.

    Raises:
        ArgumentError: planes that do not fit each other.
    """
    import cv2

    _check_luma(luma, tones)
    if L.ndim != 2 or ab.ndim != 3 or len(ab) != 2 or np.any(ab.shape[1:] > np.array(L.shape)):
        raise _unfit("L (h, w) and ab (2, h', w'), h' <= h and w' <= w", f"{L.shape}, {ab.shape}")
    guide = _guide(luma, shape)
    fitted = np.stack([_resized(plane, L.shape, cv2.INTER_CUBIC) for plane in ab])
    fine = _linear_model(luma_of(L), chroma_of(L, fitted, tones.matrix), tones)
    planes = np.empty((2, *shape), tones.dtype)
    rows = max(1, _STRIP // shape[1])
    for first, model in _enlarged(fine, shape):
        for top in range(0, model.shape[1], rows):
            part = model[:, top : top + rows]
            strip = slice(first + top, first + top + part.shape[1])
            _paint(guide[strip], part, tones, planes[:, strip])
    return planes[0], planes[1]


def _enlarged(model: list[Float], shape: tuple[int, int]) -> Iterator[tuple[int, Float]]:
    """Planes at a larger size, linearly: bands ``(n, rows, W)``, each with its first row.

    Those of 8K frames would take 133 MB as a whole.
    """
    import cv2

    # Bands begin where a row of the result begins with one of the source.
    count = math.gcd(len(model[0]), shape[0])
    source, rows = len(model[0]) // count, shape[0] // count
    step = max(1, _BAND // (rows * shape[1]))
    for first in range(0, count, step):
        last = min(first + step, count)
        top, bottom = max(0, first - 1), min(last + 1, count)  # neighbours, to go on smoothly
        band = np.empty((len(model), (bottom - top) * rows, shape[1]), np.float32)
        for small, large in zip(model, band, strict=True):
            part = small[top * source : bottom * source]
            cv2.resize(part, large.shape[::-1], dst=large, interpolation=cv2.INTER_LINEAR)
        yield first * rows, band[:, (first - top) * rows : (last - top) * rows]


def _resized(plane: NDArray[Any], size: tuple[int, ...], way: int) -> NDArray[Any]:
    import cv2

    if plane.shape == size:
        return plane
    return np.asarray(cv2.resize(plane, size[::-1], interpolation=way))


def _guide(luma: Codes, shape: tuple[int, int]) -> Codes:
    """Mean Y' code under each chroma pixel."""
    import cv2

    steps = [
        next((s for s in _SUBSAMPLINGS if -(-n // s) == m), 0)
        for n, m in zip(luma.shape, shape, strict=True)
    ]
    if not all(steps):
        raise _unfit(f"colour planes of {luma.shape} or of halves or quarters", str(shape))
    rows, columns = (m * s - n for m, s, n in zip(shape, steps, luma.shape, strict=True))
    if rows or columns:  # an odd side: its last pixels stand for those that are not there
        luma = cv2.copyMakeBorder(luma, 0, rows, 0, columns, cv2.BORDER_REPLICATE)
    return _resized(luma, shape, cv2.INTER_AREA)


def _linear_model(luma: Float, chroma: tuple[Float, Float], tones: Tones) -> list[Float]:
    """Slopes of Cb and Cr over luma, as of the guided filter, then offsets to meet `chroma`.

    From luma 0...1 and chroma -0.5...0.5; the model is one of codes, Cb and Cr less neutral.
    """
    mean_luma = _mean3(luma)
    variance = _mean3(luma * luma)
    variance -= mean_luma * mean_luma
    variance += np.float32(_RIDGE)
    slopes, offsets = [], []
    for plane in chroma:
        slope = _mean3(luma * plane)
        slope -= mean_luma * _mean3(plane)
        slope /= variance
        slope = _mean3(slope)
        slope *= np.float32(tones.chroma_range / tones.luma_range)
        offset = plane * np.float32(tones.chroma_range)
        offset -= slope * (luma * np.float32(tones.luma_range) + np.float32(tones.black))
        slopes.append(slope)
        offsets.append(offset)
    return [*slopes, *offsets]


def _mean3(plane: Float) -> Float:
    import cv2

    return np.asarray(cv2.blur(plane, (3, 3), borderType=cv2.BORDER_REPLICATE))


def _paint(guide: Codes, model: Float, tones: Tones, out: Codes) -> None:
    """Codes of some rows: `guide` is ``(n, W)``, `model` ``(4, n, W)`` and `out` ``(2, n, W)``.

    Written for speed, with everything in codes: some two dozen passes over memory in the cache.
    """
    import cv2

    white = tones.black + tones.luma_range
    luma = guide.astype(np.float32)
    # Never quite black or white, for the divisions below.
    np.clip(luma, np.float32(tones.black + 1e-3), np.float32(white - 1e-3), out=luma)
    chroma = model[:2] * luma
    chroma += model[2:]
    cb, cr = chroma
    # B', R' and G' less Y', all in those codes in which B' - Y' is Cb: linear in Cb and Cr.
    red, blue = WEIGHTS[tones.matrix]
    of_red = (1 - red) / (1 - blue)
    green = 1 - red - blue
    r = cr * np.float32(of_red)
    g = cv2.addWeighted(cb, -blue / green, cr, -red / green * of_red, 0)
    high = np.maximum(cb, r)
    np.maximum(high, g, out=high)
    low = np.minimum(cb, r, out=r)
    np.minimum(low, g, out=low)
    # How much of the room above and below Y' they take; `unit` is all of it.
    unit = np.float32(tones.chroma_range / tones.luma_range / (2 - 2 * blue))
    high /= np.subtract(np.float32(white), luma, out=g)
    low /= np.subtract(np.float32(tones.black), luma, out=g)
    np.maximum(high, low, out=high)
    np.maximum(high, unit, out=high)
    chroma *= np.divide(unit, high, out=high)
    chroma += np.float32(tones.neutral + 0.5)
    if tones.full_range:  # which has one code less above grey than below it
        np.minimum(chroma, np.float32(2 * tones.neutral - 1), out=chroma)
    np.copyto(out, chroma, casting="unsafe")


def _check_luma(luma: Codes, tones: Tones) -> None:
    if luma.ndim != 2 or luma.dtype != tones.dtype or not luma.size:
        raise _unfit(f"a Y' plane (H, W) of {tones.dtype}", f"{luma.shape} of {luma.dtype}")


def _unfit(expected: str, got: str) -> ArgumentError:
    return ArgumentError("the planes of a frame", expected=expected, got=got)


def is_in_color(chroma: tuple[Codes, Codes] | None, depth: int) -> bool:
    """Whether a frame has colours of its own.

    A tone over the whole frame, as of sepia prints, and the noise of tapes are none.

    Args:
        chroma: Cb and Cr, of any size; None: there are none.
        depth: bits per value.
    """
    if chroma is None:
        return False
    size = tuple(min(n, m) for n, m in zip(_CELLS, chroma[0].shape, strict=True))
    means = [_averaged(plane, size) / np.float32(1 << (depth - 8)) for plane in chroma]
    cells = np.stack([plane.ravel() for plane in means])
    if float(np.ptp(cells, 1).max()) < 2 * _HUES:  # neither figure can be so large
        return False
    cells = cells - np.median(cells, 1, keepdims=True)
    across = float(np.linalg.eigvalsh(np.cov(cells))[0])
    strong = float(np.percentile(np.hypot(*cells), 99))
    return max(0.0, across) ** 0.5 > _HUES or strong > _STRONG


def _averaged(plane: Codes, size: tuple[int, ...]) -> Float:
    """Means of a plane's codes, ``size`` of them."""
    import cv2

    # Of codes it is many times faster; what their rounding adds is small against thousands of them.
    while all(n >= 8 * m for n, m in zip(plane.shape, size, strict=True)):
        half = plane.shape[1] // 2, plane.shape[0] // 2
        plane = np.asarray(cv2.resize(plane, half, interpolation=cv2.INTER_AREA))
    codes = plane.astype(np.float32)
    return np.asarray(cv2.resize(codes, size[::-1], interpolation=cv2.INTER_AREA))
