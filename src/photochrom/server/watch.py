"""Around every request: its id, its line in the log, its count, safe headers, and no crash."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import ServiceError, answer, told
from .logs import log, new_request_id, request_id
from .security import HEADERS

if TYPE_CHECKING:
    from .metrics import Metrics

_AT_ONCE = 500  # requests being answered, of whatever kind; each costs a little memory
_METHODS = {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"}
HUNG_UP = 499
"""Status in log and counters of a request whose client did not wait; from nginx."""


class Watch:
    """Outermost of the application's ASGI middlewares."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = request_id.set(new_request_id(Headers(scope=scope).get("x-request-id")))
        self._now += 1
        try:
            await self._watched(scope, receive, send)
        finally:
            self._now -= 1
            request_id.reset(token)

    async def _watched(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, status, size = time.perf_counter(), 0, 0

        async def sending(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers["X-Request-ID"] = request_id.get()
            size += len(message.get("body", b""))
            await send(message)

        try:
            if self._now > _AT_ONCE:
                raise ServiceError(503, "too many requests at once; try again", retry_after=5)
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            status = HUNG_UP
        except Exception as error:
            found = told(error)
            if found is None:
                log("request failed", logging.ERROR, trace=True)
                found = ServiceError(500, "the service failed; its log has the reason")
            if status:  # too late for an answer: end the connection, so that it is seen
                raise
            await answer(found)(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - start
            # The pattern, not the path: of those there would be no end.
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.request(route, method, status or HUNG_UP, seconds)
            log(
                "request",
                method=method,
                route=route,
                status=status or HUNG_UP,
                milliseconds=round(seconds * 1000, 1),
                bytes=size,
                client=(scope.get("client") or ("",))[0],
            )
