"""Connections that do not get on: uvicorn itself would keep them for ever."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from .errors import body
from .security import HEADERS

_SECONDS = 20.0  # for the head of a request, and for the rest of a body that nobody reads


def protocol() -> Any:
    """uvicorn's HTTP/1.1 with a limit of time for what it waits for itself."""
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Protocol(H11Protocol):
        """Closes connections on which a request does not get on."""

        _clock: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wind()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._unwind()  # the application has its own limits
            elif self._clock is None:
                self._wind()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.cycle is None or self.cycle.response_complete:
                self._unwind()
                self._wind()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unwind()
            super().connection_lost(exc)

        def send_400_response(self, msg: str) -> None:
            self._refuse(400, msg)

        def _wind(self) -> None:
            self._clock = self.loop.call_later(_SECONDS, self._late)

        def _unwind(self) -> None:
            if self._clock is not None:
                self._clock.cancel()
                self._clock = None

        def _late(self) -> None:
            self._clock = None
            begun = bool(self.conn.trailing_data[0])
            if self.conn.our_state is h11.IDLE and begun:
                self._refuse(408, "the head of the request did not arrive in time; send it faster")
            else:
                self.transport.close()

        def _refuse(self, status: int, message: str) -> None:
            """Answer in the one shape, without the application, and hang up."""
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                data = json.dumps(body(status, message)).encode()
                headers = {
                    **HEADERS,
                    "Content-Type": "application/json",
                    "Content-Length": str(len(data)),
                    "Connection": "close",
                }
                for event in (
                    h11.Response(status_code=status, headers=list(headers.items())),
                    h11.Data(data=data),
                    h11.EndOfMessage(),
                ):
                    self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

    return Protocol
