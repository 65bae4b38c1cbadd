"""The body of a request, written to files; limits on its size, its time and its parts.

The files are in the service's own folder, for its user alone; what a crash leaves of them is
removed at the next start.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from ..service_error import ServiceError

_CHUNK = 1 << 18
_SLOWEST = 64_000  # bytes per second that buy more time than the time-out
_MOST_FIELDS = 50
MOST_REFERENCES = 4
"""Pictures to borrow colours from that a request may have."""


@dataclass(frozen=True)
class Upload:
    """One file of a request."""

    name: str  # what the sender calls it; for people only, never a path
    path: Path  # where it is
    size: int  # bytes

    def head(self, size: int) -> bytes:
        """Its first bytes."""
        with self.path.open("rb") as file:
            return file.read(size)


@dataclass
class Uploads:
    """The files and fields of a request."""

    files: list[Upload] = field(default_factory=list)  # in their order
    references: list[Upload] = field(default_factory=list)  # files of the fields `reference`
    # the other fields of the form; of equal names the last
    fields: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def receiving(
    request: Request,
    folder: Path,
    *,
    limit: int,
    seconds: float,
    max_files: int = 1,
    files: bool = True,
    max_references: int = 0,
) -> AsyncIterator[Uploads]:
    """The files and fields of a request; the files are removed at the end of the block.

    Args:
        request: a form (multipart/form-data), or one file as the body itself.
        folder: where the files are written.
        limit: bytes of the whole body.
        seconds: for it to arrive; bytes that come at 64 kB/s or faster buy more time.
        max_files: in a form.
        files: there must be one; without, empty ones are left out.
        max_references: in a form, beside its files.

    Raises:
        ServiceError: larger, slower or more than that, no file, or a broken form.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ServiceError(415, "the body is compressed: expected the file as it is")
    request = Request(request.scope, _bounded(request, limit, seconds))
    found = Uploads()
    try:
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            await _receive_form(request, folder, max_files, max_references, found)
        else:
            found.files.append(await _receive_body(request, folder))
        if not files:
            empty = [upload for upload in found.files if not upload.size]
            found.files = [upload for upload in found.files if upload.size]
            for upload in empty:
                upload.path.unlink(missing_ok=True)
        elif not any(upload.size for upload in found.files):
            raise no_file()
        yield found
    finally:
        for upload in (*found.files, *found.references):
            upload.path.unlink(missing_ok=True)


def no_file() -> ServiceError:
    """The answer to a request without a file."""
    return ServiceError(
        422,
        "there is no file: expected a picture as the body, or as the field file of a form, "
        "got nothing; send one",
    )


async def _receive_body(request: Request, folder: Path) -> Upload:
    path, size = folder / uuid4().hex, 0
    file = _create(path)
    try:
        waiting = bytearray()
        async for chunk in request.stream():
            size += len(chunk)
            waiting += chunk
            if len(waiting) >= _CHUNK:
                await run_in_threadpool(file.write, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(_end, file, bytes(waiting))
    except BaseException:
        file.close()
        path.unlink(missing_ok=True)
        raise
    return Upload("", path, size)


async def _receive_form(
    request: Request, folder: Path, max_files: int, max_references: int, found: Uploads
) -> None:
    try:
        form = await request.form(max_files=max_files + max_references, max_fields=_MOST_FIELDS)
    except HTTPException as error:  # how Starlette tells of a broken form, or of too much of it
        over = str(error.detail).startswith(("Too many", "Part exceeded"))
        raise ServiceError(413 if over else 422, f"the form: {error.detail}") from None
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                kind, most = found.files, max_files
                if name == "reference" and max_references:
                    if not value.size:  # what a browser sends for an input that nobody filled in
                        continue
                    kind, most = found.references, max_references
                if len(kind) == most:
                    raise ServiceError(
                        413, f"the form: Too many files. Maximum of the field {name} is {most}."
                    )
                upload = Upload(value.filename or "", folder / uuid4().hex, value.size or 0)
                kind.append(upload)
                await run_in_threadpool(_copy, value.file, upload.path)
            else:
                found.fields[name] = value
    finally:
        await form.close()


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _end(file: BinaryIO, rest: bytes) -> None:
    with file:
        file.write(rest)


def _copy(source: BinaryIO, path: Path) -> None:
    with _create(path) as file:
        shutil.copyfileobj(source, file, _CHUNK)


def _bounded(request: Request, limit: int, seconds: float) -> Receive:
    """The request's ``receive``, which raises ServiceError as soon as a limit is passed."""
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
