"""Every answer that is not the wished one, in one JSON shape.

::

    {"error": {"code": "too_large", "message": "...", "request_id": "..."}}
"""

from __future__ import annotations

import errno
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from ..errors import (
    ArgumentError,
    MissingExtraError,
    PhotochromError,
    PictureError,
    PictureTooLargeError,
)
from .logs import request_id

_LONGEST = 1000  # characters of a message, which may quote what was sent
CODES = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "not_ready",
    413: "too_large",
    415: "unsupported",
    422: "invalid",
    429: "busy",
    500: "internal",
    503: "unavailable",
}
"""Status -> the word for it in ``error.code``."""


class Problem(BaseModel):
    """What went wrong."""

    code: str
    message: str
    request_id: str


class ErrorAnswer(BaseModel):
    """The body of every answer with a status of 400 or more."""

    error: Problem


class ServiceError(Exception):
    """An answer other than the wished one, on purpose.

    Args:
        status: of HTTP.
        message: one line for people.
        retry_after: seconds after which another try makes sense.
        close: end the connection after the answer.
    """

    def __init__(
        self, status: int, message: str, *, retry_after: int | None = None, close: bool = False
    ) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"
        if close:
            self.headers["Connection"] = "close"


def told(error: Exception) -> ServiceError | None:
    """The answer to an exception of the package; None if it is no fault of the request."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, PictureTooLargeError):
        return ServiceError(413, f"{error.problem}: expected {error.expected}, got {error.got}")
    if isinstance(error, MissingExtraError):
        return ServiceError(415, f"{error.problem} in this service: {error.expected} is missing")
    if isinstance(error, PictureError | ArgumentError):
        return ServiceError(422, str(error))
    if isinstance(error, MemoryError):
        return ServiceError(503, "the picture does not fit into memory now", retry_after=10)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ServiceError(503, "the disk of the service is full", retry_after=60)
    return None


def body(status: int, message: str) -> dict[str, Any]:
    """The JSON of an error."""
    line = " ".join(message.encode("utf-8", "replace").decode().split())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST - 1]}…"
    code = CODES.get(status, "error")
    return {"error": {"code": code, "message": line, "request_id": request_id.get()}}


def answer(error: ServiceError) -> JSONResponse:
    """The response to an error."""
    return JSONResponse(body(error.status, error.message), error.status, error.headers)


def answer_errors(app: FastAPI) -> None:
    """Let `app` answer every exception in the one shape."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        found = told(error)
        if found is None:  # nothing the sender could change; the log gets the traceback
            raise error
        return answer(found)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return answer(ServiceError(422, validation_message(error.errors())))

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        found = ServiceError(error.status_code, str(error.detail))
        found.headers |= error.headers or {}
        return answer(found)

    for kind in (ServiceError, PhotochromError, MemoryError, OSError):
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def validation_message(errors: Any) -> str:
    """One line for what pydantic found wrong with options."""
    parts = []
    for each in list(errors)[:5]:
        place = [str(step) for step in each["loc"] if step not in ("query", "path", "body")]
        parts.append(f"{'.'.join(place) or 'the request'}: {each['msg']}")
    return "; ".join(parts)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: the errors an endpoint can answer with."""
    texts = {
        401: "The API key is missing or wrong.",
        404: "There is no such thing, or no longer.",
        408: "The request took too long to arrive.",
        409: "The result is not ready.",
        413: "Larger than the service takes: bytes, pixels, files.",
        415: "Not a kind of file the service reads.",
        422: "The file is damaged, or an option is not of its form.",
        429: "Too many wait already; see `Retry-After`.",
        503: "Not now; see `Retry-After`.",
    }
    retry = {"headers": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}}
    return {
        status: {"model": ErrorAnswer, "description": texts[status]}
        | (retry if status in (429, 503) else {})
        for status in statuses
    }
