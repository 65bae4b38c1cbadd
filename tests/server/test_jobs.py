"""Jobs of pictures: their progress, results and ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom import Colorizer, ColorOptions, Picture, open_picture
from tests.helpers import tiny_models
from tests.helpers.server_jobs import FILM, JPEG, FakeFilm, ended, packed, post
from tests.helpers.server_running import (
    Gate,
    Running,
    check_error,
    opened,
    picture,
    running,
    wait_for,
)


def test_a_batch(live: Running) -> None:
    job = post(live, ("a.jpg", JPEG), ("b.png", picture("png", 30)), format="png", vividness="0.7")
    job = ended(live, job)
    assert (job["state"], job["kind"], job["done"], job["total"]) == ("done", "pictures", 2, 2)
    found = packed(live, job)
    assert list(found) == ["a.png", "b.png"]
    colorizer, options = Colorizer(live.service.settings.models[0]), ColorOptions(vividness=0.7)
    made = np.asarray(colorizer.colorize(JPEG, options).to_pil())
    assert np.array_equal(np.asarray(opened(found["a.png"])), made)
    assert job["expires"] - job["finished"] == pytest.approx(24 * 3600, abs=5)


def test_references_of_pictures_and_of_films(tmp_path: Path, film: FakeFilm) -> None:
    """Every picture of a job borrows from them; with a model that has features."""
    tiny_models.photochrom(model := tmp_path / "lending.onnx", features=True)
    grey = open_picture(JPEG).pixels
    lent = Picture(np.stack([grey, grey, grey // 2], -1)).to_bytes("png")
    with running(tmp_path, models=(str(model),), film=film) as live:

        def job(*more: tuple[str, Any]) -> Any:
            files = [("reference", ("lent.png", lent)), *more]
            answer = live.client.post("/v1/jobs", files=files, data={"in_color": "recolor"})
            return ended(live, answer.json()) if answer.status_code == 202 else answer

        found = packed(live, job(("file", ("a.png", picture("png"))), ("file", ("b.jpg", JPEG))))
        colorizer = Colorizer(live.service.settings.models[0])
        options = ColorOptions(reference=colorizer.reference(lent))
        assert np.array_equal(
            np.asarray(opened(found["a.png"])),
            np.asarray(colorizer.colorize(picture("png"), options).to_pil()),
        )
        assert job(("file", ("a.mp4", FILM)))["state"] == "done"
        assert film.references == [lent]
        check_error(job(("file", ("a.jpg", JPEG)), ("reference", b"text")), 415, "unsupported")
        many = [("reference", ("lent.png", lent))] * 4
        check_error(job(("file", ("a.jpg", JPEG)), *many), 413, "too_large")
        broken = job(("file", ("a.jpg", JPEG)), ("reference", ("b.jpg", JPEG[:300])))
        assert broken["state"] == "failed"
        assert str(tmp_path) not in json.dumps(broken)


def test_one_body(live: Running) -> None:
    answer = live.client.post("/v1/jobs?format=webp", content=JPEG)
    assert list(packed(live, ended(live, answer.json()))) == ["picture-1.webp"]


def test_a_part_that_fails(live: Running) -> None:
    job = ended(live, post(live, ("a.jpg", JPEG), ("b.jpg", JPEG[:300]), ("c.jpg", JPEG)))
    assert job["state"] == "done"
    assert [each["error"] is None for each in job["files"]] == [True, False, True]
    assert "cannot be read" in job["files"][1]["error"]
    assert str(live.service.settings.folder) not in json.dumps(job)
    assert list(packed(live, job)) == ["a.jpg", "c.jpg"]


def test_all_that_fails(live: Running) -> None:
    job = ended(live, post(live, ("a.jpg", JPEG[:300])))
    assert job["state"] == "failed"
    assert "no picture could be coloured" in job["error"]
    answer = live.client.get(f"{job['links']['self']}/result")
    check_error(answer, 409, "not_ready", "failed")


def test_events(live: Running) -> None:
    with Gate() as gate:
        job = post(live, *[(f"{n}.jpg", JPEG) for n in range(3)])
        wait_for(lambda: gate.calls == 1)
        seen = []
        with live.client.stream("GET", job["links"]["events"]) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    seen.append(json.loads(line.removeprefix("data: ")))
                    gate.open.set()
    assert seen[0]["state"] == "running"
    assert seen[0]["done"] == 0
    assert seen[-1]["state"] == "done"
    assert seen[-1]["done"] == 3
    assert seen[-1]["links"]["result"]


def test_cancel_a_running_and_a_waiting_job(live: Running) -> None:
    with Gate() as gate:
        first, second = post(live, ("a.jpg", JPEG), ("b.jpg", JPEG)), post(live, ("c.jpg", JPEG))
        wait_for(lambda: gate.calls == 1)
        for job in (first, second):
            assert live.client.delete(job["links"]["self"]).status_code == 204
            assert ended(live, job)["state"] == "cancelled"
            answer = live.client.get(f"{job['links']['self']}/result")
            check_error(answer, 409, "not_ready", "cancelled")
    last = ended(live, post(live, ("d.jpg", JPEG)))
    assert last["state"] == "done"
    folder = live.service.jobs.files
    wait_for(lambda: not folder.of(first["id"]).exists() and not folder.of(second["id"]).exists())


def test_results_expire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photochrom.server.jobs.runner._SWEEP", 0.1)
    with running(tmp_path, keep=1 / 3600) as live:
        job = ended(live, post(live, ("a.jpg", JPEG)))
        folder = live.service.jobs.files.of(job["id"])
        assert folder.exists()
        wait_for(lambda: live.client.get(job["links"]["self"]).status_code == 404)
        assert not folder.exists()
