"""Worker processes: killed, crashed, too slow; bombs; the service itself stays as it is."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from photochrom.errors import ArgumentError, CancelledError, CancelToken, PictureTooLargeError
from photochrom.server.workers.messages import WorkerFault, decode, decode_error, encode_error
from photochrom.server.workers.process import WorkerProcess
from tests.helpers.bombs import BOMBS
from tests.helpers.server_running import (
    Process,
    Running,
    check_error,
    picture,
    process,
    running,
    wait_for,
)

JPEG = picture()
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and signals")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server"), timeout=15, concurrent=1) as found:
        yield found


def stopped_worker(live: Running) -> int:
    """The worker process, which does nothing until it is continued or killed."""
    (pid,) = live.service.pool.pids()
    os.kill(pid, signal.SIGSTOP)
    return pid


def at_work(live: Running) -> None:
    wait_for(lambda: live.service.pool.working == 1)


def test_a_killed_worker_costs_nothing(live: Running) -> None:
    pid = stopped_worker(live)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.post, f"{live.url}/v1/colorize", content=JPEG, timeout=60)
        at_work(live)
        os.kill(pid, signal.SIGKILL)
        assert answer.result().status_code == 200
    assert live.service.pool.pids() != [pid]
    assert live.service.pool.deaths["SIGKILL"] == 1


def test_a_crash_is_told(live: Running) -> None:
    pid = stopped_worker(live)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.post, f"{live.url}/v1/colorize", content=JPEG, timeout=60)
        at_work(live)
        os.kill(pid, signal.SIGSEGV)
        os.kill(pid, signal.SIGCONT)
        check_error(answer.result(), 422, "invalid", "SIGSEGV")
    assert live.client.post("/v1/colorize", content=JPEG).status_code == 200
    text = live.client.get("/metrics").text
    assert 'photochrom_worker_deaths_total{reason="SIGSEGV"} 1.0' in text


def test_a_worker_that_hangs_is_replaced(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    object.__setattr__(live.service.settings, "timeout", 0.5)
    pid = stopped_worker(live)
    try:
        check_error(live.client.post("/v1/colorize", content=JPEG), 503, "unavailable", "0.5 s")
    finally:
        object.__setattr__(live.service.settings, "timeout", 15)
    wait_for(lambda: live.service.pool.pids() != [pid])
    assert live.client.post("/v1/colorize", content=JPEG).status_code == 200


def test_a_client_that_hangs_up_frees_a_worker_that_hangs(
    live: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photochrom.server.workers.process._PATIENCE", 0.2)
    pid = stopped_worker(live)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{live.url}/v1/colorize", content=JPEG, timeout=0.5)
    wait_for(lambda: live.service.pool.pids() != [pid])


def nothing_left(live: Running) -> bool:
    return not list(live.service.jobs.files.uploads.iterdir())


def test_nothing_is_left_of_a_killed_try(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed while it writes leaves its half-written file."""
    run, parts = WorkerProcess.run, []

    def killed_once(process: WorkerProcess, task: Any, *more: Any) -> Any:
        if not parts:
            parts.append(task.target.with_name("half-written"))
            parts[0].parent.mkdir()
            parts[0].write_bytes(b"half")
            process.kill()
        return run(process, task, *more)

    monkeypatch.setattr(WorkerProcess, "run", killed_once)
    assert live.client.post("/v1/colorize", content=JPEG).status_code == 200
    assert parts
    wait_for(lambda: nothing_left(live))


@pytest.mark.parametrize("failing", [False, True])
def test_nothing_is_left_of_a_task_whose_client_has_gone(
    live: Running, monkeypatch: pytest.MonkeyPatch, failing: bool
) -> None:
    """The worker writes its result after the request has ended and removed its files."""
    run, written = WorkerProcess.run, []

    def late(process: WorkerProcess, task: Any, cancel: CancelToken, *more: Any) -> Any:
        copy = task.source.read_bytes()
        wait_for(cancel.is_set)
        wait_for(lambda: nothing_left(live))
        task.source.write_bytes(copy)
        result = run(process, task, CancelToken(), *more)
        task.source.unlink()
        written.append(task.target.stat().st_size)
        if failing:
            raise CancelledError("cancelled")
        return result

    monkeypatch.setattr(WorkerProcess, "run", late)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{live.url}/v1/colorize", content=JPEG, timeout=0.5)
    wait_for(lambda: written and live.service.pool.working == 0)
    assert nothing_left(live)


def test_small_pictures_do_not_wait_for_large_ones(tmp_path: Path) -> None:
    with running(tmp_path, concurrent=2) as live:
        pool = live.service.pool
        object.__setattr__(pool, "_large", 10_000)
        large = picture("bmp", 300, 300)
        begun, go_on = threading.Semaphore(0), threading.Event()
        monkeypatch = pytest.MonkeyPatch()
        run = type(pool._slots[0].process).run

        def held(process: Any, task: Any, *more: Any) -> Any:
            if task.source.stat().st_size >= 10_000:
                begun.release()
                assert go_on.wait(20)
            return run(process, task, *more)

        monkeypatch.setattr(type(pool._slots[0].process), "run", held)
        with monkeypatch.context(), ThreadPoolExecutor(3) as threads:
            answers = [
                threads.submit(httpx.post, f"{live.url}/v1/colorize", content=large, timeout=60)
                for _ in range(3)
            ]
            assert begun.acquire(timeout=10)
            assert live.client.post("/v1/colorize", content=JPEG).status_code == 200
            assert not begun.acquire(blocking=False)  # the second one waits for the first
            go_on.set()
            assert [each.result().status_code for each in answers] == [200] * 3
        monkeypatch.undo()


def memory(pid: int) -> int:
    """Resident bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS:"))


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with process(
        tmp_path_factory.mktemp("limited"),
        *("--worker-memory", "100", "--max-pixels", "4000000"),
        *("--timeout", "20"),
    ) as found:
        found.client.timeout = 60
        yield found


@pytest.mark.slow
def test_bombs(limited: Process) -> None:
    """Each is answered, with a picture or a reason, and the service's memory does not grow."""
    assert len(BOMBS) >= 20
    assert limited.client.post("/v1/colorize", content=JPEG).status_code == 200
    before = memory(limited.process.pid)
    for name, make in BOMBS.items():
        data = make()
        assert len(data) < 5_000_000, name
        answer = limited.client.post("/v1/colorize", content=data)
        assert answer.status_code in (200, 413, 415, 422, 503), f"{name}: {answer.text}"
        if answer.status_code != 200:
            assert answer.json()["error"]["message"], name
    assert memory(limited.process.pid) - before < 50_000_000
    assert limited.client.post("/v1/colorize", content=JPEG).status_code == 200
    assert limited.process.poll() is None


def test_more_memory_than_allowed(limited: Process) -> None:
    bomb = BOMBS["png of 16 bits and 4 channels"]()
    check_error(limited.client.post("/v1/colorize", content=bomb), 413, "too_large", "than 100 MB")


@pytest.mark.parametrize(
    "error",
    [
        ArgumentError("hints", expected="two", got="one", fix="add one"),
        PictureTooLargeError("the picture is too large", expected="less"),
        MemoryError(),
        CancelledError("cancelled"),
        OSError(28, "No space left on device"),
    ],
)
def test_errors_come_back_as_they_were(error: Exception) -> None:
    back = decode_error(encode_error(error))
    assert type(back) is type(error)
    assert getattr(back, "errno", None) == getattr(error, "errno", None)
    if isinstance(error, ArgumentError):
        assert str(back) == str(error)


def test_faults_come_back_with_their_traceback() -> None:
    try:
        raise ZeroDivisionError("by nought")
    except ZeroDivisionError as error:
        back = decode_error(encode_error(error))
    assert isinstance(back, WorkerFault)
    assert "by nought" in str(back)
    assert "test_workers" in str(back)
    with pytest.raises(ValueError, match=r".*"):
        decode(b"\x80\x04pickled")
