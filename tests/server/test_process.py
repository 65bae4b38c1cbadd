"""The service as a process: killed, stopped, started again; its log."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import stat
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from photochrom import ArgumentError, ModelNotFoundError
from photochrom.server.service import Service
from photochrom.server.settings import Settings
from tests.helpers.server_running import Process, check_error, model, picture, process, wait_for

JPEG = picture()
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="sends the signals of POSIX")


def large(number: int) -> bytes:
    """A picture that takes a while: some tenths of a second."""
    return picture("png", 2400, 1800 + number)


def over(live: Process, job: Any) -> Any:
    found: Any = None

    def ended() -> bool:
        nonlocal found
        found = live.client.get(job["links"]["self"]).json()
        return found["state"] in ("done", "failed")

    wait_for(ended, 60)
    return found


def result(live: Process, job: Any) -> dict[str, bytes]:
    data = live.client.get(f"{job['links']['self']}/result").content
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.mark.slow
@POSIX
def test_killed_in_the_middle_of_a_job(tmp_path: Path) -> None:
    """kill -9: the job that ran goes on where it was, and nothing else is disturbed."""
    with process(tmp_path) as live:
        earlier = live.client.post("/v1/jobs", files={"file": ("early.jpg", JPEG)}).json()
        assert over(live, earlier)["state"] == "done"
        files = [("file", (f"{n}.png", large(n))) for n in range(8)]
        job = live.client.post("/v1/jobs", files=files).json()
        later = live.client.post("/v1/jobs", files={"file": ("late.jpg", JPEG)}).json()
        wait_for(lambda: live.client.get(job["links"]["self"]).json()["done"] >= 2)
        live.process.send_signal(signal.SIGKILL)
        live.process.wait()
        place = tmp_path / "state" / "jobs" / job["id"]
        before = {path.name: path.read_bytes() for path in place.glob("out/0*")}
        assert 2 <= len(before) < 8
        for path in place.glob("out/0*"):  # what is finished is not done again
            path.write_bytes(path.read_bytes() + b"first run")
    with process(tmp_path) as live:
        (event,) = [each for each in live.events() if each["event"] == "jobs of an earlier run"]
        assert event["resumed"] == 1
        found = over(live, job)
        assert (found["state"], found["done"]) == ("done", 8)
        packed = result(live, job)
        assert list(packed) == [f"{n}.png" for n in range(8)]
        marked = [name for name, data in packed.items() if data.endswith(b"first run")]
        assert marked == [f"{n}.png" for n in range(len(before))]
        assert over(live, later)["state"] == "done"
        assert list(result(live, later)) == ["late.jpg"]
        assert list(result(live, earlier)) == ["early.jpg"]
        assert live.client.post("/v1/colorize", content=JPEG).status_code == 200
        assert not list((tmp_path / "state" / "uploads").iterdir())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker by /proc")
def test_a_graceful_end(tmp_path: Path) -> None:
    """What can be answered is answered, the rest gets 503; the job is put back; the end is near."""
    large = picture("jpeg", 4000, 3000)
    with process(tmp_path, "--grace", "2") as live, ThreadPoolExecutor(2) as pool:
        job = live.client.post("/v1/jobs", content=large).json()
        wait_for(lambda: live.client.get(job["links"]["self"]).json()["state"] == "running")
        worker = live.worker()
        os.kill(worker, signal.SIGSTOP)
        small = pool.submit(httpx.post, f"{live.url}/v1/colorize", content=JPEG, timeout=30)
        wait_for(lambda: live.places_taken() == 1)
        slow = pool.submit(httpx.post, f"{live.url}/v1/colorize", content=large, timeout=30)
        wait_for(lambda: live.places_taken() == 2)
        with httpx.stream("GET", f"{live.url}{job['links']['events']}", timeout=30) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("event")
            live.process.send_signal(signal.SIGTERM)
            start = time.monotonic()
            list(lines)  # ends, though the job has not
        check_error(httpx.get(f"{live.url}/readyz"), 503, "unavailable", "stops")
        assert httpx.get(f"{live.url}/healthz").status_code == 200
        check_error(httpx.post(f"{live.url}/v1/colorize", content=JPEG), 503, "unavailable")
        os.kill(worker, signal.SIGCONT)
        assert small.result().status_code == 200
        with contextlib.suppress(ProcessLookupError):
            os.kill(live.worker(), signal.SIGSTOP)
        check_error(slow.result(), 503, "unavailable", "stops")
        assert slow.result().headers["retry-after"]
        live.process.wait(20)
        assert time.monotonic() - start < 10
        told = [each["event"] for each in live.events()]
        assert "job interrupted" in told
        assert "stopped" in told


def test_log_modes_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of JSON with ids, nothing of what was sent; limits from the environment."""
    monkeypatch.setenv("PHOTOCHROM_MAX_PIXELS", "2000")
    monkeypatch.setenv("PHOTOCHROM_MAX_UPLOAD", "0.01")
    with process(tmp_path) as live:
        answer = live.client.post(
            "/v1/colorize?hints=[]&vividness=1.25", files={"file": ("grandma-secret.jpg", JPEG)}
        )
        assert answer.status_code == 200
        job = live.client.post("/v1/jobs", files={"file": ("grandma-secret.jpg", JPEG)}).json()
        live.client.post("/v1/colorize", content=b"secret text")
        refused = live.client.post("/v1/colorize", content=picture(width=60, height=60))
        check_error(refused, 413, "too_large", "2,000 pixels")
        refused = live.client.post("/v1/colorize", content=bytes(10_001))
        check_error(refused, 413, "too_large", "10,000 bytes")
        found = [each for each in live.events() if each["event"] == "request"]
        assert found[0]["request_id"] == answer.headers["x-request-id"]
        assert found[0]["status"] == 200
        assert found[0]["route"] == "/v1/colorize"
        assert found[0]["milliseconds"] > 0
        text = live.log.read_text()
        assert "secret" not in text
        assert "1.25" not in text
        assert over(live, job)["state"] == "done"  # files of a job come and go until then
        state = tmp_path / "state"
        for path in [state, *state.rglob("*")]:
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077 or sys.platform == "win32", path


def test_mistakes_of_the_operator(tmp_path: Path) -> None:
    """Nothing listens when a setting is wrong."""
    tiny = str(model(tmp_path))
    with pytest.raises(ArgumentError, match="tiny twice"):
        Service(Settings(folder=tmp_path, models=(tiny, tiny)))
    with pytest.raises(ModelNotFoundError):
        Service(Settings(folder=tmp_path, models=("no-such-model",)))
    for wrong in ({"timeout": 0}, {"queue": -1}, {"models": ()}, {"max_upload": float("nan")}):
        with pytest.raises(ArgumentError):
            Settings(folder=tmp_path, **wrong)


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in containers, where a uid has no entry in the list of users."""

    def unknown(name: str) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("PHOTOCHROM_HOME", raising=False)
    monkeypatch.setattr("platformdirs.user_state_path", unknown)
    assert not Settings().folder.parent.parent.exists()
