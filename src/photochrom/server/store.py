"""The jobs of the service, in one SQLite file.

By the standard library's sqlite3: one table and a few statements, for which a layer above would
be more to read than it saves. In WAL mode what is committed survives ``kill -9``.
"""

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
_ATTEMPTS = 3  # times that a job may take the service down with it
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


@dataclass(frozen=True)
class Job:
    """A row of the table.

    Attributes:
        id: unguessable.
        owner: name of the API key it was made with; None without keys.
        kind: ``"pictures"`` or ``"film"``.
        state: what has become of it.
        options: as ``Options`` has them.
        items: one per file: its ``name``, and ``error`` if it failed.
        done, total: pictures or frames; `total` may not be known.
        attempts: how often it was begun.
        error: why it failed.
        created, finished, expires: seconds since 1970.
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


class Store:
    """The jobs, for all threads.

    Args:
        file: of the database; made if needed.
    """

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        with self._cursor() as db:
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            db.execute(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def add(self, job: Job) -> None:
        """Put a new job at the end of the queue."""
        with self._cursor() as db:
            db.execute(
                "insert into jobs (id, owner, kind, options, items, total, created)"
                " values (?, ?, ?, ?, ?, ?, ?)",
                (job.id, job.owner, job.kind, json.dumps(job.options), json.dumps(job.items),
                 job.total, job.created),
            )  # fmt: skip

    def get(self, id: str) -> Job | None:
        """The job, if there is one."""
        with self._cursor() as db:
            return _job(db.execute("select * from jobs where id = ?", (id,)).fetchall())

    def begin(self, kind: str) -> Job | None:
        """The oldest job of a kind in the queue, running from now on; None if nothing waits."""
        with self._cursor() as db:
            rows = db.execute(
                "update jobs set state = 'running', attempts = attempts + 1 where id ="
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
            found = db.execute(
                "update jobs set state = ?, error = ?, finished = ?, expires = ?"
                " where id = ? and state in ('queued', 'running')",
                (state, error, time.time(), expires, id),
            )
            return found.rowcount == 1

    def put_back(self, id: str) -> None:
        """Queue a running job again, one that the service itself interrupts."""
        with self._cursor() as db:
            db.execute(
                "update jobs set state = 'queued', attempts = attempts - 1"
                " where id = ? and state = 'running'",
                (id,),
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
