"""The pool that shares an archive among the machines of a Ray cluster.

Tasks are collected to *shards*, and each shard is one dataset of Ray Data (see `shards`). Ray
places the workers, feeds them as fast as they work, starts them again, and repeats what a lost
machine had begun. Only names and outcomes travel; workers read and write the pictures themselves.
Ray is driven from a process of its own: it prints to standard output, and whatever happens there,
ending that process gives everything on the cluster back.
"""

from __future__ import annotations

import os
import signal
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ArgumentError, MissingExtraError, PhotochromError
from .shards import Cluster, call, connect
from .work import Outcome, Task, Work

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_SHARD, _SHARD_PER_WORKER = 4096, 512
"""Tasks of a dataset: at its end workers wait for the last pictures, seconds after minutes."""

_PATIENCE = 10.0  # seconds for Ray to end by itself


@dataclass(frozen=True)
class Share:
    """What one worker takes of a machine; Ray puts as many on it as there is room for.

    Attributes:
        cpus: cores. One thread works on a picture, so 1 is right without a GPU.
        gpus: GPUs; 0.25 puts four workers on each.
        workers: how many at most; None: as many as there is room for.

    Raises:
        ArgumentError: a number out of range.
    """

    cpus: float = 1.0
    gpus: float = 0.0
    workers: int | None = None

    def __post_init__(self) -> None:
        workers = 1 if self.workers is None else self.workers
        whole = self.gpus < 1 or self.gpus % 1 == 0
        checks = (
            ("the cores of a worker", self.cpus, self.cpus > 0, "more than 0"),
            ("the GPUs of a worker", self.gpus, self.gpus >= 0 and whole, "0 to 1, or 2, 3, ..."),
            ("the number of workers", self.workers, workers > 0, "1 or more"),
        )
        for what, value, fine, expected in checks:
            if not fine:
                raise ArgumentError(what, expected=expected, got=str(value), fix="change it")


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
        ArgumentError: there is no cluster at `address`.
    """

    def __init__(self, work: Work, address: str = "auto", share: Share | None = None) -> None:
        if find_spec("ray") is None:
            raise MissingExtraError.of("ray", "ray", "sharing the work with a Ray cluster")
        call(address)
        handle, name = tempfile.mkstemp(prefix="photochrom-ray-", suffix=".log")
        os.close(handle)
        self.capacity = _SHARD
        self._log = Path(name)
        self._collected: list[Task] = []
        self._idle = self._broken = False
        spawn = get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        arguments = (theirs, work, address, share or Share(), name)
        self._driver = spawn.Process(target=_drive, args=arguments)
        self._driver.start()
        theirs.close()
        try:
            self._hear()
        except BaseException:
            self.close(now=True)
            raise

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
            self._pipe.send(self._collected)
            self._idle, self._collected = False, []
        outcomes: list[Outcome] = []
        while not self._idle and len(outcomes) < _SHARD and self._pipe.poll(timeout):
            outcomes += self._hear()
            timeout = 0
        return outcomes

    def close(self, now: bool = False) -> None:
        """Give the cluster back; ``now``: in the middle of what is being done."""
        if not now:
            while not self._idle and self._pipe.poll(_PATIENCE):
                self._hear()  # it tidies up after the last outcome
            self._pipe.send(None)
            self._driver.join(_PATIENCE)
        self._pipe.close()
        self._driver.kill()  # which Ray takes for the end of the job, if it has not ended
        self._driver.join()
        if not self._broken:
            self._log.unlink(missing_ok=True)

    def _hear(self) -> list[Outcome]:
        """The next thing that the driver says."""
        try:
            said = self._pipe.recv()
        except (EOFError, OSError):
            self._driver.join(_PATIENCE)
            got = f"the end of the process that drives it, with code {self._driver.exitcode}"
            said = _broken(got, self._log)
        if isinstance(said, Outcome):
            return [said]
        if isinstance(said, int):
            self.capacity, self._idle = max(_SHARD, said * _SHARD_PER_WORKER), True
            return []
        self._broken = not isinstance(said, ArgumentError)  # which explains itself
        raise said


def _drive(pipe: Connection, work: Work, address: str, share: Share, log: str) -> None:
    """The process between a `RayPool` and Ray: it takes lists of tasks and gives outcomes.

    Before each list it says how many workers the cluster has room for, and instead of anything
    else an error with which it ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who started this
    with Path(log).open("a") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    try:
        connect(address)
        cluster = Cluster(work, cpus=share.cpus, gpus=share.gpus, workers=share.workers)
        pipe.send(cluster.room())
        while (tasks := pipe.recv()) is not None:
            for outcome in cluster.do(tasks):
                pipe.send(outcome)
            pipe.send(cluster.room())
    except (EOFError, BrokenPipeError):  # nobody listens any more
        return
    except PhotochromError as error:
        pipe.send(error)
    except Exception as error:
        last = str(error).strip().splitlines()[-1:] or [""]
        pipe.send(_broken(f"{type(error).__name__}: {last[0][:300]}", log))
        raise  # into the log


def _broken(got: str, log: Path | str) -> PhotochromError:
    return PhotochromError(
        "the work on the Ray cluster was broken off",
        expected="workers that run until it is done",
        got=got,
        fix=f"look into {log}; the same command goes on from there",
    )
