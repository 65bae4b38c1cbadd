"""One picture of a request: bytes in, the bytes of the coloured picture out."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .._io import replacing
from ..cancel import CancelToken
from ..colorizer import Prepared
from ..media import FORMATS, READABLE, identify
from ..picture import Picture
from ..pipeline import Step, colorize_file
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
    found = identify(head)
    if found.kind != "picture":
        raise ServiceError(415, f"the file is no picture: expected {READABLE}, got {found}")


def colour(
    file: BinaryIO,
    order: Order,
    cancel: CancelToken,
    *,
    target: Path | None = None,
    details: bool = False,
) -> Answer:
    """Colour a picture, every page of it.

    Args:
        file: at its beginning; read to its end.
        order: how.
        cancel: checked between two steps.
        target: where the result goes, whole or not at all; its suffix is replaced by that of the
            format. None: into the answer.
        details: find the palette and the confidence, of the first page.

    Raises:
        CancelledError: `cancel` was set.
        ServiceError: the file is no picture.
        PictureError: it is damaged, too large, or cannot be written in the wished format.
        ArgumentError: a hint or place lies outside the picture.
    """
    data = file.read()
    check_kind(data)
    answer, buffer = Answer(), io.BytesIO()

    def on_step(step: Step) -> None:
        if details and step.prepared is not None and not step.page:
            _look(answer, step.prepared, order.places)

    result = colorize_file(
        order.colorizer, data, buffer, order.options, order.output, cancel=cancel, on_step=on_step
    )
    answer.format, answer.pages = result.format, result.pages
    answer.width, answer.height = result.width, result.height
    answer.seconds = {str(name): seconds for name, seconds in result.seconds.items()}
    if target is None:
        answer.data = buffer.getvalue()
    else:
        with replacing(target.with_suffix(FORMATS[answer.format].suffixes[0])) as part:
            part.write_bytes(buffer.getbuffer())
    return answer


def _look(answer: Answer, prepared: Prepared, places: Sequence[tuple[float, float]] | None) -> None:
    """Add the palette and the confidence of a page."""
    if prepared.logits is None:
        return
    if places is None:
        height, width = prepared.shape
        thirds = (1 / 6, 1 / 2, 5 / 6)
        places = [(int(x * width), int(y * height)) for y in thirds for x in thirds]
    answer.palette = [
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
    answer.confidence = {
        "mean": round(float(np.clip(sure.mean(), 0, 1)), 4),
        "map": base64.b64encode(_png(sure)).decode(),
    }


def _png(shares: Any) -> bytes:
    """A grey PNG of an array of 0...1."""
    codes = np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8)
    return Picture(codes).to_bytes("png")
