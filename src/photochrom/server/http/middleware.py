"""ASGI middleware around every request: id, log, metrics, security headers, JSON errors, HEAD."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..logs import log, new_request_id, request_id
from ..service_error import ServiceError, service_error
from .error_responses import SECURITY_HEADERS, error_response

if TYPE_CHECKING:
    from ..metrics import Metrics

_AT_ONCE = 500  # requests at the same time; each costs a little memory
_ALWAYS = ("/healthz", "/readyz", "/metrics")  # answered however many others there are
_METHODS = {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"}
_KEPT = ("allow", "content-range", "access-control-allow-origin", "vary", "retry-after")
_TEXTS = {
    400: "the request was refused: its origin, method or headers are not allowed (--cors-origin)",
    416: "the range lies outside the file; ask for one inside it",
}
CLIENT_CLOSED = 499
"""Status in log and metrics of a request whose client did not wait; from nginx."""


class RequestMiddleware:
    """Outermost of the application's middlewares."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = request_id.set(new_request_id(Headers(scope=scope).get("x-request-id")))
        counted = scope["path"].removeprefix(scope.get("root_path", "")) not in _ALWAYS
        self._now += counted
        try:
            exchange = _Exchange(self._app, self._metrics, scope, receive, send)
            await exchange.run(refuse=counted and self._now > _AT_ONCE)
        finally:
            self._now -= counted
            request_id.reset(token)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._app, self._metrics = app, metrics
        self._method = scope["method"]
        self._head = self._method == "HEAD"
        scope.setdefault("state", {})["head"] = self._head
        self._scope: Scope = dict(scope) | ({"method": "GET"} if self._head else {})
        self._receive, self._send = receive, send
        self._status, self._size = 0, 0
        self._replaced = False  # by an error of ours
        self._over = False

    async def run(self, refuse: bool) -> None:
        start = time.perf_counter()
        try:
            if refuse:
                raise ServiceError(503, "too many requests at once; try again", retry_after=5)
            await self._app(self._scope, self._receiving, self._sending)
        except ClientDisconnect:
            self._status = self._status if self._over else CLIENT_CLOSED
        except Exception as error:
            found = service_error(error)
            if found is None:
                log("request failed", logging.ERROR, trace=True)
                found = ServiceError(500, "the service failed; its log has the reason")
            if self._status:  # too late for an answer: end the connection, so that it is seen
                raise
            await error_response(found)(self._scope, self._receiving, self._sending)
        finally:
            self._record(time.perf_counter() - start)

    async def _receiving(self) -> Message:
        if self._head and self._over:  # ends what would go on sending a body
            return {"type": "http.disconnect"}
        return await self._receive()

    async def _sending(self, message: Message) -> None:
        if self._over:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
            return
        if self._replaced:
            return
        if self._head:
            self._over = True
            await self._send({"type": "http.response.body", "body": b""})
            return
        self._size += len(message.get("body", b""))
        await self._send(message)

    async def _start(self, message: Message) -> None:
        self._status = status = message["status"]
        headers = MutableHeaders(scope=message)
        if status >= 400 and headers.get("content-type") != "application/json":
            # Of a framework that answers with text: for a wrong range or origin, say.
            self._replaced = True
            found = ServiceError(status, _TEXTS.get(status, "the request was refused"))
            found.headers |= {name: headers[name] for name in _KEPT if name in headers}
            await error_response(found)(self._scope, self._receiving, self._plain)
            return
        self._add_headers(headers)
        await self._send(message)

    async def _plain(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._add_headers(MutableHeaders(scope=message))
        elif self._head:
            message = {**message, "body": b""}
        await self._send(message)

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        headers["X-Request-ID"] = request_id.get()

    def _record(self, seconds: float) -> None:
        # The pattern, not the path: of those there would be no end.
        route = getattr(self._scope.get("route"), "path", "other")
        method = self._method if self._method in _METHODS else "other"
        key = self._scope["state"].get("key") or ""
        status = self._status or CLIENT_CLOSED
        self._metrics.request(route, method, status, key, seconds)
        log(
            "request",
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            bytes=self._size,
            client=(self._scope.get("client") or ("",))[0],
            key=key,
        )
