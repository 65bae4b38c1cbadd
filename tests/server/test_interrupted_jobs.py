"""Jobs of a service that stops, crashes, or cannot write: they wait and go on."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from photochrom import ArgumentError
from photochrom.server.jobs.job_files import JobFiles
from photochrom.server.jobs.job_store import Job, JobStore
from tests.helpers.server_jobs import FILM, JPEG, FakeFilm, ended, packed, post
from tests.helpers.server_running import Gate, Running, check_error, running, wait_for


def test_stopped_and_started_again(tmp_path: Path, film: FakeFilm) -> None:
    """What is interrupted by a stop goes on, and does not do again what was done."""
    film.wait.clear()
    with running(tmp_path, film=film) as live, Gate() as gate:
        finished = live.client.post("/v1/jobs", files={"file": ("x.jpg", JPEG)}).json()
        gate.open.set()
        ended(live, finished)
        gate.open.clear()
        job = post(live, *[(f"{n}.jpg", JPEG) for n in range(4)])
        long = post(live, ("a.mp4", FILM))
        wait_for(lambda: gate.calls == 2)
        live.service.stopping.set()
        threading.Timer(0.3, gate.open.set).start()
    film.wait.set()
    with running(tmp_path, film=film) as live:
        assert ended(live, long)["state"] == "done"
        done = ended(live, job)
        assert (done["state"], done["done"]) == ("done", 4)
        assert list(packed(live, done)) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
        assert live.service.jobs.store.get(job["id"]).attempts == 1  # type: ignore[union-attr]
        assert list(packed(live, finished)) == ["x.jpg"]


def test_what_a_crash_left(tmp_path: Path) -> None:
    """Running jobs are taken up again, hopeless ones given up, orphans removed."""
    folder = tmp_path / "state"
    files = JobFiles(folder)
    store = JobStore(files.database)
    ids = {name: str(number) * 32 for number, name in enumerate(("again", "hopeless", "orphan"))}
    for name, id in ids.items():
        (files.of(id) / "in").mkdir(parents=True)
        (files.of(id) / "out").mkdir()
        (files.of(id) / "in" / "0000").write_bytes(JPEG)
        if name != "orphan":
            store.add(Job(id, "pictures", {}, [{"name": f"{name}.jpg"}], total=1))
    for _ in range(3):
        store.begin("pictures")
        store.begin("pictures")
        again, lost = store.recover(time.time() + 100)
    assert (again, sorted(lost)) == (0, sorted([ids["again"], ids["hopeless"]]))
    store._db.execute(
        "update jobs set state = 'running', attempts = 1 where id = ?", (ids["again"],)
    )
    store.close()
    files.close()
    with running(tmp_path) as live:
        job = ended(live, {"links": {"self": f"/v1/jobs/{ids['again']}"}})
        assert (job["state"], list(packed(live, job))) == ("done", ["again.jpg"])
        lost_job = live.client.get(f"/v1/jobs/{ids['hopeless']}").json()
        assert lost_job["state"] == "failed"
        assert "ended 3 times" in lost_job["error"]
        assert not live.service.jobs.files.of(ids["orphan"]).exists()


def test_one_service_per_folder(tmp_path: Path) -> None:
    first = JobFiles(tmp_path / "state")
    with pytest.raises(ArgumentError, match="another service"):
        JobFiles(tmp_path / "state")
    first.close()
    JobFiles(tmp_path / "state").close()
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="--folder"):
        JobFiles(tmp_path / "file" / "state")


def test_a_full_disk_stops_nothing_for_ever(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs wait, with the reason, and go on when there is room."""
    monkeypatch.setattr("photochrom.server.jobs.runner._PAUSE", 0.1)
    with Gate() as gate:
        job = post(live, ("a.jpg", JPEG), ("b.jpg", JPEG))
        wait_for(lambda: gate.calls == 1)
        full = OSError(28, "No space left on device")

        def no_room(*arguments: Any) -> None:
            raise full

        monkeypatch.setattr(live.service.jobs.files, "pack", no_room)
    wait_for(lambda: live.client.get(job["links"]["self"]).json()["note"])
    waiting = live.client.get(job["links"]["self"]).json()
    assert (waiting["state"], waiting["note"]) == ("queued", "the disk of the service is full")
    ready = live.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["jobs"] == {"pictures": "the disk of the service is full"}
    monkeypatch.undo()
    done = ended(live, job)
    assert (done["state"], done["note"], done["done"]) == ("done", None, 2)
    assert list(packed(live, done)) == ["a.jpg", "b.jpg"]
    stored = live.service.jobs.store.get(job["id"])
    assert stored is not None
    assert stored.attempts == 1
    wait_for(lambda: live.client.get("/readyz").json()["jobs"] == {})


def test_a_locked_table_stops_nothing_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photochrom.server.jobs.runner._PAUSE", 0.1)
    monkeypatch.setattr("photochrom.server.jobs.job_store._PATIENCE", 0.05)
    with running(tmp_path) as live:
        with Gate() as gate:
            job = post(live, ("a.jpg", JPEG))
            wait_for(lambda: gate.calls == 1)
            other = sqlite3.connect(live.service.jobs.files.database, isolation_level=None)
            other.execute("begin immediate")
        wait_for(lambda: "locked" in live.client.get("/readyz").json()["jobs"].get("pictures", ""))
        refused = live.client.post("/v1/jobs", content=JPEG)
        check_error(refused, 503, "unavailable", "locked")
        assert live.client.post("/v1/colorize", content=JPEG).status_code == 200
        other.execute("rollback")
        other.close()
        assert ended(live, job)["state"] == "done"
        assert ended(live, post(live, ("b.jpg", JPEG)))["state"] == "done"


def test_a_thread_for_jobs_that_fails_goes_on(
    live: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photochrom.server.jobs.runner._PAUSE", 0.1)

    def broken(*arguments: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(live.service.jobs.store, "begin", broken)
    job = post(live, ("a.jpg", JPEG))
    wait_for(lambda: live.client.get("/readyz").json()["jobs"])
    monkeypatch.undo()
    assert ended(live, job)["state"] == "done"


def test_a_table_of_an_earlier_release(tmp_path: Path) -> None:
    files = JobFiles(tmp_path / "state")
    with sqlite3.connect(files.database) as db:
        db.execute(
            "create table jobs (id text primary key, owner text, kind text not null, state text"
            " not null default 'queued', options text not null, items text not null, done integer"
            " not null default 0, total integer, attempts integer not null default 0, error text,"
            " created real not null, finished real, expires real) without rowid"
        )
        db.execute(
            "insert into jobs (id, kind, options, items, created) values (?, 'pictures', ?, ?, 1)",
            ("0" * 32, '{"vividness": 0.5}', '[{"name": "old.jpg"}]'),
        )
    db.close()
    (files.of("0" * 32) / "in").mkdir(parents=True)
    (files.of("0" * 32) / "out").mkdir()
    (files.of("0" * 32) / "in" / "0000").write_bytes(JPEG)
    files.close()
    with running(tmp_path) as live:
        job = ended(live, {"links": {"self": f"/v1/jobs/{'0' * 32}"}})
        assert list(packed(live, job)) == ["old.jpg"]
