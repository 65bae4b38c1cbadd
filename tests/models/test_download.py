"""Downloads from a server that breaks, lies and refuses in every way we know."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from photochrom.errors import DownloadError
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


def part_of(target: Path, content: bytes) -> Path:
    target.parent.mkdir(exist_ok=True)
    part = target.with_name("net.onnx.part")
    part.write_bytes(content)
    return part


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
