"""uvicorn's HTTP/1.1 protocol with limits on connections that make no progress.

uvicorn itself ends idle connections after a response only: one that sends no request, half a
head, or a body that nobody reads, and one that does not read its answer, would stay for ever.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..logs import new_request_id, request_id
from .error_responses import SECURITY_HEADERS, error_body


@dataclass
class ConnectionLimits:
    """Limits on connections."""

    # seconds for the head of a request, and for the rest of a body that nobody reads
    head: float = 20.0
    write: float = 30.0  # seconds that a client may read nothing while an answer waits to be sent
    # seconds that a refused connection is read on, so that its client sees the answer
    linger: float = 2.0
    most: int = 1000  # connections at the same time
    per_address: int = 200  # of one client address
    # addresses of proxies, for which `per_address` does not count
    trusted: frozenset[str] = frozenset()


def protocol(limits: ConnectionLimits) -> Any:
    """The protocol class for uvicorn's ``http=``."""
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Protocol(H11Protocol):
        """Closes connections on which nothing goes on; the oldest idle ones when there are many."""

        _timer: asyncio.TimerHandle | None = None
        _write_timer: asyncio.TimerHandle | None = None
        _refused = False
        _since = 0.0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._since = time.monotonic()
            if not self._make_room():
                self._refuse(503, "too many connections; try again later")
            else:
                self._start_timer()

        def data_received(self, data: bytes) -> None:
            if self._refused:
                return
            super().data_received(data)
            if not self._idle:
                self._stop_timer()  # the application has its own limits
            elif self._timer is None:
                self._start_timer()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._since = time.monotonic()
            if self._idle:
                self._stop_timer()
                self._start_timer()

        def pause_writing(self) -> None:
            super().pause_writing()
            if self._write_timer is None:
                self._write_timer = self.loop.call_later(limits.write, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            self._stop_write_timer()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            self._stop_write_timer()
            super().connection_lost(exc)

        def send_400_response(self, msg: str) -> None:
            self._refuse(400, msg)

        @property
        def _idle(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _make_room(self) -> bool:
            """Close the oldest idle connection if there are too many; False if none is idle."""
            address = self.client[0] if self.client else ""
            here = [each for each in self._others() if each.client and each.client[0] == address]
            crowded = address not in limits.trusted and len(here) >= limits.per_address
            if not crowded and len(self.connections) <= limits.most:
                return True
            candidates = here if crowded else list(self._others())
            idle = [each for each in candidates if each._idle and not each.transport.is_closing()]
            if not idle:
                return False
            min(idle, key=lambda each: each._since).transport.abort()
            return True

        def _others(self) -> Iterator[Protocol]:
            return (x for x in self.connections if isinstance(x, Protocol) and x is not self)

        def _start_timer(self) -> None:
            self._timer = self.loop.call_later(limits.head, self._late)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _stop_write_timer(self) -> None:
            if self._write_timer is not None:
                self._write_timer.cancel()
                self._write_timer = None

        def _late(self) -> None:
            self._timer = None
            begun = bool(self.conn.trailing_data[0])
            if self.conn.our_state is h11.IDLE and begun:
                self._refuse(408, "the head of the request did not arrive in time; send it faster")
            else:
                self.transport.close()

        def _refuse(self, status: int, message: str) -> None:
            """Answer with JSON, without the application, and hang up."""
            if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
                self.transport.close()
                return
            token = request_id.set(new_request_id(None))
            data = json.dumps(error_body(status, message)).encode()
            headers = {
                **SECURITY_HEADERS,
                "Content-Type": "application/json",
                "Content-Length": str(len(data)),
                "X-Request-ID": request_id.get(),
                "Connection": "close",
            }
            request_id.reset(token)
            for event in (
                h11.Response(status_code=status, headers=list(headers.items())),
                h11.Data(data=data),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
            # Closed at once, with bytes of the client unread, the connection would be reset, and
            # the answer could be lost.
            self._refused = True
            self._stop_timer()
            if self.transport.can_write_eof():
                self.transport.write_eof()
                self._timer = self.loop.call_later(limits.linger, self.transport.close)
            else:
                self.transport.close()

    return Protocol
