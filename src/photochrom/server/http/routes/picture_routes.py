"""Endpoints for single pictures."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from typing import IO, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from ....media import FORMATS, HEAD, READABLE, identify
from ...service_error import ServiceError
from ...settings import MEGABYTE
from ...workers.messages import AnalyzeTask, ColorizeTask
from ..chosen_options import chosen, with_form
from ..dependencies import Client, Owner, Running, accepting, check_key
from ..error_responses import responses
from ..openapi import BINARY, body
from ..request_options import AnalysisOptions, PictureOptions
from ..uploads import MOST_REFERENCES, receiving

_CHUNK = 1 << 18
MEDIA_TYPES = {name: f"image/{name}" for name, row in FORMATS.items() if row.write}
"""Format -> media type."""

router = APIRouter(
    tags=["pictures"],
    dependencies=[Depends(check_key), Depends(accepting)],
    responses=responses(401, 408, 413, 415, 422, 429, 503),
)


class Color(BaseModel):
    """A colour that a place could have."""

    color: str
    probability: float
    name: str


class Place(BaseModel):
    """The likeliest colours of a place."""

    x: float
    y: float
    colors: list[Color]


class Confidence(BaseModel):
    """How certain the model is: 0 not at all ... 1 certain; `map`: a small grey PNG in base64."""

    mean: float
    map: str


class Analysis(BaseModel):
    """What the model sees in a picture."""

    model: str
    width: int
    height: int
    palette: list[Place] | None
    confidence: Confidence | None


def check_is_picture(head: bytes) -> None:
    """Refuse a file whose first bytes are not those of a picture, with the status 415."""
    found = identify(head)
    if found.kind != "picture":
        raise ServiceError(415, f"the file is no picture: expected {READABLE}, got {found}")


_HEADERS = {
    "Photochrom-Model": {"schema": {"type": "string"}, "description": "Name of the model."},
    "Photochrom-Size": {"schema": {"type": "string"}, "description": "WIDTHxHEIGHT in pixels."},
    "Photochrom-Matched": {
        "schema": {"type": "string"},
        "description": "Share of the picture, 0...1, that took its colours from the references.",
    },
    "Server-Timing": {"schema": {"type": "string"}, "description": "Milliseconds by step."},
}


@router.post(
    "/v1/colorize",
    operation_id="colorize",
    response_class=Response,
    responses={
        200: {
            "description": "The picture in colour.",
            "headers": _HEADERS,
            "content": {"application/octet-stream": {"schema": BINARY}},
        }
    },
    openapi_extra=body(PictureOptions, references=MOST_REFERENCES),
)
async def colorize(
    request: Request,
    service: Running,
    owner: Owner,
    client: Client,
    query: Annotated[PictureOptions, Query()],
) -> Response:
    """Colour one picture, sent as the body or as the field `file` of a form.

    Fields `reference` of the form are pictures in colour to borrow from.
    """
    limits, pool, folder = service.settings, service.pool, service.jobs.files.uploads
    chosen(query, pool.models, limits, "pictures")  # refused before the picture is sent
    with service.picture_limit.slot(client), pool.place():
        async with receiving(
            request,
            folder,
            limit=int(limits.max_upload * MEGABYTE),
            seconds=limits.timeout,
            max_references=MOST_REFERENCES,
        ) as sent:
            found = chosen(with_form(query, sent.fields), pool.models, limits, "pictures")
            file = sent.files[0]
            for each in (file, *sent.references):
                check_is_picture(each.head(HEAD))
            target = file.path.with_name(f"{file.path.name}-coloured") / "result"
            references = tuple(each.path for each in sent.references)
            task = ColorizeTask(
                file.path, target, found.model, found.color, found.output, references
            )
            try:
                result = await pool.do(request, task, limits.timeout)
                answer = target.open("rb")
            finally:
                # An open file can still be read.
                shutil.rmtree(target.parent, ignore_errors=True)
    service.metrics.picture(found.model, owner, result)
    headers = {
        "Photochrom-Model": found.model,
        "Photochrom-Size": f"{result['width']}x{result['height']}",
        "Server-Timing": _timing(result["seconds"]),
    }
    if result["matched"] is not None:
        headers["Photochrom-Matched"] = f"{result['matched']:.2f}"
    return file_response(answer, MEDIA_TYPES[result["format"]], headers)


@router.post("/v1/analyze", operation_id="analyze", openapi_extra=body(AnalysisOptions))
async def analyze(
    request: Request,
    service: Running,
    client: Client,
    query: Annotated[AnalysisOptions, Query()],
) -> Analysis:
    """The likeliest colours of some places of a picture, and how certain the model is."""
    limits, pool, folder = service.settings, service.pool, service.jobs.files.uploads
    chosen(query, pool.models, limits)
    with service.picture_limit.slot(client), pool.place():
        async with receiving(
            request, folder, limit=int(limits.max_upload * MEGABYTE), seconds=limits.timeout
        ) as sent:
            found = chosen(with_form(query, sent.fields), pool.models, limits)
            file = sent.files[0]
            check_is_picture(file.head(HEAD))
            task = AnalyzeTask(
                file.path, found.model, found.places, found.color.size, limits.max_pixels
            )
            result = await pool.do(request, task, limits.timeout)
    return Analysis(model=found.model, **result)


def file_response(
    file: IO[bytes], media_type: str, headers: dict[str, str], size: int | None = None
) -> StreamingResponse:
    """An open file as the answer; it is closed at its end, or when the client hangs up."""
    size = os.fstat(file.fileno()).st_size if size is None else size

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while chunk := await run_in_threadpool(file.read, _CHUNK):
                yield chunk
        finally:
            file.close()

    length = {"Content-Length": str(size)}
    return StreamingResponse(chunks(), media_type=media_type, headers=headers | length)


def _timing(seconds: dict[str, float]) -> str:
    """A Server-Timing header, which browsers show beside the request."""
    parts: dict[str, Any] = {**seconds, "total": sum(seconds.values())}
    return ", ".join(f"{step};dur={1000 * value:.1f}" for step, value in parts.items())
