"""Workers on this machine, threads for a few pictures and processes for many, and their loop."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from typing import Any, Protocol

from .._system import cores, fork_server
from ..errors import CancelToken, ModelError, PhotochromError
from .events import Outcome, Task, TaskKind
from .manifest import Manifest
from .work import Loaded, Work

_FEW = 6  # pictures for each core: below that threads, which start at once
_REMOTE_LANES = 4  # threads of a process, of which some wait for the network
_DEATHS = 2  # times that a picture may take its worker with it
_TICK = 0.5  # seconds; Ctrl-C cannot end a longer wait on every system


class Pool(Protocol):
    """Workers that do one task after the other."""

    @property
    def capacity(self) -> int:
        """How many tasks keep all of them busy."""

    def loaded(self, kind: TaskKind) -> Loaded:
        """What the workers have loaded, once the first has; else ModelError or ArgumentError."""

    def submit(self, task: Task) -> None:
        """Queue a task."""

    def take(self, timeout: float) -> list[Outcome]:
        """Outcomes since the last call; waits up to ``timeout`` seconds for the first."""

    def close(self, now: bool = False) -> None:
        """End the workers; ``now``: in the middle of what they are doing."""


class Threads:
    """Threads of this process, with one model for all of them."""

    def __init__(self, work: Work, count: int) -> None:
        self._count = count
        self._work = work
        self._pool = ThreadPoolExecutor(count)
        self._pending: set[Future[Outcome]] = set()

    @property
    def capacity(self) -> int:
        """Twice the workers, so that none waits while the manifest is written."""
        return 2 * self._count

    def loaded(self, kind: TaskKind) -> Loaded:
        """See `Pool`."""
        return self._work.describe(kind)

    def submit(self, task: Task) -> None:
        """See `Pool`."""
        self._pending.add(self._pool.submit(self._work, task))

    def take(self, timeout: float) -> list[Outcome]:
        """See `Pool`."""
        done, self._pending = wait(self._pending, timeout, return_when=FIRST_COMPLETED)
        return [future.result() for future in done]

    def close(self, now: bool = False) -> None:
        """See `Pool`."""
        if now:
            self._work.cancel.set()
        self._pool.shutdown(cancel_futures=now)


@dataclass
class _Worker:
    """A process, and what it is doing."""

    process: Any
    pipe: Connection
    tasks: dict[int, Task] = field(default_factory=dict)


class Processes:
    """Processes, so that a picture that kills its decoder, or fills the memory, kills only one.

    Args:
        work: sent to each of them.
        count: how many.
        lanes: tasks at a time in each: more than one where they wait for a network.
    """

    def __init__(self, work: Work, count: int, lanes: int = 1) -> None:
        self._count = count * lanes
        self._work, self._lanes = work, lanes
        self._context = fork_server(Work.__module__)
        self._waiting: deque[Task] = deque()
        self._deaths: Counter[int] = Counter()
        self._workers = [self._start() for _ in range(count)]

    @property
    def capacity(self) -> int:
        """Twice the workers, so that none waits while the manifest is written."""
        return 2 * self._count

    def loaded(self, kind: TaskKind) -> Loaded:
        """See `Pool`; of pictures only."""
        ready = wait_for([worker.pipe for worker in self._workers])
        first = next(worker for worker in self._workers if worker.pipe in ready)
        try:
            said = first.pipe.recv()
        except (EOFError, OSError):
            raise ModelError("the worker processes cannot be started") from None
        if isinstance(said, PhotochromError):
            raise said
        assert isinstance(said, Loaded)
        return said

    def submit(self, task: Task) -> None:
        """See `Pool`."""
        self._waiting.append(task)
        self._feed()

    def take(self, timeout: float) -> list[Outcome]:
        """See `Pool`."""
        outcomes: list[Outcome] = []
        for pipe in wait_for([worker.pipe for worker in self._workers], timeout):
            worker = next(each for each in self._workers if each.pipe is pipe)
            try:
                while worker.pipe.poll():
                    said = worker.pipe.recv()
                    if isinstance(said, PhotochromError):
                        raise said
                    if isinstance(said, Outcome):
                        del worker.tasks[said.task.id]
                        outcomes.append(said)
            except (EOFError, OSError):
                outcomes += self._buried(worker)
        self._feed()
        return outcomes

    def close(self, now: bool = False) -> None:
        """See `Pool`."""
        for worker in self._workers:
            if now:
                worker.process.kill()
            worker.pipe.close()  # at the end of its pipe a worker ends
        for worker in self._workers:
            worker.process.join()

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(self._work, theirs, self._lanes), daemon=True
        )
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _feed(self) -> None:
        for worker in self._workers:
            while self._waiting and len(worker.tasks) < self._lanes:
                task = self._waiting.popleft()
                worker.tasks[task.id] = task
                try:
                    worker.pipe.send(task)
                except OSError:  # it has died: `take` will find it at the end of its pipe
                    break

    def _buried(self, worker: _Worker) -> list[Outcome]:
        """Replace a worker that has died; its tasks are tried again, or given up."""
        worker.pipe.close()
        worker.process.join()
        self._workers[self._workers.index(worker)] = self._start()
        lost = []
        for task in worker.tasks.values():
            self._deaths[task.id] += 1
            if self._deaths[task.id] < _DEATHS:
                self._waiting.appendleft(task)
            else:
                lost.append(died(task, worker.process.exitcode))
        return lost


def died(task: Task, code: int | None) -> Outcome:
    """The outcome of a task whose workers died."""
    why = f"with exit code {code}"
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        why = f"by the signal {name}" + ", perhaps for lack of memory" * (name == "SIGKILL")
    error = f"the process that worked on it ended {_DEATHS} times, {why}; try it alone"
    return Outcome(task, "failed", error=error)


def _serve(work: Work, pipe: Connection, lanes: int) -> None:
    """The main function of a worker process."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # are for the process that started this one
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    os.environ["VIPS_CONCURRENCY"] = "1"  # as many processes as cores, and a thread in each
    try:
        pipe.send(work.describe())
    except PhotochromError as error:
        pipe.send(error)
        return
    sending = threading.Lock()

    def do(task: Task) -> None:
        outcome = work(task)
        with sending:
            pipe.send(outcome)

    with ThreadPoolExecutor(lanes) as pool:
        while True:
            try:
                task = pipe.recv()
            except (EOFError, OSError):
                work.cancel.set()
                return
            future = pool.submit(do, task)
            if lanes == 1:
                future.result()


def local_pool(work: Work, tasks: int, *, remote: bool, jobs: int | None = None) -> Pool:
    """Workers for this machine: as many as it has cores.

    Args:
        work: what they do.
        tasks: how many there are; for a few, processes would take longer to start than to work.
        remote: whether pictures come from or go to a network.
        jobs: how many workers instead.
    """
    count = jobs or cores()
    if tasks < _FEW * count:
        return Threads(work, min(count, max(1, tasks)))
    return Processes(work, count, _REMOTE_LANES if remote else 1)


def run(
    manifest: Manifest,
    pool: Pool,
    tell: Callable[[Outcome], None],
    *,
    kind: TaskKind = "picture",
    limit: int | None = None,
    cancel: CancelToken | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Outcome | None:
    """Have the tasks of a manifest done; write down and report each outcome.

    Args:
        manifest: after a survey.
        pool: the workers; stays open.
        tell: called with each outcome after it is in the manifest.
        kind: of the tasks.
        limit: stop after so many tasks.
        cancel: ends the loop.
        tick: called now and then; what it raises ends the loop.

    Raises:
        CancelledError: `cancel` was set; what had been begun is to be done again.

    Returns:
        None, or the outcome that made it useless to go on: its task, and all that had been begun,
        is to be done again.
    """
    begun = open_ = 0
    left = True
    while left or open_:
        room = pool.capacity - open_ if left else 0
        if limit is not None:
            room = min(room, limit - begun)
        # Claimed a few at a time, for each claim is a write to the disk.
        tasks = manifest.claim(room, kind) if room > 0 else []
        left = left and room == len(tasks) and (limit is None or begun + len(tasks) < limit)
        for task in tasks:
            pool.submit(task)
        begun, open_ = begun + len(tasks), open_ + len(tasks)
        outcomes = pool.take(_TICK) if open_ else []
        open_ -= len(outcomes)
        fatal = next((outcome for outcome in outcomes if outcome.fatal), None)
        outcomes = [outcome for outcome in outcomes if not outcome.fatal]
        if cancel is not None and cancel.is_set():  # which is why the others failed
            outcomes = [outcome for outcome in outcomes if outcome.state != "failed"]
        if outcomes:
            manifest.finish(outcomes)
            for outcome in outcomes:
                tell(outcome)
        if fatal:
            return fatal
        if cancel is not None:
            cancel.check()
        tick()
    return None
