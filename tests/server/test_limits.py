"""What is too large, too slow or too much gets a clear answer, and its place is free again."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from photochrom.server.http.connection import ConnectionLimits
from photochrom.server.workers.messages import WorkerFault
from photochrom.server.workers.process import WorkerProcess
from tests.helpers.server_running import Gate, Running, check_error, picture, running, wait_for

JPEG = picture()
LIMITS = ConnectionLimits()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(
        tmp_path_factory.mktemp("server"),
        max_upload=0.5,
        max_job_upload=1,
        max_pixels=100_000,
        max_files=3,
        timeout=2.5,
        queue=2,
        per_client=3,
        limits=LIMITS,
    ) as found:
        yield found


def idle(live: Running) -> None:
    """Nothing waits and nothing works any more."""
    wait_for(lambda: live.service.pool.taken == live.service.pool.working == 0)


def png_bomb(width: int, height: int) -> bytes:
    """A PNG that claims, and has, far more pixels than bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    packer = zlib.compressobj(9)
    row = bytes(width // 8 + 1)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_a_decompression_bomb(live: Running) -> None:
    bomb = png_bomb(20_000, 20_000)
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


def test_a_body_that_drips(live: Running) -> None:
    with socket.create_connection(live.address) as line:
        line.settimeout(5)
        line.sendall(b"POST /v1/colorize HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(4):
            line.sendall(b"x")
            time.sleep(0.3)
        check_error(received(line), 408, "too_slow", "2.5 s")
        assert line.recv(100) == b""  # and hangs up
    idle(live)


def test_a_head_that_drips(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LIMITS, "head", 0.3)
    with socket.create_connection(live.address) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        line.settimeout(0.05)
        answer, sent = b"", 0
        while not answer and sent < 400:  # also while the service answers: it reads on for a while
            line.sendall(b"o")
            sent += 1
            with contextlib.suppress(TimeoutError):
                answer = line.recv(1, socket.MSG_PEEK)
        line.settimeout(5)
        answered = received(line)
        check_error(answered, 408, "too_slow", "head")
        assert answered.headers["x-request-id"]


def test_a_connection_that_says_nothing(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LIMITS, "head", 0.3)
    with socket.create_connection(live.address) as line:
        line.settimeout(5)
        assert line.recv(100) == b""


def test_a_rest_that_nobody_reads(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the answer a client may not go on sending for ever."""
    monkeypatch.setattr(LIMITS, "head", 0.5)
    with socket.create_connection(live.address) as line:
        line.settimeout(5)
        line.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n")
        check_error(received(line), 404, "not_found")

        def go_on() -> None:
            for _ in range(30):
                line.sendall(b"x")
                time.sleep(0.05)

        with pytest.raises(OSError, match=r"[Bb]roken|reset"):
            go_on()


def test_heads_without_end_take_no_place(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest idle connections are closed, and whoever asks something is answered."""
    monkeypatch.setattr(LIMITS, "most", 20)
    lines = []
    try:
        for _ in range(60):
            line = socket.create_connection(live.address)
            line.sendall(b"GET /healthz HTTP/1.1\r\nHo")
            lines.append(line)
        for path in ("/healthz", "/readyz", "/metrics"):
            assert httpx.get(live.url + path).status_code == 200
        lines[0].settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert lines[0].recv(100) == b""
    finally:
        for line in lines:
            line.close()


def test_connections_of_one_address(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LIMITS, "per_address", 5)
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(socket.create_connection(live.address)) for _ in range(30)]
        assert httpx.get(f"{live.url}/healthz").status_code == 200
        lines[0].settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert lines[0].recv(100) == b""


def test_a_client_that_does_not_read(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps no place, and is cut off; nothing of its answer stays."""
    monkeypatch.setattr(LIMITS, "write", 0.5)
    large = picture("bmp", 390, 250)
    answer_size = 3 * len(large)
    head = b"POST /v1/colorize?format=bmp HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(live.address)
        with Gate() as gate:
            line.sendall(head % len(large) + large)
            wait_for(lambda: gate.calls == 1)
        idle(live)
        assert live.client.post("/v1/colorize", content=JPEG).status_code == 200
        assert list(live.service.jobs.files.uploads.iterdir()) == []
        time.sleep(0.7)
        line.settimeout(5)
        got = 0
        with contextlib.suppress(ConnectionResetError):
            while data := line.recv(65536):
                got += len(data)
    assert got < answer_size


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


def test_what_is_not_http(live: Running) -> None:
    with socket.create_connection(live.address) as line:
        line.settimeout(5)
        line.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        check_error(received(line), 400, "bad_request")


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


def test_a_client_that_hangs_up(live: Running) -> None:
    request = (
        b"POST /v1/colorize HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(JPEG)
    ) + JPEG
    pool, before = live.service.pool, hung_up(live)
    with Gate() as gate:
        at_work, *waiting = (socket.create_connection(live.address) for _ in range(3))
        at_work.sendall(request)
        wait_for(lambda: gate.calls == 1)
        for line in waiting:
            line.sendall(request)
        wait_for(lambda: pool.taken == 3)
        for line in waiting:
            line.close()
        wait_for(lambda: pool.taken == 1)
        at_work.close()
        wait_for(lambda: pool.taken == 0)
    idle(live)
    assert gate.calls == 1  # those that waited were never begun
    assert hung_up(live) == before + 3


def hung_up(live: Running) -> float:
    """Requests for pictures whose clients did not wait, by the metrics."""
    text = live.client.get("/metrics").text
    found = re.search(r'route="/v1/colorize",status="499"} ([0-9.]+)', text)
    return 0.0 if found is None else float(found[1])


def test_a_client_that_hangs_up_while_it_sends(live: Running) -> None:
    with socket.create_connection(live.address) as line:
        line.sendall(b"POST /v1/colorize HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        wait_for(lambda: live.service.pool.taken == 1)
    idle(live)


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


def received(line: socket.socket) -> httpx.Response:
    """The answer that comes through a socket."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += line.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = dict(each.split(": ", 1) for each in rest)
    found = {name.lower(): value for name, value in headers.items()}
    while len(body) < int(found["content-length"]):
        body += line.recv(65536)
    json.loads(body)
    return httpx.Response(int(first.split()[1]), headers=found, content=body)
