"""Options of a request: pydantic models made from the dataclasses of `photochrom.options`.

A field that is added to one of these appears here, and in the OpenAPI document, by itself.
"""

from __future__ import annotations

import inspect
import json
import math
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from ...hints import parse_json
from ...media import FORMATS
from ...options import ColorOptions, OutputOptions, VideoOptions
from ...shot_list import ShotList
from ..service_error import ServiceError
from ..settings import Settings
from .error_responses import validation_message

_MOST_PLACES = 100
_SCALARS = (bool, int, float, str)
_NOT_HERE = {"max_pixels", "fps"}  # the operator chooses it; of folders of frames only


def _shots(text: str) -> ShotList:
    """A list of shots that names no files, which would be the server's own."""
    try:
        found = ShotList.from_plain(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise ServiceError(422, f"shots: expected a list as JSON ({error})") from None
    if any(shot.reference for shot in found.shots):
        raise ServiceError(422, "shots: references are files, which cannot be sent; leave them out")
    return found


_PARSERS: dict[str, Callable[[str], Any]] = {  # of fields that are no scalar
    "hints": parse_json,
    "shots": _shots,
}
_FORMATS = [
    name
    for key, row in FORMATS.items()
    if row.write
    for name in dict.fromkeys((key, row.suffixes[0][1:]))
]
_MORE: dict[str, dict[str, Any]] = {  # what the schema tells beyond the type and the docstring
    "vividness": {"examples": [1.2]},
    "hints": {
        "description": "Colours fixed at places: a JSON list of objects with `x`, `y` (pixels of "
        "the picture), `color` and, if wished, `radius`; for a film with `time` (seconds).",
        "examples": ['[{"x": 12, "y": 8, "color": "#c0392b", "radius": 5}]'],
    },
    "shots": {
        "description": "The shots of a film and what is wanted of them: a list as JSON, as "
        "`photochrom shots` writes it, without references.",
    },
    "format": {
        "description": "Of the result; default: that of the picture.",
        "examples": ["png"],
        "json_schema_extra": {"enum": _FORMATS},
    },
    "quality": {"examples": [90]},
}


class _Base(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: Annotated[
        str,
        Field(
            max_length=200,
            description="A name that `GET /v1/models` lists; default: the first one.",
        ),
    ] = None  # type: ignore[assignment]  # what is left out is not in the schema as null


def _attributes(kind: type) -> dict[str, str]:
    """The descriptions under ``Attributes:`` in the docstring of a dataclass."""
    text = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^    ([\w, ]+): (.*(?:\n     .*)*)", text, re.MULTILINE)
    words = {names: " ".join(text.split()).replace("``", "`") for names, text in found}
    return {name: text for names, text in words.items() for name in names.split(", ")}


def _request_fields(kind: type) -> dict[str, Any]:
    """Optional fields of a request for those of a dataclass; 0 or "" never stand for None."""
    hints, described = typing.get_type_hints(kind), _attributes(kind)
    made: dict[str, Any] = {}
    for each in fields(kind):
        if each.name in _NOT_HERE:
            continue
        scalar = _scalar(hints[each.name])
        if scalar is None and each.name not in _PARSERS:
            continue  # no text stands for it
        about = {"description": described.get(each.name, "")} | _MORE.get(each.name, {})
        if scalar is float:
            about["allow_inf_nan"] = False
        made[each.name] = (Annotated[scalar or str, Field(**about)], None)
    return made


def _scalar(hint: Any) -> type | None:
    """The scalar of ``float`` or ``float | None``; None of anything else."""
    kinds = [hint]
    if isinstance(hint, types.UnionType):
        kinds = [each for each in typing.get_args(hint) if each is not type(None)]
    return kinds[0] if len(kinds) == 1 and kinds[0] in _SCALARS else None


_COLOR, _OUTPUT = _request_fields(ColorOptions), _request_fields(OutputOptions)
_VIDEO = _request_fields(VideoOptions)
_PLACES = (
    Annotated[
        str,
        Field(
            description="Where the likeliest colours are found: a JSON list of `[x, y]` in pixels "
            "of the picture; default: nine places spread over it.",
            examples=["[[12, 8]]"],
        ),
    ],
    None,
)
_WEBHOOK = (
    Annotated[
        str,
        Field(
            max_length=2000,
            description="An address that is called with the job's state when it has ended.",
        ),
    ],
    None,
)
_SOURCES = (
    Annotated[
        str,
        Field(
            description="The pictures, or the film, in a store that the service allows, instead of "
            "files: a JSON list of addresses.",
        ),
    ],
    None,
)
_TARGET = (
    Annotated[
        str,
        Field(
            max_length=2000,
            description="Folder in a store where the results are written instead of being kept by "
            "the service.",
        ),
    ],
    None,
)

if TYPE_CHECKING:
    PictureOptions = _Base
    JobOptions = _Base
    AnalysisOptions = _Base
else:
    PictureOptions = create_model(
        "PictureOptions",
        __base__=_Base,
        __doc__="How a picture is coloured. A form field counts before a query parameter.",
        **_COLOR,
        **_OUTPUT,
    )
    JobOptions = create_model(
        "JobOptions",
        __base__=PictureOptions,
        __doc__="How the files of a job are coloured.",
        **(_VIDEO | _OUTPUT),
        webhook=_WEBHOOK,
        sources=_SOURCES,
        target=_TARGET,
    )
    AnalysisOptions = create_model(
        "AnalysisOptions",
        __base__=_Base,
        __doc__="What is looked for in a picture.",
        size=_COLOR["size"],
        places=_PLACES,
    )


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


def with_form(options: _Base, form: Mapping[str, str]) -> _Base:
    """`options` of the query with the fields of a form laid over them.

    Raises:
        ServiceError: a field is unknown or not of its form.
    """
    # An empty field is what a browser sends for an input that nobody filled in.
    given = {name: value for name, value in form.items() if value != ""}
    if not given:
        return options
    try:
        return type(options).model_validate(options.model_dump(exclude_unset=True) | given)
    except ValidationError as error:
        raise ServiceError(422, validation_message(error.errors())) from None


def chosen(
    options: _Base,
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
    values = {key: _PARSERS[key](text) if key in _PARSERS else text for key, text in given.items()}
    size, most = values.get("size"), settings.max_size
    if size is not None and not model["smallest"] <= size <= most:
        least = model["smallest"]
        raise ServiceError(422, f"size: expected {least} to {most}, at most {most} here")
    shots = values["shots"].shots if "shots" in values else ()
    hints = len(values.get("hints", ())) + sum(len(shot.hints) for shot in shots)
    if hints > settings.max_hints:
        raise ServiceError(422, f"hints: expected at most {settings.max_hints}; send fewer")
    shared = _OUTPUT.keys() & _VIDEO.keys()
    ours = _OUTPUT.keys() - (shared if kind != "pictures" else set())
    films = _VIDEO.keys() - (shared if kind != "film" else set())
    color, output, video = (
        {key: values[key] for key in known if key in values}
        for known in (_COLOR.keys(), ours, films)
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


def check_options_of(kind: Literal["pictures", "film"], options: _Base) -> None:
    """Refuse options that the files of a job do not take.

    Raises:
        ServiceError: there are such options.
    """
    others = _VIDEO.keys() - _OUTPUT.keys()
    if kind == "film":
        others = _OUTPUT.keys() - _VIDEO.keys()
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
