"""Shards of an archive as datasets of Ray Data, and the workers that they are mapped over.

This is what runs in the process that drives Ray, and on the machines of the cluster; `ray_pool`
starts it.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..._system import cores, memory_budget
from .. import storage
from ..events import Outcome, Task
from ..run_settings import Share
from ..work import Work
from .driver import check_versions, room, versions

_BLOCK = 16  # tasks that a worker takes at once, so that a thousand workers do not wait for Ray
_BLOCKS_PER_WORKER = 32  # at least, so that the last ones end together
_DEATHS = 2  # of workers with the same task in hand, before it is given up


class Cluster:
    """The connected cluster, the work of its workers and the share that each takes."""

    def __init__(self, work: Work, share: Share) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._share = share
        beside = work.model.with_suffix(".toml")
        files = {path.name: path.read_bytes() for path in (work.model, beside) if path.is_file()}
        # On this machine, for if this one is lost all is.
        node = ray.get_runtime_context().get_node_id()
        here: Any = NodeAffinitySchedulingStrategy(node, soft=False)
        ledger = ray.remote(num_cpus=0, scheduling_strategy=here)(_Ledger).remote()
        packages = versions("photochrom", "onnxruntime", "numpy", "pyvips")
        self._setup = (work, share.cpus, ray.put(files), ledger, packages)

    def do(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Outcomes for all of them, in no order.

        Workers take blocks of tasks, to keep Ray out of the way. What is lost with a block is tried
        once more, each task by itself, so that what cannot be done stands alone.
        """
        left = {task.id: task for task in tasks}
        suspect = []
        rows = min(_BLOCK, len(tasks) // (room(self._share) * _BLOCKS_PER_WORKER))
        for size in (max(1, rows), 1):
            for row in self._rows(list(left.values()), size) if left else ():
                outcome: Outcome = pickle.loads(row["outcome"])  # noqa: S301, from our own worker
                if task := left.pop(outcome.task.id, None):
                    suspect += [task] * row["again"]
                    yield _as_given(outcome, task)
        suspect += left.values()
        yield from map(_given_up, left.values())
        _sweep(suspect)

    def _rows(self, tasks: Sequence[Task], rows: int) -> Iterator[dict[str, Any]]:
        """What the workers say, as it comes in."""
        from ray.data import ActorPoolStrategy, from_items

        # Pickled, since a file's name may be no Unicode, which Arrow's strings must be.
        items = [{"task": pickle.dumps(_absolute(task))} for task in tasks]
        dataset = from_items(items, override_num_blocks=-(-len(items) // rows))
        dataset.context.enable_progress_bars = False
        dataset.context.max_errored_blocks = -1  # `do` sees to what is lost
        pool = ActorPoolStrategy(
            min_size=1,
            max_size=self._share.workers,
            initial_size=min(room(self._share), len(tasks)),
        )
        worker: Any = Worker  # a class is called once for each actor, which the types do not say
        colored = dataset.map(
            worker,
            compute=pool,
            fn_constructor_args=self._setup,
            num_cpus=self._share.cpus,
            num_gpus=self._share.gpus,
        )
        yield from colored.iter_rows()


class Worker:
    """A process on the cluster that holds the model and does one task after the other.

    Args:
        work: what it does.
        cpus: cores that it takes of its machine.
        files: where Ray has the bytes of the model and of the card beside it, by name.
        ledger: a `_Ledger`.
        wanted: versions of the software that results depend on, where the run was started.

    Raises:
        ArgumentError: there is other software on this machine.
    """

    def __init__(
        self, work: Work, cpus: float, files: Any, ledger: Any, wanted: dict[str, str]
    ) -> None:
        check_versions(wanted)
        import ray

        os.environ["VIPS_CONCURRENCY"] = "1"  # as many workers as cores, and a thread in each
        with tempfile.TemporaryDirectory(prefix="photochrom-") as folder:
            for name, data in ray.get(files).items():
                (Path(folder) / name).write_bytes(data)
            work.model = Path(folder) / work.model.name
            work.load()  # now, while the file is there
        if work.turn:  # large pictures take turns on each machine, not on all of them
            name = hashlib.sha256(work.turn.encode()).hexdigest()[:16]
            work.turn = str(Path(tempfile.gettempdir()) / f"photochrom-{name}.lock")
            work.memory = int(memory_budget() / 2 * min(1, cpus / cores()))
        self._work, self._ledger = work, ledger
        self._ended: int | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Do the task of a row."""
        import ray

        task: Task = pickle.loads(row["task"])  # noqa: S301, from our own driver
        before = ray.get(self._ledger.begin.remote(task.id, self._ended))
        outcome = self._work(task) if before < _DEATHS else _given_up(task)
        self._ended = task.id
        return {"outcome": pickle.dumps(outcome), "again": before > 0}


class _Ledger:
    """Remembers which tasks were begun and not ended: those may be what workers die of."""

    def __init__(self) -> None:
        self._begun: dict[int, int] = {}

    def begin(self, task: int, ended: int | None) -> int:
        """Note that a worker begins a task and has ended another; how often it was begun before."""
        if ended is not None:
            self._begun.pop(ended, None)
        before = self._begun.get(task, 0)
        self._begun[task] = before + 1
        return before


def _given_up(task: Task) -> Outcome:
    error = (
        f"{_DEATHS} workers were lost while they had it, by its fault or their machines'; "
        "try it alone"
    )
    return Outcome(task, "failed", error=error)


def _absolute(task: Task) -> Task:
    """The same for workers, which have another working directory."""

    def full(target: str) -> str:
        path = storage.local(target)
        return target if path is None else str(path.absolute())

    compare = full(task.compare) if task.compare else None
    return replace(task, source=full(task.source), output=full(task.output), compare=compare)


def _as_given(outcome: Outcome, task: Task) -> Outcome:
    """The outcome of `_absolute` as that of ``task``, whose names its error then has too."""
    error = outcome.error
    for name in ("source", "output", "compare"):
        full = getattr(outcome.task, name)
        if error and full:
            error = error.replace(full, getattr(task, name))
    return replace(outcome, task=task, error=error)


def _sweep(tasks: Sequence[Task]) -> None:
    """Remove what lost workers left in the folders of these tasks, where nobody writes now."""
    results = [target for task in tasks for target in (task.output, task.compare) if target]
    for folder in {path.resolve().parent for target in results if (path := storage.local(target))}:
        for half in folder.glob(".photochrom-" + "[0-9a-f]" * 16 + ".tmp"):  # see picture.writing
            half.unlink(missing_ok=True)
