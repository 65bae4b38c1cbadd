"""Workers that die, wait, or are given up."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from photochrom import ColorOptions
from photochrom.archive.events import Outcome, Task
from photochrom.archive.find.search import Search
from photochrom.archive.find.survey import Wanted, digest, model_digest, survey
from photochrom.archive.manifest import Manifest
from photochrom.archive.work import Work
from photochrom.archive.workers import Pool, Processes, Threads, local_pool, run
from tests.helpers.cli_model import is_coloured, write_picture

pytest.importorskip("onnx", reason="the tests' model is made with onnx")


class Deadly(Work):
    """Dies over a picture of a certain name, every time or the first time."""

    def __call__(self, task: Task) -> Outcome:
        name = Path(task.source).name
        if name == "always.png" or (name == "once.png" and not Path(task.output).exists()):
            Path(task.output).write_bytes(b"")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(task)


def drain(pool: Pool, count: int) -> dict[str, Outcome]:
    outcomes: list[Outcome] = []
    end = time.monotonic() + 100
    while len(outcomes) < count and time.monotonic() < end:
        outcomes += pool.take(1)
    assert len(outcomes) == count
    return {Path(each.task.source).name: each for each in outcomes}


def tasks(folder: Path, *names: str) -> list[Task]:
    found = []
    for number, name in enumerate(names):
        source = write_picture(folder / "in" / name)
        found.append(Task(number, str(source), str(folder / name), size=source.stat().st_size))
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals like this on Windows")
def test_a_picture_that_kills_its_worker(tmp_path: Path, model: Path) -> None:
    pool = Processes(Deadly(model), 1)
    for task in tasks(tmp_path, "a.png", "always.png", "once.png", "b.png"):
        pool.submit(task)
    outcomes = drain(pool, 4)
    pool.close()
    assert {name for name, each in outcomes.items() if each.state == "done"} == {
        "a.png",
        "once.png",
        "b.png",
    }
    assert "ended 2 times, by the signal SIGKILL" in str(outcomes["always.png"].error)
    assert is_coloured(tmp_path / "once.png")


@pytest.mark.parametrize("kind", [Threads, Processes])
def test_close_now(tmp_path: Path, model: Path, kind: Any) -> None:
    pool = kind(Work(model), 2)
    for task in tasks(tmp_path, *(f"{n}.png" for n in range(40))):
        pool.submit(task)
    start = time.monotonic()
    pool.close(now=True)
    assert time.monotonic() - start < 20


def test_which_pool(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photochrom.archive.workers.cores", lambda: 1)
    few, many = (local_pool(Work(model), count, remote=False) for count in (3, 100))
    assert isinstance(few, Threads)
    assert isinstance(many, Processes)
    few.close()
    many.close()


def test_threads_and_processes_write_the_same(tmp_path: Path, model: Path) -> None:
    for kind in (Threads, Processes):
        pool = kind(Work(model, options=ColorOptions(vividness=0.7)), 2)
        for task in tasks(tmp_path, "a.jpg", "b.png"):
            output = str(tmp_path / kind.__name__ / Path(task.output).name)
            pool.submit(Task(task.id, task.source, output))
        drain(pool, 2)
        pool.close()
    for name in ("a.jpg", "b.png"):
        one, other = (tmp_path / kind / name for kind in ("Threads", "Processes"))
        assert one.read_bytes() == other.read_bytes()


def test_large_pictures_wait_for_their_turn(tmp_path: Path, model: Path) -> None:
    from filelock import FileLock

    (small, large) = tasks(tmp_path, "small.png", "large.png")
    write_picture(Path(large.source), 3000, 2000)
    large = Task(large.id, large.source, large.output, size=Path(large.source).stat().st_size)
    turn = str(tmp_path / "turn")
    pool = Threads(Work(model, memory=1_000_000, turn=turn), 2)
    with FileLock(turn, thread_local=False):
        pool.submit(large)
        pool.submit(small)
        assert set(drain(pool, 1)) == {"small.png"}
        assert pool.take(0.5) == []
    assert drain(pool, 1)["large.png"].state == "done"
    pool.close()


# --- the loop over them --------------------------------------------------------------------------


class Scripted:
    """A pool that gives the outcomes it is told to."""

    def __init__(self, fatal: int | None = None) -> None:
        self.tasks: list[Task] = []
        self.most, self.fatal = 0, fatal

    @property
    def capacity(self) -> int:
        return 3

    def submit(self, task: Task) -> None:
        self.tasks.append(task)
        self.most = max(self.most, len(self.tasks))

    def take(self, timeout: float) -> list[Outcome]:
        task = self.tasks.pop(0)
        if task.id == self.fatal:
            return [Outcome(task, "failed", error="the disk is full", fatal=True)]
        return [Outcome(task, "done", pixels=1, written=1)]

    def close(self, now: bool = False) -> None:
        pass


def surveyed(tmp_path: Path, count: int) -> Manifest:
    for number in range(count):
        write_picture(tmp_path / "in" / f"{number:03}.png")
    manifest = Manifest(tmp_path / "manifest.sqlite")
    survey(manifest, Search([str(tmp_path / "in")]), Wanted(str(tmp_path / "out"), "m", "o"))
    return manifest


def test_the_loop(tmp_path: Path) -> None:
    manifest, pool, told = surveyed(tmp_path, 10), Scripted(), []
    assert run(manifest, pool, lambda outcome: told.append(outcome.task.id), limit=7) is None
    assert sorted(told) == list(range(1, 8))
    assert pool.most <= 3  # no more than are needed are `running`
    assert {state: count for state, (count, *_) in manifest.totals().items()} == {
        "done": 7,
        "todo": 3,
    }
    manifest.close()


def test_a_full_disk_ends_the_loop(tmp_path: Path) -> None:
    manifest = surveyed(tmp_path, 10)
    fatal = run(manifest, Scripted(fatal=4), lambda outcome: None)
    assert fatal is not None
    assert fatal.error == "the disk is full"
    manifest.put_back()
    assert {state: count for state, (count, *_) in manifest.totals().items()} == {
        "done": 3,
        "todo": 7,
    }
    manifest.close()


def test_digests(tmp_path: Path, model: Path) -> None:
    plain, vivid = (
        digest(Work(model, options=ColorOptions(vividness=v)).settings()) for v in (1.0, 1.5)
    )
    assert plain != vivid
    before = model_digest(model)
    model.with_suffix(".toml").write_text("name = 'another'")
    assert model_digest(model) != before
