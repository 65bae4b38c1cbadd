"""The parts of a running service, and limits on what one client may have at the same time."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .._system import cores
from ..errors import ArgumentError
from .api_keys import Keys
from .jobs.runner import JobRunner
from .jobs.webhook import Webhooks
from .metrics import Metrics
from .service_error import ServiceError
from .settings import MEGABYTE, Settings
from .workers.messages import ModelFile, WorkerSettings
from .workers.pool import WorkerPool

_STREAMS = 200  # event streams at the same time


class ClientLimit:
    """Counts what is under way, by client.

    Args:
        what: for messages, in the plural.
        per_client: of one client.
        most: of all clients; None: without limit.
    """

    def __init__(self, what: str, per_client: int, most: int | None = None) -> None:
        self._what, self._per_client, self._most = what, per_client, most
        self._now: Counter[str] = Counter()

    @contextmanager
    def slot(self, client: str) -> Iterator[None]:
        """Count one more for the time of the block; ServiceError if there are too many already."""
        if self._now[client] >= self._per_client:
            message = f"too many {self._what} of one client: expected at most {self._per_client}"
            raise ServiceError(429, f"{message} at a time; wait for one to end", retry_after=5)
        if self._most is not None and self._now.total() >= self._most:
            raise ServiceError(429, f"too many {self._what}; try again later", retry_after=30)
        self._now[client] += 1
        try:
            yield
        finally:
            self._now[client] -= 1
            if not self._now[client]:
                del self._now[client]


class Service:
    """Everything the endpoints need.

    Attributes:
        settings: of the operator.
        pool, jobs, metrics: see there.
        picture_limit, stream_limit: on requests with files, and on event streams.
        keys: None if no key is asked for.
        stopping: set when the service has been told to stop.

    Raises:
        ModelError: a model cannot be loaded.
        ArgumentError: the keys or the folder cannot be used, or two models have one name.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = None if settings.api_keys is None else Keys(settings.api_keys)
        webhooks = Webhooks(settings.webhook_secret, settings.webhook_private)
        self.pool = WorkerPool(_worker_settings(settings), settings.concurrent, settings.queue)
        try:
            self.jobs = JobRunner(settings, self.pool, webhooks)
        except BaseException:
            self.pool.close()
            raise
        self.metrics = Metrics(self.pool, self.jobs.store)
        self.jobs.on_end = self.metrics.job_ended
        each = settings.per_client or max(1, self.pool.places // 2)
        self.picture_limit = ClientLimit("requests", each)
        self.stream_limit = ClientLimit("event streams", each, _STREAMS)
        self.stopping = threading.Event()

    def close(self) -> None:
        """Stop what is being done; jobs go on after the next start."""
        self.stopping.set()
        self.jobs.stop()
        self.pool.close()


def _worker_settings(settings: Settings) -> WorkerSettings:
    models = tuple(ModelFile(_name(model), model) for model in settings.models)
    names = [model.name for model in models]
    if len(set(names)) < len(names):
        raise ArgumentError(
            "the models to serve",
            expected="different names",
            got=f"{next(name for name in names if names.count(name) > 1)} twice",
        )
    # Pictures side by side, each with its part of the cores, are a third more per second than
    # pictures that all want all of them.
    return WorkerSettings(
        models,
        threads=max(1, cores() // settings.concurrent),
        memory=int(settings.worker_memory * MEGABYTE),
        file_size=int(10 * settings.max_job_upload * MEGABYTE),
    )


def _name(model: str) -> str:
    """What requests call a model that the operator gives by name or path."""
    if not model.endswith(".onnx"):
        return model
    return re.sub(r"[^A-Za-z0-9._-]", "-", Path(model).stem)  # it goes into a header
