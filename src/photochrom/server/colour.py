"""One picture of a request: bytes in, the bytes of the coloured picture out."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..colorizer import Prepared
from ..errors import PictureTooLargeError
from ..media import FORMATS, HEAD, READABLE, seems_to_be, sniff, writable_format
from ..picture import Picture, open_pages, save_pages
from .desk import Stop, StoppedError
from .errors import ServiceError
from .options import Order

MEDIA_TYPES = {name: f"image/{name}" for name, row in FORMATS.items() if row.write}
"""Format -> media type."""

_COUNT = 5  # colours of a palette at most


@dataclass
class Answer:
    """A coloured picture.

    Attributes:
        format: key of FORMATS.
        data: the file's bytes; empty if it was written to a path.
        width, height: pixels of the first page.
        pages: how many there are.
        seconds: by step: decode, predict, paint, encode.
        palette, confidence: for the JSON answer; None where the model gives no distribution.
    """

    format: str = ""
    data: bytes = b""
    width: int = 0
    height: int = 0
    pages: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    palette: list[dict[str, Any]] | None = None
    confidence: dict[str, Any] | None = None

    @property
    def media_type(self) -> str:
        """Of the file."""
        return MEDIA_TYPES[self.format]


def check_kind(head: bytes) -> None:
    """Refuse a file whose first bytes are not those of a picture.

    Raises:
        ServiceError: with the status 415.
    """
    if sniff(head[:HEAD]) is None:
        got = seems_to_be(head[:HEAD])
        raise ServiceError(415, f"the file is no picture: expected {READABLE}, got {got}")


def colour(
    file: BinaryIO,
    order: Order,
    stop: Stop,
    *,
    max_pixels: int,
    target: Path | None = None,
    details: bool = False,
) -> Answer:
    """Colour a picture, every page of it.

    Args:
        file: at its beginning; read to its end.
        order: how.
        stop: gives up between two steps when it is set.
        max_pixels: of all pages together.
        target: where the result goes, whole or not at all; its suffix is replaced by that of the
            format. None: into the answer.
        details: find the palette and the confidence, of the first page.

    Raises:
        StoppedError: `stop` was set.
        ServiceError: the file is no picture.
        PictureError: it is damaged, too large, or cannot be written in the wished format.
        ArgumentError: a hint or place lies outside the picture.
    """
    data = file.read()
    check_kind(data)
    work = _Work(order, stop, max_pixels, details)
    pages = work.pages(data)
    del data
    first = next(pages)
    answer = work.answer
    answer.format = order.format or writable_format(first.suffix)
    buffer = io.BytesIO()
    place = None if target is None else target.with_suffix(FORMATS[answer.format].suffixes[0])
    start, before = time.perf_counter(), sum(answer.seconds.values())
    save_pages(_chain(first, pages), place or buffer, format=answer.format, quality=order.quality)
    # Later pages are decoded and painted while the file is being written.
    others = sum(answer.seconds.values()) - before
    answer.seconds["encode"] = time.perf_counter() - start - others
    answer.data = buffer.getvalue()
    return answer


def _chain(first: Picture, rest: Iterator[Picture]) -> Iterator[Picture]:
    yield first
    del first
    yield from rest


class _Work:
    """The coloured pages of one file, made as they are asked for."""

    def __init__(self, order: Order, stop: Stop, max_pixels: int, details: bool) -> None:
        self._order, self._stop, self._details = order, stop, details
        self._max_pixels = max_pixels
        self._step = time.perf_counter()
        self.answer = Answer()

    def pages(self, data: bytes) -> Iterator[Picture]:
        colorizer, answer, pixels = self._order.colorizer, self.answer, 0
        for page in open_pages(data, max_pixels=self._max_pixels):
            pixels += page.width * page.height
            if pixels > self._max_pixels:
                raise PictureTooLargeError(
                    "the pages together are too large",
                    expected=f"at most {self._max_pixels:,} pixels",
                    got=f"{pixels:,} and more",
                    fix="send them one by one",
                )
            self._done("decode")
            prepared = colorizer.prepare(page)
            self._done("predict")
            if not answer.pages:
                answer.width, answer.height = page.width, page.height
                if self._details:
                    self._look(prepared)
            answer.pages += 1
            picture = colorizer.render(prepared, hints=self._order.hints)
            del page, prepared
            self._done("paint")
            yield picture
            del picture
            self._step = time.perf_counter()

    def _done(self, step: str) -> None:
        """Note the time since the last step, and go on only if somebody waits for the result."""
        now = time.perf_counter()
        self.answer.seconds[step] = self.answer.seconds.get(step, 0) + now - self._step
        self._step = now
        if self._stop.is_set():
            raise StoppedError

    def _look(self, prepared: Prepared) -> None:
        places = self._order.places
        if places is None:
            width, height = self.answer.width, self.answer.height
            thirds = (1 / 6, 1 / 2, 5 / 6)
            places = [(int(x * width), int(y * height)) for y in thirds for x in thirds]
        if prepared.logits is None:
            return
        self.answer.palette = [
            {
                "x": x,
                "y": y,
                "colors": [
                    {"color": each.color, "probability": each.probability}
                    for each in prepared.palette(x, y, _COUNT)
                ],
            }
            for x, y in places
        ]
        sure = 1 - prepared.entropy
        self.answer.confidence = {
            "mean": round(float(np.clip(sure.mean(), 0, 1)), 4),
            "map": base64.b64encode(_png(sure)).decode(),
        }


def _png(shares: Any) -> bytes:
    """A grey PNG of an array of 0...1."""
    codes = np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8)
    return Picture(codes).to_bytes("png")
