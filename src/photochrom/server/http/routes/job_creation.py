"""The endpoint that makes a job, of the files of a form or of sources in a store."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from ....media import HEAD, default_suffix, identify
from ....video import missing_package
from ...jobs.stores import film_suffix, folder_of
from ...service import Service
from ...service_error import ServiceError
from ...settings import MEGABYTE
from ..chosen_options import Chosen, check_options_of, chosen, with_form
from ..dependencies import Client, Owner, Running, accepting, check_key
from ..error_responses import responses
from ..openapi import body
from ..request_options import JobOptions
from ..uploads import MOST_REFERENCES, Upload, no_file, receiving
from .job_routes import JobStatus, status_of
from .picture_routes import check_is_picture

_KEY = re.compile(r"[\x21-\x7e]{1,200}")

router = APIRouter(
    prefix="/v1/jobs",
    tags=["jobs"],
    dependencies=[Depends(check_key)],
    responses=responses(401, 422, 503),
)


@router.post(
    "",
    operation_id="create_job",
    status_code=202,
    dependencies=[Depends(accepting)],
    responses=responses(408, 413, 415, 429),
    openapi_extra=body(JobOptions, several=True, references=MOST_REFERENCES),
)
async def create(
    request: Request,
    response: Response,
    service: Running,
    owner: Owner,
    client: Client,
    query: Annotated[JobOptions, Query()],
    idempotency_key: Annotated[
        str | None,
        Header(description="A second request with the same key answers with the first one's job."),
    ] = None,
) -> JobStatus:
    """Queue a film, or pictures, whose results come as one ZIP file.

    Fields `reference` of the form are pictures in colour to borrow from.
    """
    jobs, limits = service.jobs, service.settings
    _check(query, service)
    if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
        raise ServiceError(422, "Idempotency-Key: expected 1 to 200 printable characters")
    earlier = None
    if idempotency_key is not None:
        earlier = await run_in_threadpool(jobs.store.same, owner, idempotency_key)
    if earlier is not None:
        job = earlier
    else:
        limit = int(limits.max_job_upload * MEGABYTE)
        stated = request.headers.get("content-length", "")
        expected = min(int(stated), limit) if stated.isdigit() else limit
        with service.picture_limit.slot(client), jobs.place(expected):
            async with receiving(
                request,
                jobs.files.uploads,
                limit=limit,
                seconds=limits.timeout,
                max_files=limits.max_files,
                files=False,
                max_references=MOST_REFERENCES,
            ) as sent:
                options = with_form(query, sent.fields)
                sources = _check(options, service).sources
                if sources and sent.files:
                    raise ServiceError(422, "sources: expected these or files, got both")
                if not sources and not sent.files:
                    raise no_file()
                if sources:
                    film = _container_of_sources(sources, options, service)
                else:
                    film = await run_in_threadpool(_container, sent.files, options, service)
                _check(options, service, "film" if film else "pictures")
                await run_in_threadpool(_check_references, sent.references, service)
                job = await run_in_threadpool(
                    jobs.add,
                    options,
                    sent.files or sources,
                    owner,
                    film,
                    idempotency_key,
                    sent.references,
                )
    status = status_of(request, service, job)
    response.headers["Location"] = status.links["self"]
    return status


def _check(
    options: JobOptions, service: Service, kind: Literal["pictures", "film"] | None = None
) -> Chosen:
    found = chosen(options, service.pool.models, service.settings, kind)
    if found.webhook is not None:
        service.jobs.webhooks.check(found.webhook)
    stores = service.jobs.stores
    if found.sources:
        stores.check("sources", found.sources)
    if found.target is not None:
        stores.check("target", [found.target])
        if found.target in map(folder_of, found.sources):
            raise ServiceError(422, "target: expected another folder than that of the sources")
    return found


def _container_of_sources(
    sources: Sequence[str], options: JobOptions, service: Service
) -> str | None:
    """The suffix of the film in a store; None if there are pictures; ServiceError if both."""
    suffix = next((found for source in sources if (found := film_suffix(source))), None)
    if suffix is None:
        check_options_of("pictures", options)
    else:
        _check_film(len(sources), options, service)
    return suffix


def _container(files: list[Upload], options: JobOptions, service: Service) -> str | None:
    """The suffix of the film in `files`; None if they are pictures; ServiceError if neither."""
    for number, upload in enumerate(files, 1):
        head = upload.head(HEAD)
        media = identify(head)
        try:
            if media.kind == "video":
                _check_film(len(files), options, service)
                return default_suffix(media.format)
            _check_picture(head, upload.size, service)
        except ServiceError as error:
            if len(files) > 1:
                error.message = f"file {number} of {len(files)}: {error.message}"
            raise
    check_options_of("pictures", options)
    return None


def _check_references(references: Sequence[Upload], service: Service) -> None:
    for upload in references:
        try:
            _check_picture(upload.head(HEAD), upload.size, service)
        except ServiceError as error:
            error.message = f"reference: {error.message}"
            raise


def _check_picture(head: bytes, size: int, service: Service) -> None:
    check_is_picture(head)
    largest = int(service.settings.max_upload * MEGABYTE)
    if size > largest:
        raise ServiceError(413, f"a picture may have {largest:,} bytes at most")


def _check_film(count: int, options: JobOptions, service: Service) -> None:
    if count > 1:
        raise ServiceError(415, "this is a film: expected pictures, or one film; send it alone")
    if (lack := missing_package()) is not None:
        raise ServiceError(415, f"this service cannot colour films: the package {lack} is missing")
    check_options_of("film", options)
