"""A service with a tiny model for the tests: in a thread, or as a process of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.helpers.cli_model import grey_picture

for package in ("fastapi", "fastapi_offline", "httpx", "prometheus_client", "uvicorn"):
    pytest.importorskip(package, reason="the service needs it (extra server, group dev)")

import httpx  # noqa: E402

from photochrom.errors import CancelToken  # noqa: E402
from photochrom.server.http.connection import ConnectionLimits  # noqa: E402
from photochrom.server.service import Service  # noqa: E402
from photochrom.server.settings import Settings  # noqa: E402
from photochrom.server.uvicorn_server import server  # noqa: E402
from photochrom.server.workers.messages import FilmTask  # noqa: E402
from photochrom.server.workers.process import Progress, WorkerProcess  # noqa: E402
from tests.helpers import tiny_models  # noqa: E402

START = "import typer; from photochrom.cli.serve import serve; typer.run(serve)"


@dataclass
class Running:
    """A service that listens."""

    service: Service
    url: str
    client: httpx.Client

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").split(":")
        return host, int(port)


def model(folder: Path) -> Path:
    """A tiny model with hints and a distribution, called tiny."""
    return tiny_models.photochrom(folder / "tiny.onnx", hints=True)


@contextmanager
def running(
    folder: Path,
    *,
    film: Callable[[FilmTask, CancelToken, Progress], None] | None = None,
    limits: ConnectionLimits | None = None,
    **settings: Any,
) -> Iterator[Running]:
    """A service in a thread of this process; `film` colours films in the place of a worker."""
    folder.mkdir(parents=True, exist_ok=True)
    given: dict[str, Any] = {
        "models": (str(model(folder)),),
        "folder": folder / "state",
        "concurrent": 1,
        "drain": 0,
        "grace": 1,
    }
    service = Service(Settings(**given | settings))
    patched = pytest.MonkeyPatch()
    if film is not None:
        patched.setattr(service.pool, "run_film", film)
        patched.setattr("photochrom.video.PACKAGES", ())
    uvicorn = server(service, "127.0.0.1", 0, limits)
    thread = threading.Thread(target=uvicorn.run)
    thread.start()
    wait_for(lambda: uvicorn.started or not thread.is_alive())
    port = uvicorn.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=30) as client:
            yield Running(service, url, client)
    finally:
        uvicorn.should_exit = True
        thread.join(30)
        patched.undo()
        assert not thread.is_alive()


@dataclass
class Process:
    """A service as a process."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def worker(self) -> int:
        """Process id of its worker; Linux only."""
        parents = {}
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                stat = (place / "stat").read_text()
                parents[int(place.name)] = int(stat.rpartition(")")[2].split()[1])
        grand = (pid for pid, parent in parents.items() if parents.get(parent) == self.process.pid)
        return next(grand)

    def places_taken(self) -> int:
        """Requests at work or waiting."""
        found = re.search(r"^photochrom_places_taken (\d+)", self.client.get("/metrics").text, re.M)
        assert found is not None
        return int(found[1])

    def events(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextmanager
def process(folder: Path, *arguments: str, wrapper: Sequence[str] = ()) -> Iterator[Process]:
    """A service in a process of its own, killed at the end unless it has ended.

    Args:
        folder: for its state, its log and its model.
        arguments: of `photochrom serve`.
        wrapper: a command that runs it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    words = (
        "--concurrent",
        "1",
        "--port",
        "0",
        "--folder",
        str(folder / "state"),
        "--model",
        str(model(folder)),
    )
    with log.open("wb") as out:
        started = subprocess.Popen(
            [*wrapper, sys.executable, "-c", START, *words, *arguments],
            stderr=out,
            stdout=out,
            start_new_session=True,
        )
    try:
        wait_for(lambda: '"ready"' in log.read_text() or started.poll() is not None, 60)
        ready = next(
            line for line in map(json.loads, log.read_text().splitlines()) if "port" in line
        )
        found = Process(started, f"http://127.0.0.1:{ready['port']}", log)
        with found.client:
            yield found
    finally:
        if sys.platform == "win32":
            started.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)  # with what a wrapper has started
        started.wait()


def wait_for(happened: Callable[[], Any], seconds: float = 20) -> None:
    """Wait until something has happened."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.02)


class Gate:
    """Holds tasks back before they go to worker processes, until it is opened.

    Args:
        free: tasks that pass before.
    """

    def __init__(self, free: int = 0) -> None:
        self.open, self.calls, self._free = threading.Event(), 0, free
        self._run = WorkerProcess.run

    def _hold(self, process: WorkerProcess, task: Any, cancel: CancelToken, *more: Any) -> Any:
        self.calls += 1
        end = time.monotonic() + 30
        while self.calls > self._free and not self.open.wait(0.02):
            cancel.check()
            assert time.monotonic() < end
        return self._run(process, task, cancel, *more)

    def __enter__(self) -> Gate:
        WorkerProcess.run = lambda *given: self._hold(*given)  # type: ignore[assignment, method-assign]
        return self

    def __exit__(self, *error: object) -> None:
        self.open.set()
        WorkerProcess.run = self._run  # type: ignore[method-assign]


def picture(format: str = "jpeg", width: int = 48, height: int = 32, **options: Any) -> bytes:
    """A grey picture as a file."""
    buffer = io.BytesIO()
    grey_picture(width, height).save(buffer, format, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    """A file as a picture, decoded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def check_error(answer: httpx.Response, status: int, code: str, *words: str) -> str:
    """The one shape of errors; returns the message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    found = answer.json()
    assert set(found) == {"error"}
    assert set(found["error"]) == {"code", "message", "request_id"}
    assert found["error"]["code"] == code
    if "x-request-id" in answer.headers:
        assert found["error"]["request_id"] == answer.headers["x-request-id"]
    message: str = found["error"]["message"]
    assert "\n" not in message
    for word in words:
        assert word in message
    return message
