"""Connections that are slow, not read, closed or too many keep no place and are cut off."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.helpers.limited_server import LIMITS, idle, limited, received
from tests.helpers.server_running import Gate, Running, check_error, picture, wait_for

JPEG = picture()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with limited(tmp_path_factory.mktemp("server")) as found:
        yield found


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


def test_what_is_not_http(live: Running) -> None:
    with socket.create_connection(live.address) as line:
        line.settimeout(5)
        line.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        check_error(received(line), 400, "bad_request")


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
