"""The table of jobs, in one SQLite file; what is committed survives ``kill -9``."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
    """A row of the table.

    Attributes:
        id: unguessable.
        owner: name of the API key it was made with; None without keys.
        kind: ``"pictures"`` or ``"film"``.
        state: queued, running, done, failed or cancelled.
        options: as ``JobOptions`` has them.
        items: one per file: its ``name``, and ``error`` if it failed.
        done, total: pictures or frames; `total` may not be known.
        attempts: how often it was begun.
        error: why it failed.
        created, finished, expires: seconds since 1970.
        note: why it waits, if it does not wait for others only.
        idempotency: the client's own key for it.
        webhook_due: when its webhook is to be called next; None: not any more.
        webhook_tries: calls so far.
    """

    id: str
    kind: Literal["pictures", "film"]
    options: dict[str, Any]
    items: list[dict[str, Any]]
    owner: str | None = None
    state: State = "queued"
    done: int = 0
    total: int | None = None
    attempts: int = 0
    error: str | None = None
    created: float = field(default_factory=time.time)
    finished: float | None = None
    expires: float | None = None
    note: str | None = None
    idempotency: str | None = None
    webhook_due: float | None = None
    webhook_tries: int | None = None


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
        with self._cursor() as db:
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            db.execute(_SCHEMA)
            known = {row["name"] for row in db.execute("pragma table_info(jobs)").fetchall()}
            for name, kind in _ADDED.items():
                if name not in known:
                    db.execute(f"alter table jobs add column {name} {kind}")
            db.execute(
                "create unique index if not exists idempotency on jobs"
                " (coalesce(owner, ''), idempotency) where idempotency is not null"
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def add(self, job: Job) -> None:
        """Put a new job at the end of the queue.

        Raises:
            sqlite3.IntegrityError: its owner has one with the same idempotency key.
        """
        with self._cursor() as db:
            db.execute(
                "insert into jobs (id, owner, kind, options, items, total, created, idempotency)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)",
                (job.id, job.owner, job.kind, json.dumps(job.options), json.dumps(job.items),
                 job.total, job.created, job.idempotency),
            )  # fmt: skip

    def same(self, owner: str | None, idempotency: str) -> Job | None:
        """The job that its owner made with this idempotency key."""
        with self._cursor() as db:
            return _job(
                db.execute(
                    "select * from jobs where owner is ? and idempotency = ?", (owner, idempotency)
                ).fetchall()
            )

    def page(
        self, owner: str | None, state: State | None, before: float | None, limit: int
    ) -> list[Job]:
        """Jobs of an owner, the newest first."""
        with self._cursor() as db:
            rows = db.execute(
                "select * from jobs where owner is ? and (? is null or state = ?)"
                " and (? is null or created < ?) order by created desc limit ?",
                (owner, state, state, before, before, limit),
            ).fetchall()
        return [job for row in rows if (job := _job([row])) is not None]

    def get(self, id: str) -> Job | None:
        """The job, if there is one."""
        with self._cursor() as db:
            return _job(db.execute("select * from jobs where id = ?", (id,)).fetchall())

    def begin(self, kind: str) -> Job | None:
        """The oldest job of a kind in the queue, running from now on; None if nothing waits."""
        with self._cursor() as db:
            rows = db.execute(
                "update jobs set state = 'running', note = null, attempts = attempts + 1 where id ="
                " (select id from jobs where state = 'queued' and kind = ?"
                " order by created limit 1) returning *",
                (kind,),
            ).fetchall()
        return _job(rows)

    def progress(self, job: Job, done: int, total: int | None) -> bool:
        """Note how far a job is; False if it is not to go on, since somebody cancelled it."""
        with self._cursor() as db:
            found = db.execute(
                "update jobs set done = ?, total = ?, items = ? where id = ? and state = 'running'",
                (done, total, json.dumps(job.items), job.id),
            )
            return found.rowcount == 1

    def finish(self, id: str, state: State, expires: float, error: str | None = None) -> bool:
        """End a job; False if it had ended before."""
        with self._cursor() as db:
            now = time.time()
            found = db.execute(
                "update jobs set state = ?, error = ?, finished = ?, expires = ?, note = null,"
                " webhook_due = ? where id = ? and state in ('queued', 'running')",
                (state, error, now, expires, now, id),
            )
            return found.rowcount == 1

    def put_back(self, id: str, note: str | None = None) -> None:
        """Queue a running job again, one that the service itself interrupts; `note` says why."""
        with self._cursor() as db:
            db.execute(
                "update jobs set state = 'queued', note = ?, attempts = attempts - 1"
                " where id = ? and state = 'running'",
                (note, id),
            )

    def due(self) -> list[Job]:
        """Jobs that have ended and whose webhook is to be called now."""
        with self._cursor() as db:
            rows = db.execute(
                "select * from jobs where webhook_due < ? order by webhook_due limit 20",
                (time.time(),),
            ).fetchall()
        return [job for row in rows if (job := _job([row])) is not None]

    def next_due(self) -> float:
        """Seconds until the next webhook is to be called; infinite if there is none."""
        with self._cursor() as db:
            (due,) = db.execute("select min(webhook_due) from jobs").fetchone()
        return float("inf") if due is None else max(0.01, due - time.time())

    def called(self, id: str, due: float | None) -> None:
        """Count a call of a job's webhook; `due`: of the next."""
        with self._cursor() as db:
            db.execute(
                "update jobs set webhook_due = ?, webhook_tries = coalesce(webhook_tries, 0) + 1"
                " where id = ?",
                (due, id),
            )

    def recover(self, expires: float) -> tuple[int, list[str]]:
        """After a start: jobs that were running are queued again, unless they ended us too often.

        Returns:
            How many go on, and the ids of those given up.
        """
        message = f"given up: the service ended {_ATTEMPTS} times while it worked on this"
        with self._cursor() as db:
            lost = db.execute(
                "update jobs set state = 'failed', error = ?, finished = ?, expires = ?"
                " where state = 'running' and attempts >= ? returning id",
                (message, time.time(), expires, _ATTEMPTS),
            ).fetchall()
            again = db.execute("update jobs set state = 'queued' where state = 'running'").rowcount
        return again, [row["id"] for row in lost]

    def expired(self) -> list[str]:
        """Ids of the jobs whose time is over."""
        with self._cursor() as db:
            rows = db.execute("select id from jobs where expires < ?", (time.time(),)).fetchall()
        return [row["id"] for row in rows]

    def forget(self, id: str) -> None:
        """Delete a job's row."""
        with self._cursor() as db:
            db.execute("delete from jobs where id = ?", (id,))

    def ids(self) -> set[str]:
        """Of all jobs."""
        with self._cursor() as db:
            return {row["id"] for row in db.execute("select id from jobs").fetchall()}

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        with self._cursor() as db:
            rows = db.execute("select state, count(*) as n from jobs group by state").fetchall()
        return {row["state"]: row["n"] for row in rows}

    @contextmanager
    def _cursor(self) -> Iterator[sqlite3.Cursor]:
        with self._lock:
            cursor = self._db.cursor()
            try:
                yield cursor
            finally:
                cursor.close()


def _job(rows: list[sqlite3.Row]) -> Job | None:
    if not rows:
        return None
    values = dict(rows[0])
    return Job(**values | {key: json.loads(values[key]) for key in ("options", "items")})
