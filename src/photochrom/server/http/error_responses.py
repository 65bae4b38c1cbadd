"""JSON bodies of error responses.

::

    {"error": {"code": "too_large", "message": "...", "request_id": "..."}}
"""

from __future__ import annotations

import sqlite3
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ...errors import PhotochromError
from ..logs import request_id
from ..service_error import ServiceError, service_error

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
    416: "out_of_range",
    422: "invalid",
    429: "busy",
    431: "too_large",
    500: "internal",
    503: "unavailable",
}
"""Status -> the word for it in ``error.code``."""

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Set on every answer that does not set them itself."""


class Problem(BaseModel):
    """What went wrong."""

    code: str
    message: str
    request_id: str


class ErrorAnswer(BaseModel):
    """The body of every answer with a status of 400 or more."""

    error: Problem


def error_body(status: int, message: str) -> dict[str, Any]:
    """The JSON of an error."""
    line = " ".join(message.encode("utf-8", "replace").decode().split())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST - 1]}…"
    code = CODES.get(status, "error")
    return {"error": {"code": code, "message": line, "request_id": request_id.get()}}


def error_response(error: ServiceError) -> JSONResponse:
    """The response to an error."""
    return JSONResponse(error_body(error.status, error.message), error.status, error.headers)


def add_error_handlers(app: FastAPI) -> None:
    """Let `app` answer every exception with JSON."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        found = service_error(error)
        if found is None:  # a fault of the package; the log gets the traceback
            raise error
        return error_response(found)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return error_response(ServiceError(422, validation_message(error.errors())))

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        found = ServiceError(error.status_code, str(error.detail))
        found.headers |= error.headers or {}
        if error.status_code == 405:
            found.headers["Allow"] = ", ".join(sorted(_methods(app, request)))
        return error_response(found)

    for kind in (ServiceError, PhotochromError, MemoryError, OSError, sqlite3.OperationalError):
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _methods(app: FastAPI, request: Request) -> set[str]:
    """The methods of all routes with the request's path; a framework tells those of the first."""
    found: set[str] = set()
    for method in ("GET", "POST", "DELETE"):
        scope = dict(request.scope) | {"method": method}
        if any(route.matches(scope)[0] == Match.FULL for route in app.routes):
            found |= {method, "HEAD"} if method == "GET" else {method}
    return found


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
        413: "Larger than the service takes: bytes, pixels, files, memory.",
        415: "Not a kind of file the service reads.",
        416: "The range lies outside the file.",
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
