"""``photochrom colorize`` with --ray, the cluster replaced by this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from photochrom.archive.run_settings import Share
from photochrom.archive.workers import Threads
from photochrom.video.segments.segment_workers import SegmentTask, write_segment
from tests.helpers.cli_model import check_mistake, invoke, write_picture
from tests.helpers.film_scenes import shown
from tests.helpers.video_files import Recipe, make_film

pytest.importorskip("onnx", reason="the tests' model is made with onnx")

LONG = Recipe(times=tuple(range(0, 40 * 512, 512)))


class Cluster:
    """Stands for Ray, and notes what is asked of it."""

    capacity = 2

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.written: list[Path] = []

    @contextmanager
    def films(self, address: str, share: Share) -> Iterator[Cluster]:
        self.asked.append(("films", address, share))
        yield self
        self.asked.append("given back")

    def pool(self, work: Any, address: str, share: Share) -> Threads:
        self.asked.append(("pictures", address, share))
        return Threads(work, 1)

    def submit(self, task: SegmentTask) -> None:
        write_segment(task)
        self.written.append(task.path)

    def take(self, timeout: float) -> list[Path]:
        written, self.written = self.written, []
        return written


pytestmark = pytest.mark.usefixtures("model", "own_folder", "short_segments")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr("photochrom.archive.ray.film_workers.RayFilms", made.films)
    monkeypatch.setattr("photochrom.archive.ray.ray_pool.RayPool", made.pool)
    return made


def test_a_film(model: Path, cluster: Cluster) -> None:
    make_film(Path("a.mp4"), LONG)
    options = ("--ray", "10.0.0.1:6379", "--ray-cpus", "2")
    done = invoke("colorize", "a.mp4", "-m", model, *options)
    assert done.exit_code == 0, done.stderr
    assert done.stderr.startswith("a.mp4 -> a-color.mp4 (40 frames, 64x48, ")
    assert cluster.asked == [("films", "10.0.0.1:6379", Share(cpus=2)), "given back"]
    assert invoke("colorize", "a.mp4", "-m", model, "-o", "alone.mp4").exit_code == 0
    assert shown("a-color.mp4") == shown("alone.mp4")


def test_films_and_pictures(model: Path, cluster: Cluster) -> None:
    """One connection for all films that are to be coloured, and one for the pictures."""
    for name in "abc":
        make_film(Path(f"{name}.mp4"), LONG)
    write_picture(Path("in/d.png"))
    Path("b-color.mp4").write_bytes(b"an older one")
    paths = ("a.mp4", "b.mp4", "c.mp4", "in")
    share = ("--ray-cpus", "0.5", "--ray-gpus", "0.25")
    done = invoke("colorize", *paths, "-m", model, "--ray", "auto", *share, "--json")
    assert done.exit_code == 0, done.stderr
    told = {each["input"]: each["status"] for each in map(json.loads, done.stdout.splitlines())}
    assert told == {"a.mp4": "ok", "b.mp4": "skipped", "c.mp4": "ok", "in/d.png": "ok"}
    asked = ("auto", Share(cpus=0.5, gpus=0.25))
    assert cluster.asked == [("pictures", *asked), ("films", *asked), "given back"]
    for name in "ac":
        assert len(shown(f"{name}-color.mp4")) == 40


def test_nothing_left_to_do_needs_no_cluster(model: Path, cluster: Cluster) -> None:
    for name in ("a.mp4", "b.mp4", "a-color.mp4", "b-color.mp4"):
        make_film(Path(name), LONG)
    done = invoke("colorize", "a.mp4", "b.mp4", "-m", model, "--ray", "auto")
    assert done.exit_code == 0, done.stderr
    assert cluster.asked == []


@pytest.mark.parametrize(
    ("path", "arguments", "words"),
    [
        ("a.mp4", ["--ray-cpus", "2"], ["--ray-cpus", "add --ray auto"]),
        ("in", ["--ray-gpus", "1"], ["--ray-gpus", "add --ray auto"]),
        ("in", ["--ray-cpus", "1", "--ray-gpus", "0"], ["--ray-cpus and --ray-gpus"]),
        ("in", ["--ray", "auto", "--ray-cpus", "0"], ["the cores of a worker", "more than 0"]),
        ("in", ["--ray", "auto", "--ray-cpus", "inf"], ["the cores of a worker", "inf"]),
        ("in", ["--ray", "auto", "--ray-gpus", "1.5"], ["the GPUs of a worker", "0 to 1, or 2"]),
        ("in", ["--ray", "auto", "--ray-gpus", "-1"], ["the GPUs of a worker", "-1"]),
        ("a.mp4", ["--ray", "auto", "--ray-gpus", "0.5"], ["--ray-gpus", "pictures", "a film"]),
        ("in/d.png", ["--ray", "auto"], ["--ray cannot be used", "one picture"]),
    ],
)
def test_mistakes(
    model: Path, cluster: Cluster, path: str, arguments: list[str], words: list[str]
) -> None:
    make_film(Path("a.mp4"), LONG)
    write_picture(Path("in/d.png"))
    check_mistake(invoke("colorize", path, "-m", model, *arguments), *words)
    assert cluster.asked == []
    assert not list(Path().rglob("*-color*"))
