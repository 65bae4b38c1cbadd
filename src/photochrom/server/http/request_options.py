"""Pydantic models of a request's options, made from the dataclasses of `photochrom.options`.

A field that is added to one of these appears here, and in the OpenAPI document, by itself.
"""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from ...hints import parse_json
from ...media import FORMATS
from ...options import ColorOptions, OutputOptions, VideoOptions
from ...shot_list import ShotList
from ..service_error import ServiceError

_SCALARS = (bool, int, float, str)
_NOT_HERE = {"max_pixels", "fps"}  # the operator chooses it; of folders of frames only

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


def _shots(text: str) -> ShotList:
    """A list of shots that names no files, which would be the server's own."""
    try:
        found = ShotList.from_plain(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise ServiceError(422, f"shots: expected a list as JSON ({error})") from None
    if any(shot.reference for shot in found.shots):
        raise ServiceError(422, "shots: references are files, which cannot be sent; leave them out")
    return found


PARSERS: dict[str, Callable[[str], Any]] = {
    "hints": parse_json,
    "shots": _shots,
}
"""Of fields that are no scalar but JSON."""


class RequestOptions(BaseModel):
    """What every request can say."""

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
        if scalar is None and each.name not in PARSERS:
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


COLOR, OUTPUT = _request_fields(ColorOptions), _request_fields(OutputOptions)
VIDEO = _request_fields(VideoOptions)


class _JobFields(RequestOptions):
    webhook: Annotated[
        str,
        Field(
            max_length=2000,
            description="An address that is called with the job's state when it has ended.",
        ),
    ] = None  # type: ignore[assignment]
    sources: Annotated[
        str,
        Field(
            description="The pictures, or the film, in a store that the service allows, instead of "
            "files: a JSON list of addresses.",
        ),
    ] = None  # type: ignore[assignment]
    target: Annotated[
        str,
        Field(
            max_length=2000,
            description="Folder in a store where the results are written instead of being kept by "
            "the service.",
        ),
    ] = None  # type: ignore[assignment]


class _AnalysisFields(RequestOptions):
    places: Annotated[
        str,
        Field(
            description="Where the likeliest colours are found: a JSON list of `[x, y]` in pixels "
            "of the picture; default: nine places spread over it.",
            examples=["[[12, 8]]"],
        ),
    ] = None  # type: ignore[assignment]


if TYPE_CHECKING:
    PictureOptions = RequestOptions
    JobOptions = _JobFields
    AnalysisOptions = _AnalysisFields
else:
    PictureOptions = create_model(
        "PictureOptions",
        __base__=RequestOptions,
        __doc__="How a picture is coloured. A form field counts before a query parameter.",
        **COLOR,
        **OUTPUT,
    )
    JobOptions = create_model(
        "JobOptions",
        __base__=_JobFields,
        __doc__="How the files of a job are coloured.",
        **(COLOR | VIDEO | OUTPUT),
    )
    AnalysisOptions = create_model(
        "AnalysisOptions",
        __base__=_AnalysisFields,
        __doc__="What is looked for in a picture.",
        size=COLOR["size"],
    )
