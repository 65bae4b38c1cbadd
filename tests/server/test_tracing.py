"""Traces go to the collector that the environment names, and nowhere without one."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from photochrom.server.application import add_tracing
from tests.helpers.server_running import picture, running, wait_for
from tests.helpers.serving import serving

for package in ("opentelemetry.sdk", "opentelemetry.instrumentation.asgi"):
    pytest.importorskip(package, reason="not installed (extra otel)")


class _Collector(BaseHTTPRequestHandler):
    bodies: list[bytes] = []  # noqa: RUF012

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


def test_spans_reach_the_collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(HTTPServer(("127.0.0.1", 0), _Collector)) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with running(tmp_path) as live:
            assert live.client.post("/v1/colorize", content=picture()).status_code == 200
            live.client.get("/healthz")
            wait_for(lambda: any(b"/v1/colorize" in body for body in _Collector.bodies))
        assert not any(b"/healthz" in body for body in _Collector.bodies)


def test_without_a_collector_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    add_tracing(None)  # type: ignore[arg-type]  # would fail if it added anything
