"""The options of a request, from its query and its form, and what they mean for a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..colorizer import Colorizer
from ..hints import parse_json
from ..options import ColorOptions, OutputOptions
from .errors import ServiceError, validation_message
from .settings import Settings

_MOST_PLACES = 100


class Options(BaseModel):
    """How a picture is to be coloured. A form field counts before a query parameter."""

    model_config = ConfigDict(extra="forbid")

    model: Annotated[
        str | None,
        Field(
            max_length=200,
            description="A name that `GET /v1/models` lists; default: the first one.",
        ),
    ] = None
    vividness: Annotated[
        float,
        Field(
            ge=0,
            le=4,
            allow_inf_nan=False,
            description="0 is grey, 1 as the model sees it, up to 4 is more.",
            examples=[1.2],
        ),
    ] = 1.0
    size: Annotated[
        int | None,
        Field(
            ge=32,
            le=4096,
            description="Side in pixels of the square on which the colours are decided; "
            "default: the model's own. The result has the picture's size in any case.",
        ),
    ] = None
    hints: Annotated[
        str | None,
        Field(
            description="Colours fixed at places: a JSON list of objects with `x`, `y` (pixels of "
            "the picture), `color` and, if wished, `radius`.",
            examples=['[{"x": 12, "y": 8, "color": "#c0392b", "radius": 5}]'],
        ),
    ] = None
    format: Annotated[
        Literal["jpeg", "jpg", "png", "tiff", "tif", "webp", "avif", "heic", "bmp", "jp2"] | None,
        Field(description="Of the result; default: that of the picture.", examples=["png"]),
    ] = None
    quality: Annotated[
        int | None,
        Field(ge=1, le=100, description="Of JPEG, WebP, AVIF and HEIC.", examples=[90]),
    ] = None
    places: Annotated[
        str | None,
        Field(
            description="Where the palette of the JSON answer is taken: a JSON list of `[x, y]` in "
            "pixels of the picture; default: nine places spread over it.",
            examples=["[[12, 8]]"],
        ),
    ] = None


@dataclass(frozen=True)
class Order:
    """A checked request: how pictures are to be coloured.

    Attributes:
        name: of the model.
        colorizer: the loaded model.
        options: vividness, size and hints.
        output: format, quality and limits.
        places: x and y of the palette's places; None: nine, spread over the picture.
    """

    name: str
    colorizer: Colorizer
    options: ColorOptions
    output: OutputOptions
    places: Sequence[tuple[float, float]] | None = None


def with_form(options: Options, form: Mapping[str, str]) -> Options:
    """`options` of the query with the fields of a form laid over them.

    Raises:
        ServiceError: a field is unknown or not of its form.
    """
    # An empty field is what a browser sends for an input that nobody filled in.
    fields = {name: value for name, value in form.items() if value != ""}
    if not fields:
        return options
    try:
        return Options.model_validate(options.model_dump(exclude_unset=True) | fields)
    except ValidationError as error:
        raise ServiceError(422, validation_message(error.errors())) from None


def order(options: Options, colorizers: Mapping[str, Colorizer], settings: Settings) -> Order:
    """What the options ask for.

    Raises:
        ServiceError: there is no such model, or a limit is exceeded.
        ArgumentError: hints or the size are not of their form.
    """
    name = next(iter(colorizers)) if options.model is None else options.model
    if name not in colorizers:
        known = ", ".join(colorizers)
        raise ServiceError(422, f"there is no model {name!r}: expected one of {known}")
    if options.size is not None and options.size > settings.max_size:
        raise ServiceError(422, f"size: this service takes at most {settings.max_size}")
    hints = [] if options.hints is None else parse_json(options.hints)
    if len(hints) > settings.max_hints:
        raise ServiceError(
            422, f"hints: expected at most {settings.max_hints}, got {len(hints)}; send fewer"
        )
    places = None if options.places is None else _places(options.places)
    colorizers[name].model.fit(64, 64, options.size)  # a size the model cannot take is refused now
    color = ColorOptions(vividness=options.vividness, size=options.size, hints=hints)
    output = OutputOptions(options.format, options.quality, settings.max_pixels)
    return Order(name, colorizers[name], color, output, places)


def _places(text: str) -> list[tuple[float, float]]:
    wrong = ServiceError(
        422,
        f"places: expected a JSON list of at most {_MOST_PLACES} pairs of numbers, for example "
        "[[120, 80]], got something else; correct it",
    )
    try:
        pairs = json.loads(text)
        found = [(float(x), float(y)) for x, y in pairs]
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise wrong from None
    if len(found) > _MOST_PLACES or not all(math.isfinite(v) for pair in found for v in pair):
        raise wrong
    return found
