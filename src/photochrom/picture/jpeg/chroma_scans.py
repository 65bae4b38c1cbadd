"""Cb and Cr coded as scans of a JPEG file, as fine as there is room for."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from ...color import Codes
from .segments import DHT, SOS, GreyJpeg, segment

# For chroma at half size, of quality 50 (T.81, table K.2), row by row.
_TABLE_50 = np.full((8, 8), 99)
_TABLE_50[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
_COARSEST_MEAN = 32  # step of a block's mean: 4 codes, above which a plain sky shows its blocks
_COARSER = 2.5  # steps than the source's own, each over its table of quality 50 ...
_FINEST, _COARSEST = 16, 250  # ... in percent, which are the qualities 92 and 20
_NEXT = 1.5  # factor between two attempts to fit
_SMALL = 1 << 18  # pixels of a plane up to which both are coded at once, with the same tables
_HIGHEST = 65500 // 2  # libjpeg's limit, for two
_RESTART = b"\xff\xd0"


class ChromaScans(NamedTuple):
    """Two coded planes.

    Attributes:
        steps: of quantisation, 64 bytes in zigzag order.
        data: Huffman tables and scans of the components 2 and 3.
    """

    steps: bytes
    data: bytes


def chroma_scans(
    planes: tuple[Codes, Codes], grey: GreyJpeg, quality: int | None, room: int
) -> ChromaScans:
    """Code Cb and Cr, baseline or progressive as the source.

    Args:
        planes: ``(H', W')`` uint8.
        grey: the source.
        quality: 1...100, on libjpeg's scale; None: one that goes with the source's, less if the
            scans are larger than `room`. At a source's quality of 90 the error is 1.3 codes in
            the mean, which is not seen at half size.
        room: bytes.
    """
    percent = _COARSER * _percent(grey.quality)
    percent = min(max(percent, _FINEST), _COARSEST) if quality is None else _percent(quality)
    while True:
        coded = _coded(planes, percent, grey.progressive)
        if quality is not None or len(coded.data) <= room or percent >= _COARSEST:
            return coded
        percent = min(percent * _NEXT, _COARSEST)


def _percent(quality: int) -> float:
    """How coarse libjpeg's tables of a quality are, in percent of those of 50."""
    return 5000 / quality if quality < 50 else 200 - 2 * quality


def _coded(planes: tuple[Codes, Codes], percent: float, progressive: bool) -> ChromaScans:
    steps = np.clip(np.rint(_TABLE_50 * (percent / 100)), 1, 255).astype(int)
    steps[0, 0] = min(steps[0, 0], _COARSEST_MEAN)
    padded = [_to_blocks(plane) for plane in planes]
    if padded[0].size <= _SMALL and padded[0].shape[0] <= _HIGHEST:
        # One above the other, with one restart marker where the second begins.
        blocks = padded[0].size // 64
        both = _file(np.concatenate(padded), steps, progressive, blocks)
        data = b"".join(_scans(both, (2, 3)))
        return ChromaScans(bytes(both.quantisation or ()), data)
    with ThreadPoolExecutor(2) as pool:
        cb, cr = pool.map(lambda plane: _file(plane, steps, progressive), padded)
    data = b"".join([*_scans(cb, (2,)), *_scans(cr, (3,))])
    return ChromaScans(bytes(cb.quantisation or ()), data)


def _to_blocks(plane: Codes) -> Codes:
    """A plane enlarged to whole blocks."""
    down, across = (-side % 8 for side in plane.shape)
    return np.pad(plane, ((0, down), (0, across)), mode="edge")


def _file(plane: Codes, steps: Codes, progressive: bool, restart: int = 0) -> GreyJpeg:
    """A plane as a grey JPEG, with restart markers every so many blocks."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(plane).save(
        file,
        "JPEG",
        qtables=[steps.ravel().tolist()],
        optimize=True,
        progressive=progressive,
        restart_marker_blocks=restart,
    )
    parsed = GreyJpeg.parse(file.getvalue())
    assert parsed is not None
    return parsed


def _scans(file: GreyJpeg, components: tuple[int, ...]) -> Iterator[bytes]:
    """Huffman tables and scans, each cut at its restart markers for one component after another."""
    for part in file.parts:
        body = file.data[part.body : part.stop]
        if part.marker == DHT:
            yield segment(DHT, body)
        elif part.marker == SOS:
            coded = file.data[part.stop : part.end].split(_RESTART)
            for number, scan in zip(components, coded, strict=True):
                yield segment(SOS, bytes([1, number, body[2]]) + body[3:]) + scan
