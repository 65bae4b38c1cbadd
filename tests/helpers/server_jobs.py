"""Jobs of the service: posted, awaited and unpacked, and a stand-in for what colours films."""

from __future__ import annotations

import io
import threading
import zipfile
from typing import Any

from photochrom import CancelToken
from photochrom.server.workers.messages import FilmTask
from tests.helpers.server_running import Running, picture, wait_for

JPEG = picture()
FILM = b"\0\0\0 ftypisom" + bytes(2000)


class FakeFilm:
    """Stands for photochrom.video: writes what it was given, resumes like it."""

    def __init__(self, frames: int = 5) -> None:
        self.frames, self.calls, self.wait = frames, 0, threading.Event()
        self.wait.set()

    def __call__(self, task: FilmTask, cancel: CancelToken, progress: Any) -> None:
        self.calls += 1
        self.options = task.options
        self.references = [path.read_bytes() for path in task.references]
        assert task.source.read_bytes() == FILM
        assert task.source.suffix == task.target.suffix == ".mp4"
        for frame in range(self.frames):
            progress(frame, self.frames)
            while not self.wait.wait(0.02):
                cancel.check()
        progress(self.frames, self.frames)
        task.target.write_bytes(b"coloured" + FILM)


def post(live: Running, *files: tuple[str, bytes], **options: Any) -> Any:
    """A job that is accepted."""
    answer = live.client.post("/v1/jobs", files=[("file", each) for each in files], data=options)
    assert answer.status_code == 202, answer.text
    found = answer.json()
    assert answer.headers["location"] == found["links"]["self"]
    assert found["state"] == "queued"
    return found


def ended(live: Running, job: Any) -> Any:
    """The job when it is over."""
    found: Any = None

    def over() -> bool:
        nonlocal found
        found = live.client.get(job["links"]["self"]).json()
        return found["state"] in ("done", "failed", "cancelled")

    wait_for(over)
    return found


def packed(live: Running, job: Any) -> dict[str, bytes]:
    """The files of a job's result, by their names."""
    answer = live.client.get(f"{job['links']['self']}/result")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert "attachment" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}
