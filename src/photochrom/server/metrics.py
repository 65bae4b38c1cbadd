"""What Prometheus can ask of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from .colour import Answer
    from .desk import Desk
    from .store import Store

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The service's counters, in a registry of their own.

    Args:
        desk, store: asked for their numbers when Prometheus asks.
    """

    def __init__(self, desk: Desk, store: Store) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._requests = Counter(
            "photochrom_requests", "Requests answered.", ("route", "method", "status"),
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "photochrom_request_seconds", "Time to the end of the answer.", ("route",),
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._steps = Histogram(
            "photochrom_step_seconds", "Time of a step of colouring a picture.", ("model", "step"),
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._pictures = Counter(
            "photochrom_pictures", "Pages coloured.", ("model",), registry=registry
        )
        taken = Gauge("photochrom_places_taken", "Requests at work or waiting.", registry=registry)
        taken.set_function(lambda: desk.taken)
        working = Gauge("photochrom_working", "Pictures being coloured now.", registry=registry)
        working.set_function(lambda: desk.working)
        self._jobs = Gauge("photochrom_jobs", "Jobs kept, by state.", ("state",), registry=registry)
        self._store = store

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request; `route` is the pattern of its path, not the path."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def picture(self, model: str, answer: Answer) -> None:
        """Count a coloured picture."""
        self._pictures.labels(model).inc(answer.pages)
        for step, seconds in answer.seconds.items():
            self._steps.labels(model, step).observe(seconds)

    def text(self) -> bytes:
        """All of it, in Prometheus's format."""
        self._jobs.clear()
        for state, number in self._store.counts().items():
            self._jobs.labels(state).set(number)
        return generate_latest(self.registry)
