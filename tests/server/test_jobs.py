"""Jobs: batches and films, their progress, results, ends and restarts."""

from __future__ import annotations

import io
import json
import sqlite3
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom import (
    ArgumentError,
    CancelToken,
    Colorizer,
    ColorOptions,
    Picture,
    VideoError,
    open_picture,
)
from photochrom.server.jobs.job_files import JobFiles
from photochrom.server.jobs.job_store import Job, JobStore
from photochrom.server.workers.messages import FilmTask
from photochrom.shot_list import FORMAT
from photochrom.video import missing_package
from tests.helpers import tiny_models
from tests.helpers.server_running import (
    Gate,
    Running,
    check_error,
    opened,
    picture,
    running,
    wait_for,
)

JPEG = picture()
FILM = b"\0\0\0 ftypisom" + bytes(2000)


class FakeFilm:
    """Stands for photochrom.video: writes what it was given, resumes like it."""

    def __init__(self, frames: int = 5) -> None:
        self.frames, self.calls, self.wait = frames, 0, threading.Event()
        self.wait.set()

    def __call__(self, task: FilmTask, cancel: CancelToken, progress: Any) -> None:
        self.calls += 1
        self.options = task.options
        self.references = [path.read_bytes() for path in task.references]
        assert task.source.read_bytes() == FILM
        assert task.source.suffix == task.target.suffix == ".mp4"
        for frame in range(self.frames):
            progress(frame, self.frames)
            while not self.wait.wait(0.02):
                cancel.check()
        progress(self.frames, self.frames)
        task.target.write_bytes(b"coloured" + FILM)


@pytest.fixture(scope="module")
def film() -> FakeFilm:
    return FakeFilm()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, film: FakeFilm) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server"), film=film) as found:
        yield found


def post(live: Running, *files: tuple[str, bytes], **options: Any) -> Any:
    """A job that is accepted."""
    answer = live.client.post("/v1/jobs", files=[("file", each) for each in files], data=options)
    assert answer.status_code == 202, answer.text
    found = answer.json()
    assert answer.headers["location"] == found["links"]["self"]
    assert found["state"] == "queued"
    return found


def ended(live: Running, job: Any) -> Any:
    """The job when it is over."""
    found: Any = None

    def over() -> bool:
        nonlocal found
        found = live.client.get(job["links"]["self"]).json()
        return found["state"] in ("done", "failed", "cancelled")

    wait_for(over)
    return found


def packed(live: Running, job: Any) -> dict[str, bytes]:
    answer = live.client.get(f"{job['links']['self']}/result")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert "attachment" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


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


def test_a_film(live: Running, film: FakeFilm) -> None:
    job = ended(live, post(live, ("../a.avi", FILM), vividness="0.5", size="96"))
    assert (job["state"], job["kind"], job["done"], job["total"]) == ("done", "film", 5, 5)
    assert (film.options.vividness, film.options.size) == (0.5, 96)
    answer = live.client.get(job["links"]["result"])
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.content == b"coloured" + FILM
    part = live.client.get(job["links"]["result"], headers={"Range": "bytes=0-7"})
    assert (part.status_code, part.content) == (206, b"coloured")


def test_a_film_is_cancelled_in_its_middle(live: Running, film: FakeFilm) -> None:
    film.wait.clear()
    calls = film.calls
    job = post(live, ("a.mp4", FILM))
    wait_for(lambda: film.calls == calls + 1)
    other = ended(live, post(live, ("a.jpg", JPEG)))  # pictures do not wait for films
    assert other["state"] == "done"
    live.client.delete(job["links"]["self"])
    folder = live.service.jobs.files.of(job["id"])
    wait_for(lambda: not folder.exists())
    film.wait.set()
    assert ended(live, job)["state"] == "cancelled"


def test_a_film_that_is_broken(live: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(task: FilmTask, *others: Any) -> None:
        task.target.with_name(f".{task.target.name}.0123.part").write_bytes(b"half")
        raise VideoError("the film cannot be read", expected="a film", got="noise", fix="send one")

    monkeypatch.setattr(live.service.pool, "run_film", broken)
    job = ended(live, post(live, ("a.mp4", FILM)))
    assert job["state"] == "failed"
    assert job["error"] == "the film cannot be read: expected a film, got noise; send one"
    folder = live.service.jobs.files.of(job["id"])
    wait_for(lambda: not list(folder.iterdir()))


def test_a_film_by_the_real_function(tmp_path: Path) -> None:
    """One small film, with the package's own colorize_video."""
    if missing_package() is not None:
        pytest.skip(f"{missing_package()} is not installed (extra video)")
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as file:
        stream = file.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(6):
            grey = np.full((48, 64, 3), 40 + 10 * number, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        file.mux(stream.encode())

    def chroma(job: Any) -> list[float]:
        """Of each frame of a job's film, the largest difference of R, G and B."""
        job = ended(live, job)
        assert (job["state"], job["done"]) == ("done", 6), job["error"]
        answer = live.client.get(job["links"]["result"])
        with av.open(io.BytesIO(answer.content)) as result:
            frames = [frame.to_ndarray(format="rgb24") for frame in result.decode(video=0)]
        return [float(np.ptp(frame.astype(int), axis=2).max()) for frame in frames]

    with running(tmp_path) as live:
        found = chroma(live.client.post("/v1/jobs", content=buffer.getvalue()).json())
        assert len(found) == 6
        assert found[3] > 20
        # The same with a list of shots, of which the second is to be grey.
        shots = [{"start": 0, "end": 0.125, "still": 0}, {"start": 0.125, "end": 0.25}]
        shots[1] |= {"still": 0.125, "vividness": 0}
        listed = {"format": FORMAT, "film": {"name": "a", "duration": 0.25}, "shots": shots}
        found = chroma(post(live, ("a.mkv", buffer.getvalue()), shots=json.dumps(listed)))
        assert min(found[:3]) > 20 > 6 > max(found[3:])
        # An edited list: the shot that is the same is not made again.
        films = live.service.jobs.files.path / "films"
        before = {path: path.stat().st_mtime_ns for path in films.rglob("00000.mkv")}
        shots[1]["vividness"] = 1
        found = chroma(post(live, ("a.mkv", buffer.getvalue()), shots=json.dumps(listed)))
        assert min(found) > 20
        after = {path: path.stat().st_mtime_ns for path in films.rglob("00000.mkv")}
        assert (len(before), len(after), len(before.items() & after.items())) == (2, 2, 1)
        for job in live.client.get("/v1/jobs").json()["jobs"]:
            live.client.delete(job["links"]["self"])
        assert not list(films.iterdir())
        broken = live.client.post("/v1/jobs", content=buffer.getvalue()[:500]).json()
        found = ended(live, broken)
        assert found["state"] == "failed"
        assert str(tmp_path) not in found["error"]


def test_a_film_with_options_of_pictures(live: Running) -> None:
    answer = live.client.post("/v1/jobs?format=png", content=FILM)
    check_error(answer, 422, "invalid", "format", "a film does not take")
    answer = live.client.post("/v1/jobs?codec=h264", content=JPEG)
    check_error(answer, 422, "invalid", "codec", "a picture does not take")
    for value, data in (("keep", JPEG), ("skip", FILM), ("nonsense", JPEG)):  # one name, two uses
        answer = live.client.post(f"/v1/jobs?in_color={value}", content=data)
        check_error(answer, 422, "invalid", "in_color")
    for value, data in (("keep", FILM), ("skip", JPEG)):
        assert live.client.post(f"/v1/jobs?in_color={value}", content=data).status_code == 202


def test_films_and_pictures_do_not_mix(live: Running) -> None:
    files = [("file", JPEG), ("file", FILM)]
    check_error(live.client.post("/v1/jobs", files=files), 415, "unsupported", "file 2 of 2")


def test_without_the_extra_for_films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photochrom.video.PACKAGES", ("json", "no_such_package"))
    with running(tmp_path) as live:
        answer = live.client.post("/v1/jobs", content=FILM)
        check_error(answer, 415, "unsupported", "no_such_package is missing")


def test_results_expire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photochrom.server.jobs.runner._SWEEP", 0.1)
    with running(tmp_path, keep=1 / 3600) as live:
        job = ended(live, post(live, ("a.jpg", JPEG)))
        folder = live.service.jobs.files.of(job["id"])
        assert folder.exists()
        wait_for(lambda: live.client.get(job["links"]["self"]).status_code == 404)
        assert not folder.exists()


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
