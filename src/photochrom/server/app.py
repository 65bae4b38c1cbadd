"""The FastAPI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from .. import __version__
from .docs import add_docs
from .errors import ErrorAnswer, answer_errors
from .job_routes import router as jobs
from .logs import log
from .routes import Coloured, open_router, router
from .service import Service
from .watch import Watch

_DESCRIPTION = """
Colour for black-and-white photographs and films.

The light and dark of a picture, its size, depth and metadata stay as they are. Every error is
`{"error": {"code", "message", "request_id"}}`.
"""


def create_app(service: Service) -> FastAPI:
    """The application around a service, which it starts and, at its end, closes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.jobs.start()
        yield
        await asyncio.to_thread(service.close)
        log("stopped")

    app = FastAPI(
        title="Photochrom",
        version=__version__,
        description=_DESCRIPTION.strip(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # What the endpoints can raise is listed there, in the one shape.
        responses={422: {"model": ErrorAnswer, "description": "An option is not of its form."}},
    )
    app.state.service = service
    answer_errors(app)
    for each in (router, jobs, open_router):
        app.include_router(each)
    add_docs(app, extra_schemas=(Coloured,))
    if service.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(service.settings.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=[
                *("Photochrom-Model", "Photochrom-Size", "Server-Timing"),
                *("X-Request-ID", "Retry-After", "Location"),
            ],
        )
    app.add_middleware(Watch, metrics=service.metrics)  # added last: outermost
    return app
