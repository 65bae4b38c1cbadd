"""The pool that shares an archive among the machines of a Ray cluster.

Tasks are collected to *shards*, and each shard is one dataset of Ray Data (see `shards`). Ray
places the workers, feeds them as fast as they work, starts them again, and repeats what a lost
machine had begun. Only names and outcomes travel; workers read and write the pictures themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..events import Outcome, Task, TaskKind
from ..run_settings import Share
from ..work import Loaded, Work
from .driver import PATIENCE, Driver, check_share, room
from .shards import Cluster

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_SHARD, _SHARD_PER_WORKER = 4096, 512
"""Tasks of a dataset: at its end workers wait for the last pictures, seconds after minutes."""

_STORE = 256 << 20  # bytes of Ray's object store on this machine: a model and many names


class RayPool:
    """Workers on a Ray cluster; see `Pool`.

    Args:
        work: what they do; its model travels with it.
        address: ``"auto"`` for the cluster that runs here, ``"local"`` for one of this machine
            alone, or ``HOST:PORT``.
        share: what each worker takes.

    Attributes:
        capacity: tasks of a shard, for the workers that the cluster had room for last.

    Raises:
        MissingExtraError: Ray is not installed.
        ArgumentError: there is no cluster at `address`, or no machine in it for such a share.
    """

    def __init__(self, work: Work, address: str = "auto", share: Share | None = None) -> None:
        self.capacity = _SHARD
        self._work = work
        self._collected: list[Task] = []
        self._idle = False
        self._driver = Driver(address, _STORE, _drive, work, share or Share())
        try:
            self._hear()
        except BaseException:
            self.close(now=True)
            raise

    def loaded(self, kind: TaskKind) -> Loaded:
        """What this machine has loaded, see `Pool`; the workers load the same."""
        return self._work.describe(kind)

    def submit(self, task: Task) -> None:
        """Collect a task; `take` has it done."""
        self._collected.append(task)

    def take(self, timeout: float) -> list[Outcome]:
        """The outcomes that have come in, in no order.

        Args:
            timeout: seconds to wait for the first one.

        Raises:
            PhotochromError: the work on the cluster was broken off.
        """
        if self._idle and self._collected:
            self._driver.send(self._collected)
            self._idle, self._collected = False, []
        outcomes: list[Outcome] = []
        while not self._idle and len(outcomes) < _SHARD and self._driver.has_said(timeout):
            outcomes += self._hear()
            timeout = 0
        return outcomes

    def close(self, now: bool = False) -> None:
        """Give the cluster back; ``now``: in the middle of what is being done."""
        while not (now or self._idle) and self._driver.has_said(PATIENCE):
            self._hear()  # it tidies up after the last outcome
        self._driver.close(now)

    def _hear(self) -> list[Outcome]:
        """The next thing that the driver says."""
        said = self._driver.hear()
        if isinstance(said, Outcome):
            return [said]
        self.capacity, self._idle = max(_SHARD, said * _SHARD_PER_WORKER), True
        return []


def _drive(pipe: Connection, work: Work, share: Share) -> None:
    """What the process between a `RayPool` and Ray does: it takes lists of tasks, gives outcomes.

    Before each list it says how many workers the cluster has room for.
    """
    check_share(share)
    cluster = Cluster(work, share)
    pipe.send(room(share))
    while (tasks := pipe.recv()) is not None:
        for outcome in cluster.do(tasks):
            pipe.send(outcome)
        pipe.send(room(share))
