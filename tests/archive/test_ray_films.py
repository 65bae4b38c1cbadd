"""Films on a Ray cluster of this machine."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from photochrom import ArgumentError, Colorizer, VideoError, colorize_video
from photochrom.archive.ray import film_workers as films
from photochrom.archive.ray.driver import check_share
from photochrom.archive.ray.film_workers import RayFilms
from photochrom.archive.run_settings import Share
from photochrom.video.container.encoders import Encoding
from photochrom.video.segments import segmented_work
from photochrom.video.segments.segment_workers import SegmentTask
from tests.helpers.tiny_models import photochrom
from tests.helpers.video_files import Recipe, Sound, make_film, payloads

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray (extra ray)")

LONG = Recipe(times=tuple(range(0, 60 * 512, 512)), options={"bf": "2"}, sounds=(Sound(),))


@pytest.fixture
def colorizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Colorizer:
    monkeypatch.setattr(segmented_work, "_SEGMENT", 12)
    return Colorizer(photochrom(tmp_path / "tiny.onnx", hints=True), threads=1)


@pytest.fixture(scope="module")
def ray_films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayFilms]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("HOME", str(home))
        patch.delenv("RAY_AUTH_MODE", raising=False)
        with RayFilms("local", Share(cpus=0.5)) as running:
            yield running
    assert not (home / ".ray").exists()  # a token, for which every later cluster would ask


def at_work(running: RayFilms) -> list[int]:
    """The processes that write segments: children of Ray's, which is a child of the driver."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes()
            if name.startswith(b"ray::_write") and parent(parent(folder)).name == driver(running):
                found.append(int(folder.name))
        except OSError:  # it has just ended
            continue
    return found


def parent(process: Path) -> Path:
    return Path("/proc", (process / "stat").read_text().rpartition(")")[2].split()[1])


def driver(running: RayFilms) -> str:
    return str(running._driver._process.pid)


@needs_ray
@pytest.mark.skipif(sys.platform != "linux", reason="finds Ray's workers in /proc")
def test_a_worker_that_is_killed_changes_nothing(
    ray_films: RayFilms, tmp_path: Path, colorizer: Colorizer
) -> None:
    source = make_film(tmp_path / "a.mp4", LONG)
    colorize_video(source, tmp_path / "alone.mp4", colorizer=colorizer)
    killed: list[int] = []

    def kill_the_first(done: int, total: int | None) -> None:
        if not killed and (pids := at_work(ray_films)):
            assert done == 0
            killed.append(pids[0])
            os.kill(pids[0], signal.SIGKILL)

    out = tmp_path / "shared.mp4"
    film = colorize_video(
        source, out, colorizer=colorizer, workers=ray_films, progress=kill_the_first
    )
    assert killed
    assert film.frames == 60
    assert payloads(out) == payloads(tmp_path / "alone.mp4")
    assert {p.name for p in tmp_path.iterdir()} == {"a.mp4", "alone.mp4", out.name, "tiny.onnx"}


@needs_ray
def test_a_film_that_workers_cannot_read_does_not_stop_the_next(
    ray_films: RayFilms, tmp_path: Path, colorizer: Colorizer
) -> None:
    source, moved = make_film(tmp_path / "a.mp4", LONG), tmp_path / "b.mp4"

    def move(done: int, total: int | None) -> None:
        if source.exists():
            source.rename(moved)

    with pytest.raises(VideoError, match=r"a\.mp4 cannot be seen by a worker on "):
        colorize_video(
            source, tmp_path / "o.mp4", colorizer=colorizer, workers=ray_films, progress=move
        )
    film = colorize_video(moved, tmp_path / "p.mp4", colorizer=colorizer, workers=ray_films)
    assert film.frames == 60
    assert 1 <= ray_films.capacity <= 2 * (os.cpu_count() or 1) + 2


def test_a_second_error_of_a_film_is_not_the_next_films(tmp_path: Path) -> None:
    """Which looks for results before it has sent a task."""

    class Told:
        answers: ClassVar = [(tmp_path / f"{n}.mkv", VideoError(f"error {n}"), 1) for n in range(2)]

        def send(self, task: SegmentTask) -> None: ...

        def has_said(self, timeout: float) -> bool:
            return bool(self.answers)

        def hear(self) -> Any:
            return self.answers.pop(0)

    films = RayFilms.__new__(RayFilms)
    films._driver = Told()  # type: ignore[assignment]
    films.submit(a_task(tmp_path))
    with pytest.raises(VideoError, match="error 0"):
        films.take(0)
    assert films.take(0) == []


def a_task(folder: Path) -> SegmentTask:
    encoding = Encoding.for_file(Path("o.mp4"))
    ab = np.zeros((2, 64, 64), np.float16)
    task = SegmentTask(folder / "a.mp4", folder / "0.mkv", encoding, (64, 64), False, None)
    return SegmentTask(**(vars(task) | {"times": [0], "prints": [0], "colours": [ab]}))


@pytest.mark.parametrize(
    ("wanted", "change", "words"),
    [
        ({"photochrom": "0.0.0"}, {}, "expected photochrom 0.0.0, got photochrom"),
        ({"no-such-package": "1"}, {}, "got no-such-package none"),
        ({}, {}, "expected the same frames on every machine"),
        ({}, {"source": Path("/nowhere/a.mp4")}, "cannot be seen by a worker"),
        ({}, {"path": Path("/nowhere/0.mkv")}, "cannot be seen by a worker"),
        ({}, {"times": []}, "IndexError"),
    ],
)
def test_what_goes_wrong_with_a_task_is_one_line(
    tmp_path: Path, wanted: dict[str, str], change: dict[str, Any], words: str
) -> None:
    make_film(tmp_path / "a.mp4")
    task = SegmentTask(**(vars(a_task(tmp_path)) | change))
    error = films._write(task, 1, wanted)
    assert error is not None
    assert words in str(pickle.loads(pickle.dumps(error)))
    assert len(str(error).splitlines()) == 1
    assert not list(tmp_path.glob("*.mkv*"))


@needs_ray
@pytest.mark.parametrize(
    ("nodes", "share", "fits"),
    [
        ([(2, 0), (4, 0)], Share(cpus=4), True),
        ([(2, 0), (4, 0)], Share(cpus=5), False),
        ([(8, 0), (4, 1)], Share(cpus=5, gpus=0.5), False),
        ([(8, 1)], Share(gpus=0.25), True),
        ([(0, 0)], Share(cpus=64), True),  # a head without cores: others may come
    ],
)
def test_a_share_that_no_machine_has(
    monkeypatch: pytest.MonkeyPatch, nodes: list[tuple[int, int]], share: Share, fits: bool
) -> None:
    alive = [{"Alive": True, "Resources": {"CPU": c, "GPU": g}} for c, g in nodes]
    lost = {"Alive": False, "Resources": {"CPU": 99, "GPU": 9}}
    monkeypatch.setattr("ray.nodes", lambda: [*alive, lost])
    if fits:
        check_share(share)
    else:
        with pytest.raises(ArgumentError, match=r"the largest has \d cores and 0 GPUs"):
            check_share(share)
