"""Metrics for Prometheus."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from .._system import process_memory

if TYPE_CHECKING:
    from .jobs.job_store import Job, JobStore
    from .workers.pool import WorkerPool

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Metrics in a registry of their own; pool and store are asked when Prometheus asks."""

    def __init__(self, pool: WorkerPool, store: JobStore) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        registry.register(_Numbers(pool, store))
        self._requests = Counter(
            "photochrom_requests", "Requests answered.", ("route", "method", "status", "key"),
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
            "photochrom_pictures", "Pages coloured.", ("model", "key"), registry=registry
        )
        self._jobs = Counter(
            "photochrom_jobs_ended", "Jobs that have ended.", ("kind", "state", "key"),
            registry=registry,
        )  # fmt: skip
        taken = Gauge("photochrom_places_taken", "Requests at work or waiting.", registry=registry)
        taken.set_function(lambda: pool.taken)
        working = Gauge("photochrom_working", "Worker processes at work.", registry=registry)
        working.set_function(lambda: pool.working)

    def request(self, route: str, method: str, status: int, key: str, seconds: float) -> None:
        """Count a request; `route` is the pattern of its path, not the path."""
        self._requests.labels(route, method, str(status), key).inc()
        self._seconds.labels(route).observe(seconds)

    def picture(self, model: str, key: str | None, result: dict[str, Any]) -> None:
        """Count a coloured picture; `result` is the worker's."""
        self._pictures.labels(model, key or "").inc(result["pages"])
        for step, seconds in result["seconds"].items():
            self._steps.labels(model, step).observe(seconds)

    def job_ended(self, job: Job, state: str) -> None:
        """Count a job that has ended."""
        self._jobs.labels(job.kind, state, job.owner or "").inc()

    def text(self) -> bytes:
        """All of it, in Prometheus's format."""
        return generate_latest(self.registry)


class _Numbers:
    """Numbers that are counted elsewhere."""

    def __init__(self, pool: WorkerPool, store: JobStore) -> None:
        self._pool, self._store = pool, store

    def collect(self) -> Iterator[Any]:
        """See prometheus_client's collectors."""
        jobs = GaugeMetricFamily("photochrom_jobs", "Jobs kept, by state.", labels=["state"])
        with contextlib.suppress(sqlite3.OperationalError):  # locked: the other numbers still count
            for state, number in self._store.counts().items():
                jobs.add_metric([state], number)
        yield jobs
        deaths = CounterMetricFamily(
            "photochrom_worker_deaths", "Worker processes ended in a task.", labels=["reason"]
        )
        for reason, number in dict(self._pool.deaths).items():
            deaths.add_metric([reason], number)
        yield deaths
        memory = GaugeMetricFamily(
            "photochrom_worker_memory_bytes", "Resident memory of a worker.", labels=["worker"]
        )
        for number, pid in enumerate(self._pool.pids()):
            if (size := process_memory("VmRSS", pid)) is not None:
                memory.add_metric([str(number)], size)
        yield memory
