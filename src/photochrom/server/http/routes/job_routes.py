"""Endpoints for jobs that are there: lists, states, events, results."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from ....media import CONTAINERS, PICTURE_SUFFIXES
from ...jobs.job_store import ENDED, Job, State
from ...service import ClientLimit, Service
from ...service_error import ServiceError
from ..dependencies import Client, Owner, Running, check_key
from ..error_responses import responses
from ..openapi import BINARY
from .picture_routes import MEDIA_TYPES, file_response

_LOOK = 0.25  # seconds between two looks at a job that somebody watches
_STREAM = 3600.0  # seconds of one event stream at most; clients of such streams connect again
_PING = 15.0  # seconds after which a stream without news shows that it lives
_RESULTS = {".zip": "application/zip"} | {
    row.suffixes[0]: row.media_type for row in CONTAINERS.values() if row.write
}

router = APIRouter(
    prefix="/v1/jobs",
    tags=["jobs"],
    dependencies=[Depends(check_key)],
    responses=responses(401, 422, 503),
)


class File(BaseModel):
    """One file of a job; `result` is its address in a store, if it was written into one."""

    name: str
    error: str | None = None
    result: str | None = None


class JobStatus(BaseModel):
    """How far a job is.

    Times are seconds since 1970; `note` says why it waits, if it does not wait for others only.
    """

    id: str
    kind: str
    state: State
    done: int
    total: int | None
    error: str | None
    note: str | None
    files: list[File]
    created: float
    finished: float | None
    expires: float | None
    links: dict[str, str]


class JobList(BaseModel):
    """Jobs, the newest first; `next`: the value of `before` for those that follow."""

    jobs: list[JobStatus]
    next: float | None


def find(
    id: Annotated[str, Path(min_length=32, max_length=32, pattern="^[0-9a-f]{32}$")],
    service: Running,
    owner: Owner,
) -> Job:
    """The job of the path; ServiceError if there is none, or it was made with another key."""
    job = service.jobs.store.get(id)
    if job is None or job.owner != owner:
        raise ServiceError(404, "there is no such job, or its time is over")
    return job


Found = Annotated[Job, Depends(find)]


def status_of(request: Request, service: Service, job: Job) -> JobStatus:
    """How far a job is, with links as the client sees the service."""
    here = f"{request.scope.get('root_path', '')}/v1/jobs/{job.id}"
    links = {"self": here, "events": f"{here}/events"}
    if job.state == "done" and "target" not in job.options:
        links["result"] = f"{here}/result"
    if job.kind == "pictures":
        links["file"] = f"{here}/files/{{number}}"
    waiting = job.state == "queued"
    return JobStatus(
        id=job.id,
        kind=job.kind,
        state=job.state,
        done=job.done,
        total=job.total,
        error=job.error,
        note=(service.jobs.paused.get(job.kind) or job.note) if waiting else None,
        files=[File(**item) for item in job.items],
        created=job.created,
        finished=job.finished,
        expires=job.expires,
        links=links,
    )


@router.get("", operation_id="list_jobs")
def list_jobs(
    request: Request,
    service: Running,
    owner: Owner,
    state: Annotated[State | None, Query(description="Only jobs in this state.")] = None,
    before: Annotated[
        float | None, Query(allow_inf_nan=False, description="Only jobs created before this time.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JobList:
    """The jobs made with this key, the newest first."""
    found = service.jobs.store.page(owner, state, before, limit)
    return JobList(
        jobs=[status_of(request, service, job) for job in found],
        next=found[-1].created if len(found) == limit else None,
    )


@router.get("/{id}", operation_id="get_job", responses=responses(404))
def status(request: Request, job: Found, service: Running) -> JobStatus:
    """How far a job is."""
    return status_of(request, service, job)


class EventStream(StreamingResponse):
    """Server-sent events, counted against a limit for as long as they last."""

    media_type = "text/event-stream"

    def __init__(
        self, content: AsyncIterator[str], limit: ClientLimit, client: str, status_code: int = 200
    ) -> None:
        super().__init__(content, status_code)
        self._limit, self._client = limit, client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI; ServiceError if the client has too many."""
        with self._limit.slot(self._client):
            await super().__call__(scope, receive, send)


@router.get(
    "/{id}/events",
    operation_id="watch_job",
    response_class=EventStream,
    responses={
        200: {
            "description": "Each event has a `JobStatus` as its data.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **responses(404, 429),
    },
)
def events(request: Request, job: Found, service: Running, client: Client) -> EventStream:
    """Server-sent events: `progress` whenever something has changed, at last the final state."""
    return EventStream(_events(request, service, job), service.stream_limit, client)


async def _events(request: Request, service: Service, job: Job) -> AsyncIterator[str]:
    start = said = time.monotonic()
    before: JobStatus | None = None
    found: Job | None = job
    while found is not None:
        now = status_of(request, service, found)
        if now != before:
            yield f"event: progress\ndata: {now.model_dump_json()}\n\n"
            before, said = now, time.monotonic()
        elif time.monotonic() - said > _PING:
            yield ": still here\n\n"
            said = time.monotonic()
        if found.state in ENDED or service.stopping.is_set():
            return
        if time.monotonic() - start > _STREAM:
            return
        await asyncio.sleep(_LOOK)
        found = await run_in_threadpool(service.jobs.store.get, job.id)


@router.get(
    "/{id}/result",
    operation_id="get_result",
    response_class=FileResponse,
    responses={
        200: {
            "description": "A ZIP file of pictures, or a film.",
            "content": {"application/octet-stream": {"schema": BINARY}},
        },
        **responses(404, 409, 416),
    },
)
def result(request: Request, job: Found, service: Running) -> Response:
    """The result of a job that is done; parts of it with `Range`."""
    if job.state != "done":
        raise ServiceError(409, f"there is no result: the job is {job.state}")
    path = service.jobs.files.result(job.id)
    if path is None:
        where = "is in the store" if "target" in job.options else "is not there any more"
        raise ServiceError(404, f"the result {where}")
    tag = f'"{job.id}"'  # a result never changes
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    wanted = request.headers.get("if-none-match", "")
    if "*" in wanted or tag in [each.strip().removeprefix("W/") for each in wanted.split(",")]:
        return Response(status_code=304, headers=headers)
    name = f"photochrom-{job.id[:8]}{path.suffix}"
    return FileResponse(path, media_type=_RESULTS[path.suffix], filename=name, headers=headers)


@router.get(
    "/{id}/files/{number}",
    operation_id="get_file",
    response_class=Response,
    responses={
        200: {
            "description": "The picture in colour.",
            "content": {"application/octet-stream": {"schema": BINARY}},
        },
        **responses(404, 409),
    },
)
def one_file(job: Found, service: Running, number: Annotated[int, Path(ge=0)]) -> Response:
    """One coloured picture of a job, as soon as it is ready; `number` counts from 0."""
    if job.kind != "pictures" or number >= len(job.items):
        raise ServiceError(404, f"the job has no picture {number}")
    if (error := job.items[number].get("error")) is not None:
        raise ServiceError(404, f"the picture could not be coloured: {error}")
    if (stored := job.items[number].get("result")) is not None:
        raise ServiceError(404, f"the picture is in the store: {stored}")
    opened = service.jobs.files.open_picture(job.id, number)
    if opened is None:
        if job.state in ENDED:
            raise ServiceError(404, f"there is no picture {number}: the job is {job.state}")
        raise ServiceError(409, "the picture is not ready")
    file, suffix, size = opened
    return file_response(file, MEDIA_TYPES[PICTURE_SUFFIXES[suffix]], {}, size)


@router.delete("/{id}", operation_id="delete_job", status_code=204, responses=responses(404))
def cancel(job: Found, service: Running) -> Response:
    """Cancel a job that waits or runs, or delete the result of one that has ended."""
    service.jobs.cancel(job)
    return Response(status_code=204)
