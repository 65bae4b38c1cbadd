"""The parts of a running service, put together once."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import numpy as np

from .._system import cores
from ..colorizer import Colorizer
from ..errors import ArgumentError
from ..models.registry import Registry
from .desk import Desk
from .films import ColorizeFilm, colorize_film
from .jobs import Jobs
from .metrics import Metrics
from .security import Keys
from .settings import Settings


class Service:
    """Everything the endpoints need.

    Args:
        settings: of the operator.
        film: colours one.

    Attributes:
        settings: as given.
        colorizers: the loaded models by name, the default first.
        desk, jobs, metrics: see there.
        keys: None if no key is asked for.
        stopping: set when the service has been told to stop.

    Raises:
        ModelError: a model cannot be loaded.
        ArgumentError: the keys or the folder cannot be used, or two models have one name.
    """

    def __init__(self, settings: Settings, film: ColorizeFilm = colorize_film) -> None:
        self.settings = settings
        self.keys = None if settings.api_keys is None else Keys(settings.api_keys)
        self.colorizers: dict[str, Colorizer] = {}
        for model in settings.models:
            name = _name(model)
            if name in self.colorizers:
                raise ArgumentError(
                    "the models to serve",
                    expected="different names",
                    got=f"{name} twice",
                    fix="rename one of the files",
                )
            self.colorizers[name] = _loaded(model, max(1, cores() // settings.concurrent))
        self.desk = Desk(settings.concurrent, settings.queue)
        self.jobs = Jobs(settings, self.colorizers, self.desk, film)
        self.metrics = Metrics(self.desk, self.jobs.store)
        self.films = film
        self.stopping = threading.Event()

    def close(self) -> None:
        """Stop what is being done; jobs go on after the next start."""
        self.stopping.set()
        self.jobs.stop()
        self.desk.close()


def _loaded(model: str, threads: int) -> Colorizer:
    # Pictures side by side, each with its part of the cores, are a third more per second than
    # pictures that all want all of them.
    colorizer = Colorizer(Registry().resolve(model), threads=threads)
    # The first run of a network takes longer: not at the expense of the first request.
    height, width = colorizer.model.fit(64, 64)
    colorizer.model.predict(np.zeros((1, 1, height, width), np.float32))
    return colorizer


def _name(model: str) -> str:
    """What requests call a model that the operator gives by name or path."""
    if not model.endswith(".onnx"):
        return model
    return re.sub(r"[^A-Za-z0-9._-]", "-", Path(model).stem)  # it goes into a header
