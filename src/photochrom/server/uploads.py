"""Receiving what a request carries: never more than allowed, never slower, never to a named file.

What is larger than a megabyte goes to a temporary file that has no name (or is removed at once)
and that no other user can open.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from .errors import ServiceError

_IN_MEMORY = 1 << 20
_SLOWEST = 64_000  # bytes per second that buy more time than the time-out
_MOST_FIELDS = 50


@dataclass(frozen=True)
class Upload:
    """One file of a request.

    Attributes:
        name: what the sender calls it; for people only, never a path.
        file: its bytes, at their beginning.
        size: their number.
    """

    name: str
    file: BinaryIO
    size: int


@dataclass
class Uploads:
    """What a request carries.

    Attributes:
        files: in their order.
        fields: the other fields of the form; of equal names the last.
    """

    files: list[Upload] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def receiving(
    request: Request, *, limit: int, seconds: float, max_files: int = 1
) -> AsyncIterator[Uploads]:
    """The files and fields of a request, gone when the block is left.

    Args:
        request: a form (multipart/form-data), or one file as the body itself.
        limit: bytes of the whole body.
        seconds: for it to arrive; bytes that come at 64 kB/s or faster buy more time.
        max_files: in a form.

    Raises:
        ServiceError: larger, slower or more than that, no file, or a broken form.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ServiceError(415, "the body is compressed: expected the file as it is")
    request = Request(request.scope, _bounded(request, limit, seconds))
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        try:
            form = await request.form(max_files=max_files, max_fields=_MOST_FIELDS)
        except HTTPException as error:  # how Starlette tells of a broken form, or of too much of it
            over = str(error.detail).startswith(("Too many", "Part exceeded"))
            raise ServiceError(413 if over else 422, f"the form: {error.detail}") from None
        found = Uploads()
        try:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    file, size = value.file, value.size or 0
                    found.files.append(Upload(value.filename or "", file, size))
                else:
                    found.fields[name] = value
            yield _checked(found)
        finally:
            await form.close()
        return
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > _IN_MEMORY:
                await run_in_threadpool(spool.write, chunk)
            else:
                spool.write(chunk)
        spool.seek(0)
        yield _checked(Uploads([Upload("", cast("BinaryIO", spool), size)]))


def _checked(found: Uploads) -> Uploads:
    if not found.files or not any(upload.size for upload in found.files):
        raise ServiceError(
            422,
            "there is no file: expected a picture as the body, or as the field file of a form, got "
            "nothing; send one",
        )
    return found


def _bounded(request: Request, limit: int, seconds: float) -> Receive:
    """The request's ``receive``, which raises as soon as a limit is passed.

    Raises:
        ServiceError: now, if the length that the request states is too large already.
    """
    stated = request.headers.get("content-length", "")
    too_large = ServiceError(
        413, f"the request is too large: expected at most {limit:,} bytes; send less"
    )
    if stated.isdigit() and int(stated) > limit:
        raise too_large
    start, got = time.monotonic(), 0

    async def receive() -> Message:
        nonlocal got
        left = start + seconds + got / _SLOWEST - time.monotonic()
        try:
            message = await asyncio.wait_for(request.receive(), max(left, 0))
        except TimeoutError:
            raise ServiceError(
                408, f"the request did not arrive within {seconds:g} s; send it faster", close=True
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        got += len(message.get("body", b""))
        if got > limit:
            raise too_large
        return message

    return receive
