"""The endpoints for jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from ..media import CONTAINERS, HEAD, default_suffix, identify
from .colour import check_kind
from .errors import ServiceError, responses
from .films import colorize_film, missing
from .options import Options, order, with_form
from .routes import BODY, Owner, Running, check_key
from .service import Service
from .settings import MEGABYTE
from .store import Job, State
from .uploads import Upload, receiving

_LOOK = 0.25  # seconds between two looks at a job that somebody watches
_ENDED = ("done", "failed", "cancelled")
_MEDIA_TYPES = {".zip": "application/zip"} | {
    row.suffixes[0]: row.media_type for row in CONTAINERS.values() if row.write
}

router = APIRouter(
    prefix="/v1/jobs",
    tags=["jobs"],
    dependencies=[Depends(check_key)],
    responses=responses(401, 422),
)


class Item(BaseModel):
    """One file of a job."""

    name: str
    error: str | None = None


class JobStatus(BaseModel):
    """How far a job is. Times are seconds since 1970, links are relative to this service."""

    id: str
    kind: str
    state: State
    done: int
    total: int | None
    error: str | None
    files: list[Item]
    created: float
    finished: float | None
    expires: float | None
    links: dict[str, str]


def find(
    id: Annotated[str, Path(min_length=32, max_length=32, pattern="^[0-9a-f]{32}$")],
    service: Running,
    owner: Owner,
) -> Job:
    """The job of the path.

    Raises:
        ServiceError: there is none of that id, or it was made with another key.
    """
    job = service.jobs.store.get(id)
    if job is None or job.owner != owner:
        raise ServiceError(404, "there is no such job, or its time is over")
    return job


Found = Annotated[Job, Depends(find)]


def _status(job: Job) -> JobStatus:
    here = f"/v1/jobs/{job.id}"
    links = {"self": here, "events": f"{here}/events"}
    if job.state == "done":
        links["result"] = f"{here}/result"
    return JobStatus(
        id=job.id,
        kind=job.kind,
        state=job.state,
        done=job.done,
        total=job.total,
        error=job.error,
        files=[Item(**item) for item in job.items],
        created=job.created,
        finished=job.finished,
        expires=job.expires,
        links=links,
    )


def _body() -> dict[str, Any]:
    """As for a picture, but the form can have the field `file` several times."""
    form = BODY["requestBody"]["content"]["multipart/form-data"]["schema"]
    files = {"type": "array", "items": form["properties"]["file"], "minItems": 1}
    several = form | {"properties": form["properties"] | {"file": files}}
    content = BODY["requestBody"]["content"] | {"multipart/form-data": {"schema": several}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "",
    status_code=202,
    responses=responses(408, 413, 415, 429, 503),
    openapi_extra=_body(),
)
async def create(
    request: Request,
    response: Response,
    service: Running,
    owner: Owner,
    query: Annotated[Options, Query()],
) -> JobStatus:
    """Queue a film, or pictures, whose results come as one ZIP file."""
    limits = service.settings
    order(query, service.colorizers, limits)
    limit = int(limits.max_job_upload * MEGABYTE)
    stated = request.headers.get("content-length", "")
    expected = min(int(stated), limit) if stated.isdigit() else limit
    with service.jobs.place(expected):
        async with receiving(
            request, limit=limit, seconds=limits.timeout, max_files=limits.max_files
        ) as sent:
            options = with_form(query, sent.fields)
            order(options, service.colorizers, limits)
            film = await run_in_threadpool(_checked, sent.files, options, service)
            job = await run_in_threadpool(service.jobs.add, options, sent.files, owner, film)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return _status(job)


def _checked(files: list[Upload], options: Options, service: Service) -> str | None:
    """The suffix of the film that `files` is; None if they are pictures.

    Raises:
        ServiceError: they are neither, or too large, or not with these options.
    """
    largest = int(service.settings.max_upload * MEGABYTE)
    for number, upload in enumerate(files, 1):
        head = upload.file.read(HEAD)
        upload.file.seek(0)
        found = identify(head)
        try:
            if found.kind == "video":
                _check_film(len(files), options, service)
                return default_suffix(found.format)
            check_kind(head)
            if upload.size > largest:
                raise ServiceError(413, f"a picture may have {largest:,} bytes at most")
        except ServiceError as error:
            if len(files) > 1:
                error.message = f"file {number} of {len(files)}: {error.message}"
            raise
    return None


def _check_film(count: int, options: Options, service: Service) -> None:
    if count > 1:
        raise ServiceError(415, "this is a film: expected pictures, or one film; send it alone")
    if service.films is colorize_film and (lack := missing()) is not None:
        raise ServiceError(415, f"this service cannot colour films: {lack} is missing")
    wrong = options.model_fields_set - {"model", "vividness", "size"}
    if wrong:
        raise ServiceError(
            422, f"{', '.join(sorted(wrong))}: a film takes only model, vividness and size"
        )


@router.get("/{id}", responses=responses(404))
def status(job: Found) -> JobStatus:
    """How far a job is."""
    return _status(job)


@router.get("/{id}/events", response_class=EventSourceResponse, responses=responses(404))
async def events(job: Found, service: Running) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `progress` whenever something has changed, at last the final state."""
    before: JobStatus | None = None
    found: Job | None = job
    while found is not None:
        now = _status(found)
        if now != before:
            yield ServerSentEvent(data=now, event="progress")
            before = now
        if found.state in _ENDED or service.stopping.is_set():
            return
        await asyncio.sleep(_LOOK)
        found = await run_in_threadpool(service.jobs.store.get, job.id)


@router.get(
    "/{id}/result",
    response_class=FileResponse,
    responses={
        200: {
            "description": "A ZIP file of pictures, or a film.",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in _MEDIA_TYPES.values()
            },
        },
        **responses(404, 409),
    },
)
def result(job: Found, service: Running) -> FileResponse:
    """The result of a job that is done."""
    if job.state != "done":
        raise ServiceError(409, f"there is no result: the job is {job.state}")
    path = service.jobs.folder.result(job.id)
    if path is None:
        raise ServiceError(404, "the result is not there any more")
    name = f"photochrom-{job.id[:8]}{path.suffix}"
    return FileResponse(path, media_type=_MEDIA_TYPES[path.suffix], filename=name)


@router.delete("/{id}", status_code=204, responses=responses(404))
def cancel(job: Found, service: Running) -> Response:
    """Cancel a job that waits or runs, or delete the result of one that is done."""
    service.jobs.cancel(job)
    return Response(status_code=204)
