"""The table of jobs, in one SQLite file; what is committed survives ``kill -9``."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED = ("done", "failed", "cancelled")
_ATTEMPTS = 3  # times that a job may take the service down with it
_PATIENCE = 2.0  # seconds to wait for another process that has locked the file
_SCHEMA = """
create table if not exists jobs (
    id text primary key,
    owner text,
    kind text not null,
    state text not null default 'queued',
    options text not null,
    items text not null,
    done integer not null default 0,
    total integer,
    attempts integer not null default 0,
    error text,
    created real not null,
    finished real,
    expires real
) without rowid
"""
_ADDED = {"note": "text", "idempotency": "text", "webhook_due": "real", "webhook_tries": "integer"}
"""Columns that tables of earlier releases lack."""


@dataclass(frozen=True)
class Job:
    """A row of the table."""

    id: str  # unguessable
    kind: Literal["pictures", "film"]  # ``"pictures"`` or ``"film"``
    options: dict[str, Any]  # as ``JobOptions`` has them
    items: list[dict[str, Any]]  # one per file: its ``name``, and ``error`` if it failed
    owner: str | None = None  # name of the API key it was made with; None without keys
    state: State = "queued"  # queued, running, done, failed or cancelled
    # done, total: pictures or frames; `total` may not be known
    done: int = 0
    total: int | None = None
    attempts: int = 0  # how often it was begun
    error: str | None = None  # why it failed
    # created, finished, expires: seconds since 1970
    created: float = field(default_factory=time.time)
    finished: float | None = None
    expires: float | None = None
    note: str | None = None  # why it waits, if it does not wait for others only
    idempotency: str | None = None  # the client's own key for it
    webhook_due: float | None = None  # when its webhook is to be called next; None: not any more
    webhook_tries: int | None = None  # calls so far


class JobStore:
    """The table of jobs, for all threads; its methods raise `sqlite3.OperationalError` when the
    file is locked by another process or its disk is full.

    Args:
        file: of the database; made if needed.
    """

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            file, timeout=_PATIENCE, check_same_thread=False, isolation_level=None
        )
        self._db.row_factory = sqlite3.Row
        self._rows("pragma journal_mode = wal")
        self._rows("pragma synchronous = normal")
        self._rows(_SCHEMA)
        known = {row["name"] for row in self._rows("pragma table_info(jobs)")}
        for name, kind in _ADDED.items():
            if name not in known:
                self._rows(f"alter table jobs add column {name} {kind}")
        self._rows(
            "create unique index if not exists idempotency on jobs"
            " (coalesce(owner, ''), idempotency) where idempotency is not null"
        )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def add(self, job: Job) -> None:
        """Queue a job; sqlite3.IntegrityError if its owner has one with this idempotency key."""
        self._rows(
            "insert into jobs (id, owner, kind, options, items, total, created, idempotency)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            job.id, job.owner, job.kind, json.dumps(job.options), json.dumps(job.items),
            job.total, job.created, job.idempotency,
        )  # fmt: skip

    def same(self, owner: str | None, idempotency: str) -> Job | None:
        """The job that its owner made with this idempotency key."""
        return self._job(
            "select * from jobs where owner is ? and idempotency = ?", owner, idempotency
        )

    def page(
        self, owner: str | None, state: State | None, before: float | None, limit: int
    ) -> list[Job]:
        """Jobs of an owner, the newest first."""
        return self._jobs(
            "select * from jobs where owner is ? and (? is null or state = ?)"
            " and (? is null or created < ?) order by created desc limit ?",
            *(owner, state, state, before, before, limit),
        )

    def get(self, id: str) -> Job | None:
        """The job, if there is one."""
        return self._job("select * from jobs where id = ?", id)

    def begin(self, kind: str) -> Job | None:
        """The oldest job of a kind in the queue, running from now on; None if nothing waits."""
        return self._job(
            "update jobs set state = 'running', note = null, attempts = attempts + 1 where id ="
            " (select id from jobs where state = 'queued' and kind = ?"
            " order by created limit 1) returning *",
            kind,
        )

    def progress(self, job: Job, done: int, total: int | None) -> bool:
        """Note how far a job is; False if it was cancelled."""
        found = self._rows(
            "update jobs set done = ?, total = ?, items = ? where id = ? and state = 'running'"
            " returning id",
            *(done, total, json.dumps(job.items), job.id),
        )
        return bool(found)

    def finish(self, id: str, state: State, expires: float, error: str | None = None) -> bool:
        """End a job; False if it had ended before."""
        now = time.time()
        found = self._rows(
            "update jobs set state = ?, error = ?, finished = ?, expires = ?, note = null,"
            " webhook_due = ? where id = ? and state in ('queued', 'running') returning id",
            *(state, error, now, expires, now, id),
        )
        return bool(found)

    def put_back(self, id: str, note: str | None = None) -> None:
        """Queue a running job again, one that the service itself interrupts; `note` says why."""
        self._rows(
            "update jobs set state = 'queued', note = ?, attempts = attempts - 1"
            " where id = ? and state = 'running'",
            *(note, id),
        )

    def due(self) -> list[Job]:
        """Jobs that have ended and whose webhook is to be called now."""
        return self._jobs(
            "select * from jobs where webhook_due < ? order by webhook_due limit 20", time.time()
        )

    def next_due(self) -> float:
        """Seconds until the next webhook is to be called; infinite if there is none."""
        ((due,),) = self._rows("select min(webhook_due) from jobs")
        return float("inf") if due is None else max(0.01, due - time.time())

    def called(self, id: str, due: float | None) -> None:
        """Count a call of a job's webhook; `due`: of the next."""
        self._rows(
            "update jobs set webhook_due = ?, webhook_tries = coalesce(webhook_tries, 0) + 1"
            " where id = ?",
            *(due, id),
        )

    def recover(self, expires: float) -> tuple[int, list[str]]:
        """Queue jobs again that were running at the end, unless too often; number, ids given up."""
        message = f"given up: the service ended {_ATTEMPTS} times while it worked on this"
        lost = self._rows(
            "update jobs set state = 'failed', error = ?, finished = ?, expires = ?"
            " where state = 'running' and attempts >= ? returning id",
            *(message, time.time(), expires, _ATTEMPTS),
        )
        again = self._rows("update jobs set state = 'queued' where state = 'running' returning id")
        return len(again), [row["id"] for row in lost]

    def expired(self) -> list[str]:
        """Ids of the jobs whose time is over."""
        rows = self._rows("select id from jobs where expires < ?", time.time())
        return [row["id"] for row in rows]

    def forget(self, id: str) -> None:
        """Delete a job's row."""
        self._rows("delete from jobs where id = ?", id)

    def ids(self) -> set[str]:
        """Of all jobs."""
        return {row["id"] for row in self._rows("select id from jobs")}

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        return dict(self._rows("select state, count(*) from jobs group by state"))

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    def _jobs(self, statement: str, *values: object) -> list[Job]:
        rows = map(dict, self._rows(statement, *values))
        return [
            Job(**row | {key: json.loads(row[key]) for key in ("options", "items")}) for row in rows
        ]

    def _job(self, statement: str, *values: object) -> Job | None:
        return next(iter(self._jobs(statement, *values)), None)
