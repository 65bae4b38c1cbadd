"""Jobs of films: their results and ends, and which options they take."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom import VideoError
from photochrom.server.workers.messages import FilmTask
from photochrom.shot_list import FORMAT
from photochrom.video import missing_package
from tests.helpers.server_jobs import FILM, JPEG, FakeFilm, ended, post
from tests.helpers.server_running import Running, check_error, running, wait_for


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
