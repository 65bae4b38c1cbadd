"""A file server on 127.0.0.1 that breaks, lies and refuses, and downloads from it."""

from __future__ import annotations

import hashlib
import http.server
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from photochrom.errors import DownloadError
from photochrom.models.download import download

BODY = random.Random(1).randbytes(500_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


@dataclass
class Page:
    """What the server gives at one path.

    ``first``: the byte that every answer to a range begins with, whatever was asked for.
    ``cuts``: after how many bytes the n-th answer breaks off. ``after``: called with the bytes
    sent so far, after each block.
    """

    body: bytes = BODY
    status: int = 200
    ranges: bool = True
    etag: str = '"one"'
    length: bool = True
    first: int | None = None
    cuts: list[int] = field(default_factory=list)
    redirect: str = ""
    after: Callable[[int], None] = lambda sent: None


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # joined by server_close, so that no socket is left open

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no fault of the server."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        page = self.server.pages.get(self.path, Page(status=404, body=b"no"))
        first, status = 0, 302 if page.redirect else page.status
        wanted = self.headers.get("Range", "")
        if (
            wanted
            and status == 200
            and page.ranges
            and self.headers.get("If-Range", page.etag) == page.etag
        ):
            first, status = int(wanted.removeprefix("bytes=").removesuffix("-")), 206
            first = first if page.first is None else page.first
        if first >= len(page.body):
            self.send_response(416)
            if page.length:
                self.send_header("Content-Range", f"bytes */{len(page.body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(status)
        if page.redirect:
            self.send_header("Location", page.redirect)
        if status == 206:
            size = len(page.body)
            self.send_header("Content-Range", f"bytes {first}-{size - 1}/{size}")
        self.send_header("ETag", page.etag)
        self.send_header("Connection", "close")
        if page.length:
            self.send_header("Content-Length", str(len(page.body) - first))
        self.end_headers()
        last = page.cuts.pop(0) + first if page.cuts else len(page.body)
        for start in range(first, last, 50_000):
            self.wfile.write(page.body[start : min(start + 50_000, last)])
            page.after(min(start + 50_000, last))
        self.close_connection = True


def names(folder: Path) -> list[str]:
    """What a user sees in the folder; the locks between processes are hidden."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".locks")


def fetch(server: Server, target: Path, *paths: str, **options: Any) -> Path:
    urls = [server.url(path) for path in paths or ("/net",)]
    return download(urls, target, **{"size": len(BODY), "sha256": SHA256, **options})


def assert_complete(target: Path) -> None:
    assert target.read_bytes() == BODY
    assert names(target.parent) == [target.name]


def ranges(server: Server) -> list[str | None]:
    return [headers.get("Range") for _, headers in server.requests]


def assert_tells_the_way_by_hand(error: DownloadError, server: Server, target: Path) -> None:
    for needed in (server.url("/net"), str(target), SHA256):
        assert needed in error.fix
    assert "\n" not in str(error)
