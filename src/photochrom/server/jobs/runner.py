"""Threads that do jobs one after the other, through restarts, full disks and locked files."""

from __future__ import annotations

import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ...errors import CancelToken
from ..http.request_options import JobOptions
from ..http.uploads import Upload
from ..logs import log
from ..service_error import ServiceError, outage
from ..settings import MEGABYTE, Settings
from ..workers.pool import WorkerPool
from .job_files import JobFiles
from .job_store import Job, JobStore, State
from .job_work import JobWork
from .stores import Stores
from .webhook import Webhooks

_SWEEP = 30.0  # seconds between two looks for results that have expired
_PAUSE = 5.0  # seconds between two tries when the disk is full or the table locked
_SPARE = 100 * MEGABYTE  # bytes that the disk must have left


class JobRunner:
    """Takes jobs, does them in threads of its own, keeps their results for a while.

    Pictures of jobs share the pool with single requests; a film has a worker process of its own.
    The threads survive every error; what cannot be written now is written later.

    Attributes:
        paused: by kind of jobs, why none is done now.
        on_end: called with each job that has ended, and its state.

    Raises:
        ArgumentError: the folder cannot be used.
    """

    def __init__(self, settings: Settings, pool: WorkerPool, webhooks: Webhooks) -> None:
        self._settings, self.webhooks = settings, webhooks
        self.files = JobFiles(settings.folder)
        self.store = JobStore(self.files.database)
        self.stores = Stores(settings.stores)
        self.paused: dict[str, str] = {}
        self.on_end: Callable[[Job, str], None] = lambda job, state: None
        self._arriving = 0
        self._stop = CancelToken()
        self._work = JobWork(
            settings, pool, self.files, self.store, self.stores, self._stop, self._ended
        )
        self._cancelled: dict[str, CancelToken] = {}
        self._news = {kind: threading.Event() for kind in ("pictures", "film", "webhooks")}
        works: Mapping[str, Callable[[], float]] = {
            "pictures": lambda: self._next("pictures"),
            "film": lambda: self._next("film"),
            "webhooks": self._housekeeping,
        }
        self._threads = [
            threading.Thread(
                target=self._supervise, args=(kind, work), name=f"jobs-{kind}", daemon=True
            )
            for kind, work in works.items()
        ]

    def start(self) -> None:
        """Go on with what an earlier process left, and begin to work."""
        again, lost = self.store.recover(self._expiry())
        for id in lost:
            self.files.tidy(id)
        self.files.remove_all_but(self.store.ids())
        if again or lost:
            log("jobs of an earlier run", resumed=again, given_up=len(lost))
        for thread in self._threads:
            thread.start()

    def interrupt(self) -> None:
        """Begin nothing more and break off what is being done; it goes on after the next start."""
        self._stop.set()
        for token in list(self._cancelled.values()):
            token.set()
        for event in self._news.values():
            event.set()

    def stop(self) -> None:
        """Interrupt the work, wait for its end and close the files."""
        self.interrupt()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(10)
        self.store.close()
        self.files.close()

    @property
    def alive(self) -> bool:
        """Whether the threads run."""
        return all(thread.is_alive() for thread in self._threads)

    @contextmanager
    def place(self, size: int) -> Iterator[None]:
        """A place in the queue for a job of `size` bytes; ServiceError if there is none."""
        waiting = self.store.counts().get("queued", 0) + self._arriving
        if waiting >= self._settings.max_jobs:
            raise ServiceError(429, "too many jobs wait already; try again", retry_after=30)
        # Room for the upload, its copy in the folder and the result.
        if self.files.free() < 3 * size + _SPARE:
            raise ServiceError(503, "the disk of the service is too full now", retry_after=60)
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1

    def add(
        self,
        options: JobOptions,
        files: Sequence[Upload] | Sequence[str],
        owner: str | None,
        film: str | None,
        idempotency: str | None = None,
        references: Sequence[Upload] = (),
    ) -> Job:
        """Queue a job; its files are moved into its folder.

        Args:
            options: checked before.
            files: pictures, or one film; or addresses of them in stores.
            owner: name of the API key.
            film: suffix of the film; None for pictures.
            idempotency: the client's own key; a second job with it is the first one.
            references: pictures to borrow colours from.
        """
        job = Job(
            secrets.token_hex(16),
            "film" if film else "pictures",
            options.model_dump(exclude_unset=True),
            [
                {"name": each.name if isinstance(each, Upload) else each.rpartition("/")[2]}
                for each in files
            ],
            owner,
            total=None if film else len(files),
            idempotency=idempotency,
        )
        uploads = [each for each in files if isinstance(each, Upload)]
        self.files.take(job.id, uploads, film or "", references)
        try:
            self.store.add(job)
        except sqlite3.IntegrityError:
            self.files.remove(job.id)
            found = self.store.same(owner, idempotency or "")
            assert found is not None
            return found
        except BaseException:
            self.files.remove(job.id)
            raise
        self._news[job.kind].set()
        log("job queued", job=job.id, kind=job.kind, files=len(files))
        return job

    def cancel(self, job: Job) -> None:
        """Cancel a job that waits or runs; forget one that has ended. Its files go in any case."""
        if self.store.finish(job.id, "cancelled", self._expiry()):
            self.on_end(job, "cancelled")
        else:
            self.store.forget(job.id)
        token = self._cancelled.get(job.id)
        if token is not None:
            token.set()
        self.files.remove(job.id)

    def _expiry(self) -> float:
        return time.time() + self._settings.keep * 3600

    def _ended(self, job: Job, state: State) -> None:
        self.on_end(job, state)
        self._news["webhooks"].set()

    def _supervise(self, kind: str, work: Callable[[], float]) -> None:
        """Call `work` again and again, after the seconds that it returns, whatever it raises."""
        while not self._stop.is_set():
            self._news[kind].clear()
            try:
                wait = work()
                self.paused.pop(kind, None)
            except Exception as error:
                if self._stop.is_set():
                    return
                reason, wait = outage(error), _PAUSE
                if reason is None:
                    log("thread for jobs failed", logging.ERROR, trace=True, kind=kind)
                elif kind not in self.paused:
                    log("jobs paused", logging.WARNING, kind=kind, reason=reason)
                self.paused[kind] = reason or "a fault of the service; its log has the reason"
            if wait:
                self._news[kind].wait(wait)

    def _housekeeping(self) -> float:
        """Remove what has expired and call the webhooks that are due."""
        for id in self.store.expired():
            self.files.remove(id)
            self.store.forget(id)
            log("job expired", job=id)
        for job in self.store.due():
            self._call_webhook(job)
        return min(_SWEEP, self._settings.keep * 3600, self.store.next_due())

    def _call_webhook(self, job: Job) -> None:
        url, due = job.options.get("webhook"), None
        if url is None:
            self.store.called(job.id, None)
            return
        tries = (job.webhook_tries or 0) + 1
        body = {"id": job.id, "kind": job.kind, "state": job.state, "error": job.error}
        try:
            self.webhooks.call(url, body | {"done": job.done, "total": job.total})
            log("webhook called", job=job.id)
        except OSError as error:
            due = self.webhooks.next_due(tries)
            log("webhook failed", logging.WARNING, job=job.id, tries=tries, reason=str(error))
        self.store.called(job.id, due)

    def _next(self, kind: str) -> float:
        """Do the oldest job of a kind; in an outage queue it again and raise, see `JobWork.do`."""
        if self.files.free() < _SPARE // 10:
            raise OSError(28, "No space left on device")
        for id in self._interrupted(kind):
            self.store.put_back(id, self.paused.get(kind))
            self._cancelled.pop(id, None)
        job = self.store.begin(kind)
        if job is None:
            return _SWEEP
        self._cancelled[job.id] = CancelToken()
        if self._stop.is_set():
            self._cancelled[job.id].set()
        try:
            self._work.do(job, self._cancelled[job.id])
        except (OSError, sqlite3.OperationalError) as error:
            if outage(error) is None:
                raise
            self.paused[kind] = outage(error) or ""
            log("jobs paused", logging.WARNING, kind=kind, reason=self.paused[kind])
            self.store.put_back(job.id, self.paused[kind])  # else it is tried again above
            self._cancelled.pop(job.id, None)
            raise
        self._cancelled.pop(job.id, None)
        return 0.0

    def _interrupted(self, kind: str) -> list[str]:
        """Ids of jobs that an outage interrupted and that could not be queued again then."""
        return [id for id in self._cancelled if (job := self.store.get(id)) and job.kind == kind]
