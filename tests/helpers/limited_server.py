"""A service with small limits, and what comes through a socket to it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from photochrom.server.http.connection import ConnectionLimits
from tests.helpers.server_running import Running, running, wait_for

LIMITS = ConnectionLimits()


@contextmanager
def limited(folder: Path) -> Iterator[Running]:
    """A service that takes small files, few of them, and for a short time, by `LIMITS` too."""
    with running(
        folder,
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
