"""Running the application under uvicorn: signals, slow clients, lines of JSON."""

from __future__ import annotations

import asyncio
import logging
import os
from types import FrameType
from typing import TYPE_CHECKING, Any

from .app import create_app
from .connections import protocol
from .logs import log, log_to_stderr
from .service import Service
from .settings import Settings

if TYPE_CHECKING:
    import uvicorn

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; requests in flight finish or get 503.

    Args:
        settings: of the operator.
        host: address to listen at.
        port: 0 for a free one, which the log tells.

    Raises:
        ModelError: a model cannot be loaded.
        ArgumentError: the keys or the folder cannot be used.
    """
    os.umask(0o077)  # whatever is written is for this user alone
    log_to_stderr()
    service = Service(settings)
    if host not in _LOOPBACK and service.keys is None:
        log("open to the network without API keys", logging.WARNING, host=host)
    server(service, host, port).run()


def server(service: Service, host: str, port: int) -> uvicorn.Server:
    """The uvicorn server around a service."""
    import uvicorn

    grace = service.settings.grace
    config = uvicorn.Config(
        create_app(service),
        host=host,
        port=port,
        loop="asyncio",  # always the same, whatever else is installed
        http=protocol(),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(grace) + 3,
    )

    class Server(uvicorn.Server):
        """Tells the service at once that it is to stop, and the log that it is ready."""

        async def startup(self, sockets: list[Any] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                address = self.servers[0].sockets[0].getsockname()
                log("ready", host=address[0], port=address[1], models=list(service.colorizers))

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            service.stopping.set()
            super().handle_exit(sig, frame)

        async def shutdown(self, sockets: list[Any] | None = None) -> None:
            service.stopping.set()
            asyncio.get_running_loop().call_later(grace, service.desk.closing.set)
            await super().shutdown(sockets)

    return Server(config)
