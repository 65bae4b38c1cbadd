"""What is too large, too slow or too much gets a clear answer, and its place is free again."""

from __future__ import annotations

import contextlib
import io
import socket
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from photochrom.server.workers.messages import WorkerFault
from photochrom.server.workers.process import WorkerProcess
from tests.helpers import bombs
from tests.helpers.limited_server import idle, limited, received
from tests.helpers.server_running import Gate, Running, check_error, picture, running, wait_for

JPEG = picture()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with limited(tmp_path_factory.mktemp("server")) as found:
        yield found


def test_a_decompression_bomb(live: Running) -> None:
    bomb = bombs.png(20_000, 20_000)
    assert len(bomb) < 500_000
    start = time.monotonic()
    answer = live.client.post("/v1/colorize", content=bomb)
    check_error(answer, 413, "too_large", "100,000 pixels", "20000 x 20000")
    assert "max_pixels" not in answer.text
    assert time.monotonic() - start < 5


def test_pages_that_are_too_large_together(live: Running) -> None:
    from PIL import Image

    buffer = io.BytesIO()
    pages = [Image.new("L", (200, 200)) for _ in range(3)]
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:], compression="packbits")
    answer = live.client.post("/v1/colorize", content=buffer.getvalue())
    check_error(answer, 413, "too_large", "pages together")


@pytest.mark.parametrize("path", ["/v1/colorize", "/v1/jobs"])
def test_a_stated_length_of_2_gb(live: Running, path: str) -> None:
    with socket.create_connection(live.address) as line:
        line.settimeout(5)
        line.sendall(
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2147483648\r\n\r\n".encode()
        )
        check_error(received(line), 413, "too_large", "bytes")
    idle(live)


def test_2_gb_are_refused_before_a_client_that_asks_sends_them(live: Running) -> None:
    with socket.create_connection(live.address) as line:
        line.settimeout(5)
        line.sendall(
            b"POST /v1/colorize HTTP/1.1\r\nHost: x\r\nContent-Length: 2147483648\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        check_error(received(line), 413, "too_large")  # no "100 Continue" before it


def test_chunks_without_end(live: Running) -> None:
    """A client that goes on sending up to 2 GB can read the answer, and is cut off."""
    before = live.service.pool.taken
    sent, chunk = 0, b"10000\r\n" + bytes(65536) + b"\r\n"
    with socket.create_connection(live.address) as line:
        line.settimeout(5)
        line.sendall(
            b"POST /v1/colorize HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: image/jpeg\r\n\r\n"
        )
        line.setblocking(False)
        answer = b""
        while not answer and sent < 2 << 30:
            try:
                line.sendall(chunk)
                sent += len(chunk)
            except BlockingIOError:
                line.settimeout(5)
                line.sendall(b"")
            line.setblocking(False)
            try:
                answer = line.recv(65536)
            except BlockingIOError:
                time.sleep(0.001)
    assert answer.startswith(b"HTTP/1.1 413")
    assert sent < 64 << 20
    assert live.service.pool.taken == before == 0


def test_a_large_form(live: Running) -> None:
    answer = live.client.post("/v1/colorize", files={"file": bytes(600_000)})
    check_error(answer, 413, "too_large", "500,000 bytes")
    fields = {"hints": "[" + " " * 2_000_000 + "]"}
    answer = live.client.post("/v1/colorize", files={"file": JPEG}, data=fields)
    check_error(answer, 413, "too_large")
    many = {f"f{n}": "1" for n in range(60)}
    answer = live.client.post("/v1/colorize", files={"file": JPEG}, data=many)
    check_error(answer, 413, "too_large", "Too many fields")
    answer = live.client.post("/v1/jobs", files=[("file", JPEG)] * 4)
    check_error(answer, 413, "too_large", "Too many files")
    answer = live.client.post("/v1/jobs", files=[("file", JPEG), ("file", JPEG + bytes(600_000))])
    check_error(answer, 413, "too_large", "file 2 of 2")


def test_event_streams_of_one_client(live: Running) -> None:
    with Gate() as gate, contextlib.ExitStack() as stack:
        job = live.client.post("/v1/jobs", content=JPEG).json()
        wait_for(lambda: gate.calls == 1)
        url = live.url + job["links"]["events"]
        streams = []
        for _ in range(3):
            answer = stack.enter_context(httpx.stream("GET", url, timeout=10))
            assert answer.status_code == 200
            streams.append(answer.iter_lines())  # they are closed with their iterators
            assert next(streams[-1]).startswith("event")
        check_error(httpx.get(url), 429, "busy", "event streams")
        assert live.client.get(job["links"]["self"]).status_code == 200
        assert live.client.get("/healthz").status_code == 200
    wait_for(lambda: not live.service.stream_limit._now)


def test_requests_of_one_client(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.service.picture_limit, "_per_client", 1)
    with Gate() as gate, ThreadPoolExecutor(1) as pool:
        first = pool.submit(httpx.post, f"{live.url}/v1/colorize", content=JPEG, timeout=30)
        wait_for(lambda: gate.calls == 1)
        check_error(live.client.post("/v1/colorize", content=JPEG), 429, "busy", "one client")
        proxied = {"X-Forwarded-For": "192.0.2.9"}  # another one
        waiting = pool.submit(
            httpx.post, f"{live.url}/v1/colorize", content=JPEG, headers=proxied, timeout=30
        )
        gate.open.set()
        assert first.result().status_code == waiting.result().status_code == 200
    idle(live)


def test_a_full_queue(live: Running) -> None:
    with ThreadPoolExecutor(3) as pool:
        with Gate() as gate:
            waiting = [
                pool.submit(httpx.post, f"{live.url}/v1/colorize", content=JPEG, timeout=30)
                for _ in range(3)
            ]
            wait_for(lambda: live.service.pool.taken == 3 and gate.calls == 1)
            answer = live.client.post("/v1/colorize", content=JPEG)
            check_error(answer, 429, "busy", "wait")
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert live.client.get("/healthz").status_code == 200  # the event loop is free
        assert [each.result().status_code for each in waiting] == [200] * 3
    idle(live)


def test_a_picture_that_takes_too_long(live: Running) -> None:
    with Gate():
        answer = live.client.post("/v1/colorize", content=JPEG)
        check_error(answer, 503, "unavailable", "2.5 s")
        assert answer.headers["retry-after"]
    idle(live)
    assert live.client.post("/v1/colorize", content=JPEG).status_code == 200


def test_a_full_queue_of_jobs(tmp_path: Path) -> None:
    with running(tmp_path, max_jobs=1) as live, Gate() as gate:
        first = live.client.post("/v1/jobs", content=JPEG)
        wait_for(lambda: gate.calls == 1)
        second = live.client.post("/v1/jobs", content=JPEG)
        assert first.status_code == second.status_code == 202
        answer = live.client.post("/v1/jobs", content=JPEG)
        check_error(answer, 429, "busy", "jobs")
        assert answer.headers["retry-after"]


def test_a_full_disk(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.service.jobs.files, "free", lambda: 1000)
    answer = live.client.post("/v1/jobs", content=JPEG)
    check_error(answer, 503, "unavailable", "disk")
    assert answer.headers["retry-after"]
    monkeypatch.undo()

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(live.service.jobs.files, "take", full)
    check_error(live.client.post("/v1/jobs", content=JPEG), 503, "unavailable", "disk")


def test_an_error_of_our_own(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> None:
        raise WorkerFault("ZeroDivisionError: secret")

    monkeypatch.setattr(WorkerProcess, "run", broken)
    answer = live.client.post("/v1/colorize", content=JPEG)
    assert "secret" not in check_error(answer, 500, "internal", "log")


def test_a_zip_is_no_picture(live: Running) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.jpg", JPEG)
    answer = live.client.post("/v1/jobs", content=buffer.getvalue())
    check_error(answer, 415, "unsupported", "archive")
