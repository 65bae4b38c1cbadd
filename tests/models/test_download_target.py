"""Where downloads go: files that are there, full disks, several processes, no network."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from photochrom.errors import ArgumentError, DownloadError
from photochrom.models import download as module
from photochrom.models.download import download
from tests.helpers.file_server import (
    BODY,
    SHA256,
    Page,
    Server,
    assert_complete,
    assert_tells_the_way_by_hand,
    fetch,
    names,
    ranges,
)

SOURCES = Path(module.__file__).parents[2]


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
