"""The FastAPI application, with traces of its requests if an endpoint for them is set."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from .. import __version__
from .http.error_responses import ErrorAnswer, add_error_handlers
from .http.middleware import RequestMiddleware
from .http.openapi import add_docs
from .http.routes.job_creation import router as new_job_router
from .http.routes.job_routes import router as job_router
from .http.routes.operator_routes import open_router, router
from .http.routes.picture_routes import router as picture_router
from .logs import log
from .service import Service

_DESCRIPTION = """
Colour for black-and-white photographs and films.

The light and dark of a picture, its size, depth and metadata stay as they are. Every error is
`{"error": {"code", "message", "request_id"}}`.
"""
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_NEEDED = ("opentelemetry.sdk", "opentelemetry.instrumentation.asgi")


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
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # What the endpoints can raise is listed there.
        responses={422: {"model": ErrorAnswer, "description": "An option is not of its form."}},
    )
    app.state.service = service
    add_error_handlers(app)
    for each in (picture_router, new_job_router, job_router, router, open_router):
        app.include_router(each)
    add_docs(app)
    if service.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(service.settings.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"],
            expose_headers=[
                *("Photochrom-Model", "Photochrom-Size", "Server-Timing"),
                *("X-Request-ID", "Retry-After", "Location", "ETag"),
            ],
        )
    app.add_middleware(RequestMiddleware, metrics=service.metrics)
    add_tracing(app)  # added last: outermost
    return app


def add_tracing(app: FastAPI) -> None:
    """Send a span for each request to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names.

    Without that variable nothing is traced, and nothing is sent.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return
    if not all(_installed(name) for name in _NEEDED):
        log("no traces: the extra otel is not installed", logging.WARNING)
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", "photochrom")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    app.add_middleware(
        OpenTelemetryMiddleware,
        tracer_provider=provider,
        excluded_urls="/healthz,/readyz,/metrics",
        exclude_spans=["receive", "send"],
    )


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
