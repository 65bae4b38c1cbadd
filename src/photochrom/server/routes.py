"""The endpoints for pictures, and those for machines: health, metrics, models."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from .colour import Answer, colour
from .errors import ServiceError, responses
from .metrics import CONTENT_TYPE_LATEST
from .options import Options, order, with_form
from .service import Service
from .settings import MEGABYTE
from .uploads import receiving


def service_of(request: Request) -> Service:
    """The service that answers the request."""
    service: Service = request.app.state.service
    return service


_bearer = HTTPBearer(auto_error=False, description="An API key, if the service asks for one.")


def check_key(
    request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str | None:
    """The name of the API key; None if the service asks for none.

    Raises:
        ServiceError: the key is missing or wrong, or the service stops.
    """
    service = service_of(request)
    if service.stopping.is_set():
        raise ServiceError(503, "the service stops; try again", retry_after=10, close=True)
    if service.keys is None:
        return None
    if sent is None:
        raise ServiceError(
            401, "the API key is missing: expected the header Authorization: Bearer KEY; add it"
        )
    name = service.keys.name_of(sent.credentials)
    if name is None:
        raise ServiceError(401, "the API key is wrong")
    return name


Owner = Annotated["str | None", Depends(check_key)]
Running = Annotated[Service, Depends(service_of)]

open_router = APIRouter(tags=["service"])
router = APIRouter(tags=["service"], dependencies=[Depends(check_key)], responses=responses(401))


class ModelInfo(BaseModel):
    """A model of the service."""

    name: str
    default: bool
    title: str
    family: str
    licence: str
    size: int
    hints: bool
    distribution: bool


class ModelList(BaseModel):
    """The models of the service."""

    models: list[ModelInfo]


class Status(BaseModel):
    """How the service is."""

    status: str


class Color(BaseModel):
    """A colour that a place could have."""

    color: str
    probability: float


class Place(BaseModel):
    """The likeliest colours of a place."""

    x: float
    y: float
    colors: list[Color]


class Confidence(BaseModel):
    """How sure the model is: 0 not at all ... 1 certain."""

    mean: float
    map: str
    """A small grey PNG, in base64: white is certain."""


class Coloured(BaseModel):
    """A coloured picture."""

    model: str
    width: int
    height: int
    pages: int
    format: str
    media_type: str
    seconds: dict[str, float]
    palette: list[Place] | None
    confidence: Confidence | None
    image: str
    """The file, in base64."""


_PICTURE: dict[str, Any] = {"type": "string", "format": "binary"}
_TEXT_FIELDS = {name: {"type": "string"} for name in Options.model_fields}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": _PICTURE, **_TEXT_FIELDS},
                }
            },
            "application/octet-stream": {"schema": _PICTURE},
        },
    }
}
_HEADERS = {
    "Photochrom-Model": {"schema": {"type": "string"}, "description": "Name of the model."},
    "Photochrom-Size": {"schema": {"type": "string"}, "description": "WIDTHxHEIGHT in pixels."},
    "Server-Timing": {"schema": {"type": "string"}, "description": "Milliseconds by step."},
}


@router.post(
    "/v1/colorize",
    tags=["pictures"],
    response_class=Response,
    responses={
        200: {
            "description": "The picture in colour; with `Accept: application/json` in base64.",
            "headers": _HEADERS,
            "content": {
                "image/*": {"schema": _PICTURE},
                "application/json": {"schema": {"$ref": "#/components/schemas/Coloured"}},
            },
        },
        **responses(408, 413, 415, 422, 429, 503),
    },
    openapi_extra=BODY,
)
async def colorize(
    request: Request, service: Running, query: Annotated[Options, Query()]
) -> Response:
    """Colour one picture, sent as the body or as the field `file` of a form."""
    limits = service.settings
    order(query, service.colorizers, limits)  # refused before the picture is sent
    with service.desk.place():
        async with receiving(
            request, limit=int(limits.max_upload * MEGABYTE), seconds=limits.timeout
        ) as sent:
            made = order(with_form(query, sent.fields), service.colorizers, limits)
            as_json = wants_json(request.headers.get("accept", ""))
            file = sent.files[0].file
            answer = await service.desk.do(
                request,
                lambda cancel: colour(file, made, cancel, details=as_json),
                limits.timeout,
            )
    service.metrics.picture(made.name, answer)
    headers = {
        "Photochrom-Model": made.name,
        "Photochrom-Size": f"{answer.width}x{answer.height}",
        "Server-Timing": _timing(answer),
        "Vary": "Accept",
    }
    if as_json:
        data = _coloured(made.name, answer).model_dump_json()
        return Response(data, media_type="application/json", headers=headers)
    return Response(answer.data, media_type=answer.media_type, headers=headers)


def wants_json(accept: str) -> bool:
    """Whether an Accept header names JSON, and no kind of picture before it."""
    weights = {"application/json": 0.0, "image": 0.0}
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        key = "image" if kind.startswith("image/") else kind
        if key in weights:
            weights[key] = max(weights[key], weight)
    return weights["application/json"] > 0 and weights["application/json"] >= weights["image"]


def _timing(answer: Answer) -> str:
    """A Server-Timing header, which browsers show beside the request."""
    parts = {**answer.seconds, "total": sum(answer.seconds.values())}
    return ", ".join(f"{step};dur={1000 * seconds:.1f}" for step, seconds in parts.items())


def _coloured(model: str, answer: Answer) -> Coloured:
    return Coloured(
        model=model,
        width=answer.width,
        height=answer.height,
        pages=answer.pages,
        format=answer.format,
        media_type=answer.media_type,
        seconds={step: round(seconds, 4) for step, seconds in answer.seconds.items()},
        palette=None if answer.palette is None else [Place(**each) for each in answer.palette],
        confidence=None if answer.confidence is None else Confidence(**answer.confidence),
        image=base64.b64encode(answer.data).decode(),
    )


@router.get("/v1/models")
def models(service: Running) -> ModelList:
    """The models that requests can name."""
    default = next(iter(service.colorizers))
    return ModelList(
        models=[
            ModelInfo(
                name=name,
                default=name == default,
                title=each.model.card.title,
                family=each.model.card.family,
                licence=each.model.card.licence,
                size=each.model.card.size,
                hints=each.model.card.hints,
                distribution=each.model.has_distribution,
            )
            for name, each in service.colorizers.items()
        ]
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(service: Running) -> Response:
    """Counters for Prometheus."""
    return Response(service.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@open_router.get("/healthz")
async def healthz() -> Status:
    """Whether the process answers."""
    return Status(status="ok")


@open_router.get("/readyz", responses=responses(503))
async def readyz(service: Running) -> Status:
    """Whether the service takes requests: its models are loaded and it is not about to stop."""
    if service.stopping.is_set():
        raise ServiceError(503, "the service stops", retry_after=10)
    if not service.jobs.alive:
        raise ServiceError(503, "the threads for jobs are not running", retry_after=10)
    return Status(status="ready")
