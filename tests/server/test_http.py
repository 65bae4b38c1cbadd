"""HTTP as clients and proxies expect it: HEAD, ETag, Range, Allow, CORS, root path, request ids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from photochrom.server.api_keys import add_key
from tests.helpers.server_running import Gate, Running, check_error, picture, running, wait_for

JPEG = picture()
ORIGIN = {"Origin": "https://a.example"}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(
        tmp_path_factory.mktemp("server"),
        cors_origins=("https://a.example",),
        root_path="/photos",
    ) as found:
        yield found


@pytest.fixture(scope="module")
def done(live: Running) -> Any:
    """A job of two pictures that is done."""
    files = [("file", ("a.jpg", JPEG)), ("file", ("b.png", picture("png", 30)))]
    job = live.client.post("/v1/jobs", files=files).json()
    path = f"/v1/jobs/{job['id']}"
    wait_for(lambda: live.client.get(path).json()["state"] == "done")
    return live.client.get(path).json() | {"path": path}


def test_links_begin_with_the_root_path(live: Running, done: Any) -> None:
    assert done["links"]["self"] == f"/photos{done['path']}"
    answer = live.client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/photos/docs")
    assert live.client.get("/openapi.json").json()["servers"] == [{"url": "/photos"}]


@pytest.mark.parametrize("path", ["/healthz", "/v1/models", "/docs", "/openapi.json", "/metrics"])
def test_head_is_get_without_the_body(live: Running, path: str) -> None:
    head, get = live.client.head(path), live.client.get(path)
    assert head.status_code == 200
    assert head.content == b""
    if path != "/metrics":  # which counts the requests
        assert head.headers["content-length"] == get.headers["content-length"]


def test_head_of_results_and_events(live: Running, done: Any) -> None:
    for part in ("/result", "/events", "/files/0"):
        answer = live.client.head(done["path"] + part)
        assert (answer.status_code, answer.content) == (200, b"")
    check_head = live.client.head("/nothing")
    assert (check_head.status_code, check_head.content) == (404, b"")


def test_a_result_that_the_client_has(live: Running, done: Any) -> None:
    answer = live.client.get(f"{done['path']}/result")
    tag = answer.headers["etag"]
    for wanted in (tag, f'"other", W/{tag}', "*"):
        again = live.client.get(f"{done['path']}/result", headers={"If-None-Match": wanted})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    other = live.client.get(f"{done['path']}/result", headers={"If-None-Match": '"other"'})
    assert other.content == answer.content


def test_ranges(live: Running, done: Any) -> None:
    whole = live.client.get(f"{done['path']}/result").content
    part = live.client.get(f"{done['path']}/result", headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, whole[5:10])
    wrong = live.client.get(f"{done['path']}/result", headers={"Range": "bytes=99999999-"})
    check_error(wrong, 416, "out_of_range")
    assert wrong.headers["content-range"].endswith(f"/{len(whole)}")
    assert wrong.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/colorize", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("PATCH", "/v1/jobs", "GET, HEAD, POST"),
        ("POST", f"/v1/jobs/{'0' * 32}", "DELETE, GET, HEAD"),
    ],
)
def test_allow(live: Running, method: str, path: str, allowed: str) -> None:
    answer = live.client.request(method, path)
    check_error(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


def test_an_origin_that_is_not_allowed(live: Running) -> None:
    ask = {"Origin": "https://b.example", "Access-Control-Request-Method": "POST"}
    check_error(live.client.options("/v1/colorize", headers=ask), 400, "bad_request", "origin")


def test_one_picture_of_a_job(live: Running, done: Any) -> None:
    for number, kind in enumerate(("image/jpeg", "image/png")):
        answer = live.client.get(f"{done['path']}/files/{number}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert len(answer.content) == int(answer.headers["content-length"])
    alone = live.client.post("/v1/colorize", content=JPEG).content
    assert live.client.get(f"{done['path']}/files/0").content == alone
    check_error(live.client.get(f"{done['path']}/files/2"), 404, "not_found", "no picture 2")


def test_pictures_of_a_job_as_they_are_ready(live: Running) -> None:
    with Gate(free=1) as gate:
        files = [("file", ("a.jpg", JPEG)), ("file", ("b.jpg", JPEG[:200]))]
        job = live.client.post("/v1/jobs", files=files).json()
        path = f"/v1/jobs/{job['id']}"
        wait_for(lambda: gate.calls == 2)
        assert live.client.get(f"{path}/files/0").status_code == 200
        check_error(live.client.get(f"{path}/files/1"), 409, "not_ready")
    wait_for(lambda: live.client.get(path).json()["state"] == "done")
    assert live.client.get(f"{path}/files/0").status_code == 200
    check_error(live.client.get(f"{path}/files/1"), 404, "not_found", "could not be coloured")


def test_the_same_key_is_the_same_job(live: Running) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = live.client.post("/v1/jobs", content=JPEG, headers=key)
    second = live.client.post("/v1/jobs", content=JPEG, headers=key)
    assert first.status_code == second.status_code == 202
    assert first.json()["id"] == second.json()["id"]
    assert live.client.post("/v1/jobs", content=JPEG).json()["id"] != first.json()["id"]
    bad = live.client.post("/v1/jobs", content=JPEG, headers={"Idempotency-Key": "x" * 201})
    check_error(bad, 422, "invalid", "Idempotency-Key")


def test_the_list_of_jobs(live: Running, done: Any) -> None:
    ids = [live.client.post("/v1/jobs", content=JPEG).json()["id"] for _ in range(2)]
    wait_for(lambda: not live.client.get("/v1/jobs?state=queued").json()["jobs"])
    wait_for(lambda: not live.client.get("/v1/jobs?state=running").json()["jobs"])
    first = live.client.get("/v1/jobs?limit=2").json()
    assert [each["id"] for each in first["jobs"]] == ids[::-1]
    seen, before = list(first["jobs"]), first["next"]
    while before is not None:
        page = live.client.get("/v1/jobs", params={"limit": 2, "before": before}).json()
        seen, before = seen + page["jobs"], page["next"]
    assert done["id"] in [each["id"] for each in seen]
    assert len({each["id"] for each in seen}) == len(seen)
    assert live.client.get("/v1/jobs?state=failed").json() == {"jobs": [], "next": None}


def _clients(caplog: pytest.LogCaptureFixture) -> set[str]:
    requests = [each for each in caplog.records if each.message == "request"]
    return {each.fields["client"] for each in requests}  # type: ignore[attr-defined]


def test_the_client_behind_a_proxy(live: Running, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="photochrom.server"):
        live.client.get("/healthz", headers={"X-Forwarded-For": "192.0.2.7"})
        # The line of a request of the test before may still come.
        wait_for(lambda: _clients(caplog) - {"127.0.0.1"})
    assert _clients(caplog) - {"127.0.0.1"} == {"192.0.2.7"}


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are named in the metrics, see their own jobs only, and are withdrawn without restart."""
    monkeypatch.setattr("photochrom.server.api_keys._LOOK", 0.0)
    file = tmp_path / "keys"
    anna, berta = ({"Authorization": f"Bearer {add_key(file, name)}"} for name in ("anna", "berta"))
    with running(tmp_path, api_keys=file) as live:
        job = live.client.post("/v1/jobs", content=JPEG, headers=anna).json()
        here = job["links"]["self"]
        wait_for(lambda: live.client.get(here, headers=anna).json()["state"] == "done")
        assert len(live.client.get("/v1/jobs", headers=anna).json()["jobs"]) == 1
        assert live.client.get("/v1/jobs", headers=berta).json()["jobs"] == []
        text = live.client.get("/metrics", headers=anna).text
        assert 'photochrom_jobs_ended_total{key="anna",kind="pictures",state="done"} 1.0' in text
        assert 'key="anna",method="POST",route="/v1/jobs",status="202"' in text
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if not line.startswith("anna")))
        check_error(live.client.get("/v1/models", headers=anna), 401, "unauthorized")
        assert live.client.get("/v1/models", headers=berta).status_code == 200
        clara = {"Authorization": f"Bearer {add_key(file, 'clara')}"}
        assert live.client.get("/v1/models", headers=clara).status_code == 200
        file.write_text("nonsense\n")  # changes nothing, and is told in the log
        assert live.client.get("/v1/models", headers=clara).status_code == 200
