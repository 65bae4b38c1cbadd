"""Batches on a Ray cluster: a head and two machines, all of them processes here."""

from __future__ import annotations

import json
import math
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom.archive.events import Outcome, Task
from photochrom.archive.find.search import Search
from photochrom.archive.find.survey import Wanted, survey
from photochrom.archive.manifest import Manifest
from photochrom.archive.ray import driver, shards
from photochrom.archive.ray.ray_pool import RayPool
from photochrom.archive.run_settings import Share
from photochrom.archive.work import Work
from photochrom.archive.workers import Threads, run
from photochrom.errors import ArgumentError, MissingExtraError
from photochrom.picture import Picture
from tests.helpers import tiny_models as tiny

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray (extra ray)")

DEADLY = 2  # id of a task
PATIENCE = 300.0  # seconds for what takes some twenty, on a machine that is very busy


class Gated(Work):
    """Work that notes who begins what, in a folder, and goes on when a file opens the gate."""

    def __init__(self, model: Path, folder: Path) -> None:
        super().__init__(model)
        self.folder = folder

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model, "folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __call__(self, task: Task) -> Outcome:
        from ray import get_runtime_context

        node = get_runtime_context().get_node_id()
        (self.folder / f"{task.id} {node} {os.getpid()}").touch()
        while not (self.folder / "open").exists():
            time.sleep(0.02)
        return super().__call__(task)


class Deadly(Work):
    """Work that one task kills the worker with."""

    def __call__(self, task: Task) -> Outcome:
        if task.id == DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(task)


CLUSTER = """
import json, sys
from ray.cluster_utils import Cluster

small = {"object_store_memory": 80 << 20}
health = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000,
          "health_check_failure_threshold": 3}  # found dead within seconds, not half a minute
head = {"num_cpus": 0, "include_dashboard": False, "_system_config": health, **small}
cluster = Cluster(initialize_head=True, head_node_args=head)
nodes = [cluster.add_node(wait=False, num_cpus=1, **small) for _ in range(2)]
cluster.wait_for_nodes()
pids = {node.node_id: node.all_processes["raylet"][0].process.pid for node in nodes}
print(json.dumps([cluster.address, pids]), file=sys.stderr, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


class Machines:
    """A Ray cluster of a head without cores and two nodes with one core each."""

    def __init__(self) -> None:
        # In a process of its own, since a node takes over the signals of the one it is in.
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", CLUSTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr
        lines = iter(self._process.stderr.readline, "")
        self.address, self._nodes = json.loads(next(line for line in lines if line[0] == "["))

    def kill(self, node: str) -> None:
        """kill -9 the process that is a node."""
        os.kill(self._nodes[node], signal.SIGKILL)

    def end(self) -> None:
        self._process.communicate("")


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # not the last ones on a machine that is busy
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))  # workers find this file
        running = Machines()
        yield running
        running.end()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.photochrom(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Eight pictures in two folders, one of them broken, one with an unusual name."""
    folder = tmp_path / "in"
    for number in range(8):
        name = "Gr\u00fc\u00dfe, 'n\" # 5%.png" if number == 5 else f"{number}.png"
        source = folder / f"{number % 2}" / name
        source.parent.mkdir(parents=True, exist_ok=True)
        grey = np.random.default_rng(number).integers(0, 255, (40 + number, 64), np.uint8)
        Picture(grey).save(source)
        if number == 3:
            source.write_bytes(source.read_bytes()[:100])
    return folder


def surveyed(archive: Path, out: Path) -> Manifest:
    manifest = Manifest(None)
    survey(manifest, Search([str(archive)], str(out)), Wanted(str(out), "model", "options"))
    return manifest


def states(manifest: Manifest) -> list[tuple[Any, ...]]:
    """All that does not depend on time and place."""
    return [
        (row.key, row.state, row.width, row.height, row.pages, row.pixels, row.written, row.error)
        for state in ("todo", "running", "done", "failed", "skipped")
        for row in manifest.each(state)
    ]


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
@needs_ray
def test_a_picture_that_kills_its_workers_is_given_up(
    machines: Machines, model: Path, archive: Path, tmp_path: Path
) -> None:
    manifest = surveyed(archive, tmp_path / "out")
    told: list[Outcome] = []
    end = time.monotonic() + PATIENCE

    def still_in_time() -> None:
        assert time.monotonic() < end, f"only {told} came"

    pool = RayPool(Deadly(model), machines.address)
    try:
        assert run(manifest, pool, told.append, limit=3, tick=still_in_time) is None
    finally:
        pool.close()
    assert sorted((outcome.task.id, outcome.state) for outcome in told) == [
        (1, "done"),
        (DEADLY, "failed"),
        (3, "done"),
    ]
    (row,) = manifest.each("failed")
    assert (
        row.error == "2 workers were lost while they had it, by its fault or their machines'; "
        "try it alone"
    )
    assert len(tree(tmp_path / "out")) == 2


@pytest.mark.slow
@needs_ray
def test_a_machine_that_is_killed_changes_nothing(
    machines: Machines, model: Path, archive: Path, tmp_path: Path
) -> None:
    alone = surveyed(archive, tmp_path / "alone")
    run(alone, local := Threads(Work(model), 1), lambda outcome: None)
    local.close()

    notes, shared = tmp_path / "notes", surveyed(archive, tmp_path / "shared")
    notes.mkdir()
    lost: list[Path] = []
    end = time.monotonic() + PATIENCE

    def kill_one_when_both_have_begun() -> None:
        assert time.monotonic() < end, f"begun are only {list(notes.iterdir())}"
        begun = list(notes.iterdir())
        if lost or len(begun) < 2:
            return
        lost.append(begun[0])
        number, node, process = begun[0].name.split()
        machines.kill(node)
        os.kill(int(process), signal.SIGKILL)
        (row,) = (row for row in shared.each("running") if row.id == int(number))
        half = Path(row.output).with_name(f".photochrom-{secrets.token_hex(8)}.tmp")
        half.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(b"what a writer leaves that is killed")
        (notes / "open").touch()

    pool = RayPool(Gated(model, notes), machines.address)
    try:
        assert run(shared, pool, lambda outcome: None, tick=kill_one_when_both_have_begun) is None
    finally:
        pool.close()

    number, node, _ = lost[0].name.split()
    assert {path.name.split()[1] for path in notes.glob(f"{number} *")} > {node}, "done elsewhere"
    assert tree(tmp_path / "shared") == tree(tmp_path / "alone")
    assert states(shared) == states(alone)
    assert len(tree(tmp_path / "shared")) == 7


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@needs_ray
def test_no_cluster(model: Path) -> None:
    with pytest.raises(
        ArgumentError, match=r"Ray cluster 127\.0\.0\.1:\d+: expected one that runs"
    ):
        RayPool(Work(model), f"127.0.0.1:{closed_port()}")


def test_no_ray(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"photochrom\[ray\]"):
        RayPool(Work(model))


@pytest.mark.parametrize(
    "share",
    [{"cpus": 0}, {"cpus": math.inf}, {"cpus": math.nan}, {"gpus": -1}, {"gpus": 1.5},
     {"gpus": math.nan}, {"workers": 0}],
)  # fmt: skip
def test_share_out_of_range(share: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="worker"):
        Share(**share)


def test_other_software_on_a_machine(model: Path) -> None:
    with pytest.raises(ArgumentError, match=r"expected photochrom 0\.0\.0, got photochrom \d"):
        shards.Worker(Work(model), 1, None, None, {"photochrom": "0.0.0"})


def test_ledger_counts_what_was_begun_and_not_ended() -> None:
    ledger = shards._Ledger()
    assert [ledger.begin(1, None), ledger.begin(1, None), ledger.begin(2, None)] == [0, 1, 0]
    assert ledger.begin(3, 1) == 0
    assert ledger.begin(1, None) == 0


def test_names_are_absolute_on_the_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    task = Task(1, "in/a.png", "s3://bucket/a.png", "b/c.png")
    full = shards._absolute(task)
    assert full == Task(1, f"{tmp_path}/in/a.png", "s3://bucket/a.png", f"{tmp_path}/b/c.png")
    failed = Outcome(full, "failed", error=f"{tmp_path}/in/a.png: no such file")
    assert shards._as_given(failed, task) == Outcome(task, "failed", error="in/a.png: no such file")
