"""Checked options of a request, as the pipeline takes them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from ...options import ColorOptions, OutputOptions, VideoOptions
from ..service_error import ServiceError
from ..settings import Settings
from .error_responses import validation_message
from .request_options import COLOR, OUTPUT, PARSERS, VIDEO, RequestOptions

_MOST_PLACES = 100
_Options = TypeVar("_Options", bound=RequestOptions)


@dataclass(frozen=True)
class Chosen:
    """The checked options of a request.

    Attributes:
        model: name of a model of the service.
        color, output, video: for the pipeline and for films.
        places: x and y of the places to analyze; None: nine, spread over the picture.
        webhook: address to call at the end of a job.
        sources: addresses in stores, instead of files; empty: there are files.
        target: folder in a store for the results; None: the service keeps them.
    """

    model: str
    color: ColorOptions
    output: OutputOptions
    video: VideoOptions
    places: Sequence[tuple[float, float]] | None = None
    webhook: str | None = None
    sources: tuple[str, ...] = ()
    target: str | None = None


def with_form(options: _Options, form: Mapping[str, str]) -> _Options:
    """`options` of the query with a form's fields laid over them; ServiceError if one is wrong."""
    # An empty field is what a browser sends for an input that nobody filled in.
    given = {name: value for name, value in form.items() if value != ""}
    if not given:
        return options
    try:
        return type(options).model_validate(options.model_dump(exclude_unset=True) | given)
    except ValidationError as error:
        raise ServiceError(422, validation_message(error.errors())) from None


def chosen(
    options: RequestOptions,
    models: Sequence[Mapping[str, Any]],
    settings: Settings,
    kind: Literal["pictures", "film"] | None = None,
) -> Chosen:
    """What the options of a request ask for.

    Args:
        options: of one of the classes of this module.
        models: what the workers tell of theirs, the default first.
        settings: limits.
        kind: of the files; None if it is not known yet, and options that have one name and two
            meanings are left out.

    Raises:
        ServiceError: there is no such model, or a limit is exceeded.
        ArgumentError: a value is out of range.
    """
    given = options.model_dump(exclude_unset=True)
    name = given.pop("model", "") or models[0]["name"]
    model = next((each for each in models if each["name"] == name), None)
    if model is None:
        known = ", ".join(each["name"] for each in models)
        raise ServiceError(422, f"there is no model {name!r}: expected one of {known}")
    values = {key: PARSERS[key](text) if key in PARSERS else text for key, text in given.items()}
    size, most = values.get("size"), settings.max_size
    if size is not None and not model["smallest"] <= size <= most:
        least = model["smallest"]
        raise ServiceError(422, f"size: expected {least} to {most}, at most {most} here")
    shots = values["shots"].shots if "shots" in values else ()
    hints = len(values.get("hints", ())) + sum(len(shot.hints) for shot in shots)
    if hints > settings.max_hints:
        raise ServiceError(422, f"hints: expected at most {settings.max_hints}; send fewer")
    shared = OUTPUT.keys() & VIDEO.keys()
    ours = OUTPUT.keys() - (shared if kind != "pictures" else set())
    films = VIDEO.keys() - (shared if kind != "film" else set())
    color, output, video = (
        {key: values[key] for key in known if key in values}
        for known in (COLOR.keys(), ours, films)
    )
    places = values.get("places")
    return Chosen(
        name,
        ColorOptions(**color),
        OutputOptions(**output, max_pixels=settings.max_pixels),
        VideoOptions(**video),
        None if places is None else _places(places),
        values.get("webhook"),
        _sources(values.get("sources"), settings.max_files),
        (values.get("target") or "").rstrip("/") or None,
    )


def check_options_of(kind: Literal["pictures", "film"], options: RequestOptions) -> None:
    """Refuse options that the files of a job do not take, with ServiceError."""
    others = VIDEO.keys() - OUTPUT.keys()
    if kind == "film":
        others = OUTPUT.keys() - VIDEO.keys()
    if wrong := sorted(options.model_fields_set & others):
        noun = "a picture" if kind == "pictures" else "a film"
        raise ServiceError(422, f"{', '.join(wrong)}: {noun} does not take this; leave it out")


def _sources(text: str | None, most: int) -> tuple[str, ...]:
    if text is None:
        return ()
    wrong = ServiceError(
        422,
        f"sources: expected a JSON list of 1 to {most} different addresses, for example "
        '["s3://bucket/a.jpg"], got something else; correct it',
    )
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise wrong
    if not 1 <= len(found) <= most or len(set(found)) < len(found):
        raise wrong
    return tuple(found)


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
