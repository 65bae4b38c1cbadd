"""Downloads from a server on 127.0.0.1 that breaks, lies and refuses in every way we know."""

from __future__ import annotations

import errno
import hashlib
import http.server
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from photochrom.errors import ArgumentError, DownloadError
from photochrom.models import download as module
from photochrom.models.download import download

BODY = random.Random(1).randbytes(500_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
SOURCES = Path(module.__file__).parents[2]


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


def names(folder: Path) -> list[str]:
    """What a user sees in the folder; the locks between processes are hidden."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".locks")


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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv(module.OFFLINE_VARIABLE, raising=False)
    monkeypatch.setattr(module, "_BACKOFF", 0.0)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "net.onnx"


def part_of(target: Path, content: bytes) -> Path:
    target.parent.mkdir(exist_ok=True)
    part = target.with_name("net.onnx.part")
    part.write_bytes(content)
    return part


def fetch(server: Server, target: Path, *paths: str, **options: Any) -> Path:
    urls = [server.url(path) for path in paths or ("/net",)]
    return download(urls, target, **{"size": len(BODY), "sha256": SHA256, **options})


def assert_complete(target: Path) -> None:
    assert target.read_bytes() == BODY
    assert names(target.parent) == [target.name]


def ranges(server: Server) -> list[str | None]:
    return [headers.get("Range") for _, headers in server.requests]


def test_brings_the_file(server: Server, target: Path) -> None:
    server.pages["/net"] = Page()
    assert fetch(server, target) == target
    assert_complete(target)
    headers = server.requests[0][1]
    assert headers["User-Agent"].startswith("photochrom/")
    assert "Range" not in headers


@pytest.mark.parametrize("length", [True, False])
def test_resumes_after_broken_connections(server: Server, target: Path, length: bool) -> None:
    server.pages["/net"] = Page(cuts=[200_000, 1, 100_000], length=length)
    fetch(server, target)
    assert_complete(target)
    assert ranges(server) == [None, "bytes=200000-", "bytes=200001-", "bytes=300001-"]
    assert [headers.get("If-Range") for _, headers in server.requests[1:]] == ['"one"'] * 3


def test_breaks_without_end_are_given_up(server: Server, target: Path) -> None:
    server.pages["/net"] = Page(cuts=[10, *[0] * 50])
    with pytest.raises(DownloadError, match="connection ended after 10 bytes"):
        fetch(server, target)
    assert len(server.requests) < 10
    assert target.with_name("net.onnx.part").read_bytes() == BODY[:10]
    assert not target.exists()
    server.pages["/net"] = Page()
    fetch(server, target)
    assert_complete(target)
    assert ranges(server)[-1] == "bytes=10-"


def test_weak_tag_is_not_used(server: Server, target: Path) -> None:
    server.pages["/net"] = Page(cuts=[10], etag='W/"one"')
    fetch(server, target)
    assert_complete(target)
    assert "If-Range" not in server.requests[1][1]


def test_file_changed_between_two_requests(server: Server, target: Path) -> None:
    old = Page(body=bytes(len(BODY)), cuts=[200_000])

    def change(sent: int) -> None:
        if sent == 200_000:
            server.pages["/net"] = Page(etag='"two"')

    old.after = change
    server.pages["/net"] = old
    fetch(server, target)
    assert_complete(target)
    assert len(server.requests) == 2  # the answer to If-Range was the whole new file


def test_server_without_ranges(server: Server, target: Path) -> None:
    server.pages["/net"] = Page(ranges=False, cuts=[200_000])
    fetch(server, target)
    assert_complete(target)
    assert len(server.requests) == 2


def test_part_of_an_earlier_run_is_used(server: Server, target: Path) -> None:
    part_of(target, BODY[:123_456])
    server.pages["/net"] = Page()
    fetch(server, target)
    assert_complete(target)
    assert ranges(server) == ["bytes=123456-"]


def test_complete_part_of_an_earlier_run(server: Server, target: Path) -> None:
    part_of(target, BODY)
    fetch(server, target)
    assert_complete(target)
    assert not server.requests


@pytest.mark.parametrize("length", [1000, len(BODY), len(BODY) + 1])
def test_bad_part_of_an_earlier_run(server: Server, target: Path, length: int) -> None:
    part_of(target, bytes(length))
    server.pages["/net"] = Page()
    fetch(server, target)
    assert_complete(target)
    assert ranges(server)[-1] is None


@pytest.mark.parametrize("body", [BODY + b"more", BODY[:-4], BODY[:900]])
def test_size_changed_since_an_earlier_run(server: Server, target: Path, body: bytes) -> None:
    part_of(target, BODY[:1000])
    server.pages["/net"] = Page(body=body)
    with pytest.raises(DownloadError, match=f"has {len(body):,} bytes"):
        fetch(server, target)
    assert ranges(server) == ["bytes=1000-"]
    assert not target.exists()


def test_range_refused_without_a_reason(server: Server, target: Path) -> None:
    part_of(target, BODY[:1000])

    def recover(sent: int) -> None:
        server.pages["/net"] = Page()

    server.pages["/net"] = Page(body=BODY[:900], length=False, after=recover)
    fetch(server, target)
    assert_complete(target)
    assert ranges(server)[:2] == ["bytes=1000-", None]


def test_range_refused_for_ever(server: Server, target: Path) -> None:
    part_of(target, BODY[:1000])
    server.pages["/net"] = Page(status=416, body=b"?", ranges=False)
    with pytest.raises(DownloadError, match="HTTP 416"):
        fetch(server, target)
    assert len(server.requests) < 10


def test_wrong_hash(server: Server, target: Path) -> None:
    body = bytes(len(BODY))
    server.pages["/net"] = Page(body=body)
    with pytest.raises(DownloadError, match=hashlib.sha256(body).hexdigest()) as caught:
        fetch(server, target)
    assert len(server.requests) == 1
    assert not names(target.parent)
    assert_tells_the_way_by_hand(caught.value, server, target)


@pytest.mark.parametrize("ranges", [True, False])
def test_wrong_hash_after_a_resume(server: Server, target: Path, ranges: bool) -> None:
    part_of(target, BODY[:1000])
    server.pages["/net"] = Page(body=bytes(len(BODY)), ranges=ranges)
    with pytest.raises(DownloadError, match="wrong bytes"):
        fetch(server, target)
    # Once more from the start only if the bytes of before can have been the bad ones.
    assert len(server.requests) == (2 if ranges else 1)
    assert not names(target.parent)


def test_other_range_than_asked_for(server: Server, target: Path) -> None:
    part_of(target, BODY[:1000])
    server.pages["/net"] = Page(first=0)
    fetch(server, target)
    assert_complete(target)
    assert len(server.requests) == 2


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("body", [BODY + b"more", BODY[:-4]], ids=["longer", "shorter"])
def test_wrong_size(server: Server, target: Path, body: bytes, length: bool) -> None:
    server.pages["/net"] = Page(body=body, length=length)
    told = f"has {len(body):,} bytes"
    if not length:  # then a short file looks like a broken connection
        told = "is longer" if len(body) > len(BODY) else f"ended after {len(body):,} bytes"
    with pytest.raises(DownloadError, match=told):
        fetch(server, target)
    assert len(server.requests) < 10
    assert not target.exists()
    left = [] if length or len(body) > len(BODY) else ["net.onnx.part"]
    assert names(target.parent) == left


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"\n<!DOCTYPE html><html><body>Log in</body></html>", "web page"),
        (b"<html><head></head>" + b" " * len(BODY), "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "Git-LFS"),
    ],
)
def test_something_else_than_the_file(server: Server, target: Path, body: bytes, told: str) -> None:
    part = part_of(target, BODY[:1000])
    server.pages["/net"] = Page(body=body, ranges=False)
    with pytest.raises(DownloadError, match=told):
        fetch(server, target)
    assert part.read_bytes() == BODY[:1000]


def test_second_mirror(server: Server, target: Path) -> None:
    server.pages["/good"] = Page()
    fetch(server, target, "/missing", "/good")
    assert_complete(target)
    assert [path for path, _ in server.requests] == ["/missing", "/good"]


def test_second_mirror_goes_on_where_the_first_broke(server: Server, target: Path) -> None:
    server.pages["/bad"] = Page(cuts=[1000, *[0] * 20])
    server.pages["/good"] = Page()
    fetch(server, target, "/bad", "/good")
    assert_complete(target)
    assert server.requests[-1][1]["Range"] == "bytes=1000-"
    assert "If-Range" not in server.requests[-1][1]  # the tag is the first mirror's


def test_all_mirrors_are_named(server: Server, target: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch(server, target, "/one", "/two")
    assert f"{server.url('/one')}: HTTP 404" in str(caught.value)
    assert f"{server.url('/two')}: HTTP 404" in str(caught.value)


def test_busy_server_is_asked_again(server: Server, target: Path) -> None:
    def recover(sent: int) -> None:
        server.pages["/net"] = Page()

    server.pages["/net"] = Page(status=503, body=b"busy", after=recover)
    fetch(server, target)
    assert_complete(target)


def test_redirect(server: Server, target: Path) -> None:
    server.pages["/net"] = Page(body=b"moved", redirect=server.url("/there"))
    server.pages["/there"] = Page(cuts=[100])
    fetch(server, target)
    assert_complete(target)
    assert ranges(server)[-1] == "bytes=100-"


@pytest.mark.parametrize("address", ["ftp://127.0.0.1/net", "file:///etc/hostname"])
def test_redirect_to_another_protocol(server: Server, target: Path, address: str) -> None:
    server.pages["/net"] = Page(body=b"moved", redirect=address)
    with pytest.raises(DownloadError, match=r"unknown url type: ftp|not allowed"):
        fetch(server, target)
    assert not names(target.parent)


def test_nobody_answers(server: Server, target: Path) -> None:
    with Server() as other:
        url = other.url("/net")
    with pytest.raises(DownloadError, match="no connection"):
        download([url], target, size=len(BODY), sha256=SHA256)


def test_silence_counts_as_broken(server: Server, target: Path) -> None:
    release = threading.Event()

    def stall(sent: int) -> None:
        server.pages["/net"] = Page()
        release.wait(5)

    server.pages["/net"] = Page(after=stall)
    try:
        fetch(server, target, timeout=0.2)
    finally:
        release.set()
    assert_complete(target)


def assert_tells_the_way_by_hand(error: DownloadError, server: Server, target: Path) -> None:
    for needed in (server.url("/net"), str(target), SHA256):
        assert needed in error.fix
    assert "\n" not in str(error)


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_offline(server: Server, target: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server.pages["/net"] = Page()
    if how == "environment":
        monkeypatch.setenv(module.OFFLINE_VARIABLE, "1")
    with pytest.raises(DownloadError, match="offline") as caught:
        fetch(server, target, offline=how == "argument")
    assert_tells_the_way_by_hand(caught.value, server, target)
    target.parent.mkdir()
    target.write_bytes(BODY)  # the way by hand
    assert fetch(server, target, offline=True) == target
    assert not server.requests


def test_environment_can_say_online(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(module.OFFLINE_VARIABLE, "0")
    server.pages["/net"] = Page()
    fetch(server, target)
    assert_complete(target)


def test_existing_good_file(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(BODY)
    seen: list[tuple[int, int]] = []
    fetch(server, target, progress=lambda *numbers: seen.append(numbers))
    assert not server.requests
    assert seen == [(len(BODY), len(BODY))]


def test_existing_bad_file_stays_until_the_good_one_is_there(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"old")
    with pytest.raises(DownloadError):
        fetch(server, target, "/missing")
    assert target.read_bytes() == b"old"
    server.pages["/net"] = Page()
    fetch(server, target)
    assert_complete(target)


def test_folder_that_cannot_be_made(server: Server, tmp_path: Path) -> None:
    server.pages["/net"] = Page()
    (tmp_path / "models").write_text("a file where a folder should be")
    with pytest.raises(DownloadError, match="a folder that can be written"):
        fetch(server, tmp_path / "models" / "net.onnx")


def test_folder_that_is_read_only(server: Server, target: Path) -> None:
    target.parent.mkdir(mode=0o500)
    if os.access(target.parent, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(DownloadError, match="a folder that can be written"):
        fetch(server, target)
    target.parent.chmod(0o700)


@pytest.mark.parametrize("method", ["write", "flush"])
def test_disk_full(
    server: Server, target: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pages["/net"] = Page()
    plain_open = Path.open

    class Full:
        def __init__(self, file: Any) -> None:
            self.file, self.left = file, 100_000

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def fileno(self) -> int:
            return int(self.file.fileno())

        def flush(self) -> None:
            if method == "flush":
                raise OSError(errno.ENOSPC, "No space left on device")

        def write(self, data: bytes) -> int:
            self.left -= len(data)
            if method == "write" and self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return int(self.file.write(data))

    def open_full(path: Path, mode: str = "r", **options: Any) -> Any:
        file = plain_open(path, mode, **options)
        return Full(file) if path.suffix == ".part" and mode in ("wb", "ab") else file

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(DownloadError, match="a full disk; free some space") as caught:
        fetch(server, target, "/net", "/net")
    assert len(server.requests) == 1  # another mirror would not help
    assert not names(target.parent)
    assert_tells_the_way_by_hand(caught.value, server, target)


def test_progress_never_falls(server: Server, target: Path) -> None:
    server.pages["/net"] = Page(ranges=False, cuts=[300_000, 100_000])
    seen: list[tuple[int, int]] = []
    fetch(server, target, progress=lambda *numbers: seen.append(numbers))
    done = [number for number, _ in seen]
    assert done == sorted(set(done))
    assert len(done) > 3
    assert seen[-1] == (len(BODY), len(BODY))
    assert {total for _, total in seen} == {len(BODY)}


def test_two_at_once_fetch_once(server: Server, target: Path) -> None:
    server.pages["/net"] = Page(after=lambda sent: time.sleep(0.03))
    seen: list[list[int]] = [[], [], []]
    threads = [
        threading.Thread(
            target=fetch,
            args=(server, target),
            kwargs={"progress": lambda done, total, mine=mine: mine.append(done)},
        )
        for mine in seen
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_complete(target)
    assert len(server.requests) == 1
    for mine in seen:
        assert mine == sorted(set(mine))
        assert mine[-1] == len(BODY)


def other_process(url: str, target: Path) -> subprocess.Popen[bytes]:
    program = (
        "import sys; from pathlib import Path; from photochrom.models.download import download;"
        f"download([{url!r}], Path({str(target)!r}), size={len(BODY)}, sha256={SHA256!r})"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    return subprocess.Popen([sys.executable, "-c", program], env=environment)


def test_two_processes(server: Server, target: Path) -> None:
    server.pages["/net"] = Page(after=lambda sent: time.sleep(0.1))
    with other_process(server.url("/net"), target) as other:
        fetch(server, target)
        assert other.wait(30) == 0
    assert_complete(target)
    assert len(server.requests) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_process_leaves_its_part_and_no_lock(server: Server, target: Path) -> None:
    reached, release = threading.Event(), threading.Event()

    def stall(sent: int) -> None:
        if sent == 300_000:
            reached.set()
            release.wait(20)

    server.pages["/net"] = Page(after=stall)
    part = target.with_name("net.onnx.part")
    with other_process(server.url("/net"), target) as other:
        assert reached.wait(20)
        while not part.exists() or part.stat().st_size < 200_000:
            time.sleep(0.01)
        other.send_signal(signal.SIGKILL)
    release.set()
    server.pages["/net"] = Page()
    fetch(server, target)
    assert_complete(target)
    first = int(str(ranges(server)[-1]).removeprefix("bytes=").removesuffix("-"))
    assert 200_000 <= first <= 300_000


@pytest.mark.parametrize(
    "change",
    [
        {"urls": ["ftp://example.org/net"]},
        {"urls": ["file:///etc/hostname"]},
        {"urls": []},
        {"size": 0},
        {"sha256": SHA256.upper()},
        {"sha256": "abc"},
    ],
)
def test_arguments(target: Path, change: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "urls": ["https://example.org/net"],
        "size": len(BODY),
        "sha256": SHA256,
    }
    given = good | change
    with pytest.raises(ArgumentError):
        download(given.pop("urls"), target, offline=True, **given)
