"""Jobs whose sources and results are in stores: one in memory, and an S3 of this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from photochrom.errors import ArgumentError
from photochrom.server.jobs.stores import Stores
from tests.helpers.server_running import Running, check_error, opened, picture, running, wait_for

fsspec = pytest.importorskip("fsspec", reason="stores need the extra archive")
JPEG = picture()
STORE = "memory://bucket/scans"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server"), stores=(f"{STORE}/",), max_upload=1) as found:
        yield found


@pytest.fixture
def store() -> Iterator[Any]:
    fs = fsspec.filesystem("memory")
    fs.pipe("/bucket/scans/a.jpg", JPEG)
    fs.pipe("/bucket/scans/1923/a.jpg", JPEG)
    fs.pipe("/bucket/secret.jpg", JPEG)
    yield fs
    fs.rm("/bucket", recursive=True)


def send(live: Running, sources: Any, **options: Any) -> Any:
    return live.client.post("/v1/jobs", params={"sources": json.dumps(sources), **options})


def ended(live: Running, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    here = answer.json()["links"]["self"]
    wait_for(lambda: live.client.get(here).json()["state"] not in ("queued", "running"))
    found: dict[str, Any] = live.client.get(here).json()
    return found


def test_from_a_store_into_a_store(live: Running, store: Any) -> None:
    sources = [f"{STORE}/a.jpg", f"{STORE}/1923/a.jpg", f"{STORE}/none.jpg"]
    job = ended(live, send(live, sources, target=f"{STORE}/color/", format="png"))
    assert job["state"] == "done"
    assert [each.get("result") for each in job["files"]] == [
        f"{STORE}/color/a.png",
        f"{STORE}/color/a-2.png",
        None,
    ]
    assert "none.jpg cannot be read" in job["files"][2]["error"]
    assert "no such file" in job["files"][2]["error"]
    assert "result" not in job["links"]
    assert opened(store.cat("/bucket/scans/color/a-2.png")).mode == "RGB"
    here = job["links"]["self"]
    check_error(live.client.get(f"{here}/result"), 404, "not_found", "in the store")
    check_error(live.client.get(f"{here}/files/0"), 404, "not_found", f"{STORE}/color/a.png")
    files = live.service.jobs.files.of(job["id"])
    wait_for(lambda: not list(files.iterdir()))  # tidied right after it has ended
    assert store.cat("/bucket/scans/a.jpg") == JPEG


def test_from_a_store_into_a_zip_file(live: Running, store: Any) -> None:
    job = ended(live, send(live, [f"{STORE}/a.jpg"]))
    assert job["state"] == "done"
    assert live.client.get(job["links"]["result"]).content[:2] == b"PK"


def test_files_into_a_store(live: Running, store: Any) -> None:
    files, data = [("file", ("b.jpg", JPEG))], {"target": f"{STORE}/color"}
    job = ended(live, live.client.post("/v1/jobs", files=files, data=data))
    assert job["files"][0]["result"] == f"{STORE}/color/b.jpg"
    assert opened(store.cat("/bucket/scans/color/b.jpg")).mode == "RGB"


def test_a_source_that_is_too_large_or_no_picture(live: Running, store: Any) -> None:
    store.pipe("/bucket/scans/large.jpg", JPEG + bytes(1_000_000))
    store.pipe("/bucket/scans/text.jpg", b"a text")
    job = ended(live, send(live, [f"{STORE}/large.jpg", f"{STORE}/text.jpg"]))
    assert job["state"] == "failed"
    assert "large.jpg is too large: expected at most 1,000,000 bytes" in job["files"][0]["error"]
    assert "expected a picture" in job["files"][1]["error"]


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        (["memory://bucket/secret.jpg"], f"expected addresses under {STORE}/"),
        ([f"{STORE}/../secret.jpg"], "expected addresses under"),
        ([f"{STORE}-2/a.jpg"], "expected addresses under"),
        ([f"{STORE}/a.zip::file:///etc/passwd"], "expected addresses under"),
        (["/etc/passwd"], "expected addresses under"),
        (["file:///etc/passwd"], "expected addresses under"),
        ([], "expected a JSON list"),
        ("a", "expected a JSON list"),
        ([f"{STORE}/a.jpg"] * 2, "different addresses"),
        ([f"{STORE}/a.jpg", f"{STORE}/b.mp4"], "one film"),
    ],
)
def test_what_is_refused(live: Running, store: Any, sources: Any, words: str) -> None:
    answer = send(live, sources)
    assert answer.status_code in (415, 422), answer.text
    assert words in answer.json()["error"]["message"]


def test_targets_that_are_refused(live: Running, store: Any) -> None:
    for target, words in {
        STORE: "another folder than that of the sources",
        "memory://bucket/x": "expected addresses under",
    }.items():
        check_error(send(live, [f"{STORE}/a.jpg"], target=target), 422, "invalid", "target", words)
    both = live.client.post(
        "/v1/jobs", files=[("file", JPEG)], data={"sources": json.dumps([f"{STORE}/a.jpg"])}
    )
    check_error(both, 422, "invalid", "got both")
    check_error(live.client.post("/v1/jobs", params={"format": "png"}), 422, "invalid", "no file")


def test_without_stores(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        check_error(send(live, [f"{STORE}/a.jpg"]), 422, "invalid", "has no stores (--store)")
    for wrong in ("/srv/scans", "file:///srv/scans", "zip://a::s3://b"):
        with pytest.raises(ArgumentError, match="--store"):
            Stores([wrong])


def test_s3(tmp_path: Path, s3_store: Any) -> None:
    s3_store.pipe("archive/scans/ü 1.jpg", JPEG)
    with running(tmp_path, stores=("s3://archive",)) as live:
        sources = ["s3://archive/scans/ü 1.jpg", "s3://archive/scans/none.jpg"]
        job = ended(live, send(live, sources, target="s3://archive/color"))
        assert job["files"][0]["result"] == "s3://archive/color/ü 1.jpg"
        assert "cannot be read" in job["files"][1]["error"]
        assert opened(s3_store.cat("archive/color/ü 1.jpg")).mode == "RGB"
