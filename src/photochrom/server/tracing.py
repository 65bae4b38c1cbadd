"""OpenTelemetry traces of requests, if its packages are installed and an endpoint is set."""

from __future__ import annotations

import importlib.util
import logging
import os

from fastapi import FastAPI

from .logs import log

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_NEEDED = ("opentelemetry.sdk", "opentelemetry.instrumentation.asgi")


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
