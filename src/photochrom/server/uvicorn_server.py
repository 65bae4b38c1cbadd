"""Running the application under uvicorn: signals, limits of connections, log as JSON."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from types import FrameType
from typing import TYPE_CHECKING, Any

from .application import create_app
from .http.connection import ConnectionLimits, protocol
from .logs import log, log_to_stderr
from .service import Service
from .settings import Settings

if TYPE_CHECKING:
    import uvicorn

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SPARE_FILES = 200  # open files beside those of connections


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM; requests in flight finish or get 503.

    Args:
        settings: of the operator.
        host: address to listen at.
        port: 0: a free one, which is logged.

    Raises:
        ModelError: a model cannot be loaded.
        ArgumentError: the keys or the folder cannot be used.
    """
    os.umask(0o077)  # whatever is written is for this user alone
    log_to_stderr()
    _raise_file_limit(2 * settings.max_connections + _SPARE_FILES)
    service = Service(settings)
    if host not in _LOOPBACK and service.keys is None:
        log("open to the network without API keys", logging.WARNING, host=host)
    server(service, host, port).run()


def server(
    service: Service, host: str, port: int, limits: ConnectionLimits | None = None
) -> uvicorn.Server:
    """The uvicorn server around a service."""
    import uvicorn

    settings = service.settings
    limits = limits or ConnectionLimits(
        most=settings.max_connections,
        per_address=max(1, settings.max_connections // 2),
        trusted=frozenset(settings.forwarded_allow_ips),
    )
    config = uvicorn.Config(
        create_app(service),
        host=host,
        port=port,
        loop="asyncio",  # always the same, whatever else is installed
        http=protocol(limits),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=list(settings.forwarded_allow_ips),
        root_path=settings.root_path,
        timeout_graceful_shutdown=int(settings.grace) + 1,
    )

    class Server(uvicorn.Server):
        """Goes on accepting for the time of `Settings.drain` after a signal to stop."""

        _close_at: float | None = None

        async def startup(self, sockets: list[Any] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                address = self.servers[0].sockets[0].getsockname()
                names = [model["name"] for model in service.pool.models]
                log("ready", host=address[0], port=address[1], models=names)

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if self._close_at is not None:  # the second signal
                super().handle_exit(sig, frame)
                return
            self._captured_signals.append(sig)
            self._close_at = time.monotonic() + settings.drain
            service.stopping.set()
            service.jobs.interrupt()

        async def on_tick(self, counter: int) -> bool:
            if self._close_at is not None and time.monotonic() >= self._close_at:
                self.should_exit = True
            return await super().on_tick(counter)

        async def shutdown(self, sockets: list[Any] | None = None) -> None:
            service.stopping.set()
            loop = asyncio.get_running_loop()
            loop.call_later(settings.grace, service.pool.closing.set)
            await super().shutdown(sockets)

    return Server(config)


def _raise_file_limit(wanted: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
