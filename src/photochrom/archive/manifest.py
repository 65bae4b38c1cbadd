"""The manifest: every file of an archive and its state, in SQLite.

Only the process that runs the archive writes it. A row is ``running`` on the disk before its
picture is begun and ``done`` after its output is complete, so that after any interruption the
rows that are ``running`` are those whose output may be there, and only they have left anything
behind.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from .._io import show
from ..errors import ArgumentError
from .events import Outcome, SkipReason, Task, TaskKind

State = Literal["todo", "running", "done", "failed", "skipped", "settling"]

_SCHEMA = """
create table if not exists files (
    id integer primary key,
    key text not null unique,     -- of the output, seen from the folder OUT
    source text not null,
    real text not null,           -- the source, however it is reached
    output text not null,
    compare text,
    compare_key text,
    size integer not null,
    version text not null,        -- of the source: modification time, or a store's tag
    state text not null,
    model text,                   -- digests of the model and the options of the state
    options text,
    survey integer not null,      -- the last one that found the source
    width integer, height integer, pages integer, pixels integer,
    seconds real,
    written integer,              -- bytes of the output
    written_version text,
    finished real,                -- seconds since 1970
    error text,
    passing integer not null default 0,
    begun integer not null default 0  -- and not finished: what is in the output's place is ours
);
create index if not exists files_state on files (survey, state, id);
create index if not exists files_real on files (real);
create index if not exists files_compare on files (compare_key) where compare_key is not null;
create table if not exists facts (name text primary key, value text);
"""
_FORMAT = "1"
_LATER = {  # columns that the first manifests lack
    "kind": "text not null default 'picture'",
    "named": "integer not null default 0",
    "frames": "integer",
    "note": "text",  # about the task, from the survey
    "notes": "text",  # of the outcome, a line each
    "doubt": "real",
    "reason": "text",  # why it was skipped
}


@dataclass(frozen=True)
class Row:
    """A row of the manifest; the attributes are explained in its schema."""

    id: int
    key: str
    source: str
    real: str
    output: str
    compare: str | None
    compare_key: str | None
    size: int
    version: str
    state: State
    model: str | None
    options: str | None
    survey: int
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    pixels: int | None = None
    seconds: float | None = None
    written: int | None = None
    written_version: str | None = None
    finished: float | None = None
    error: str | None = None
    passing: int = 0
    begun: int = 0
    kind: TaskKind = "picture"
    named: int = 0
    frames: int | None = None
    note: str | None = None
    notes: str | None = None
    doubt: float | None = None
    reason: SkipReason | None = None

    @property
    def task(self) -> Task:
        """The task of a worker."""
        files = self.source, self.output, self.compare
        return Task(self.id, *files, self.size, self.kind, self.note, bool(self.named))


class Manifest:
    """The rows, in a file or (``None``) in memory; ArgumentError if it is no manifest."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        with self._explained():
            self._db = sqlite3.connect(file or ":memory:", isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("pragma journal_mode = wal")
            # A commit is on the disk when it returns: what is begun must be known after a power
            # cut. Commits are few, since each is for all that has happened since the last.
            self._db.execute("pragma synchronous = full")
            self._db.executescript(_SCHEMA)
            have = {row["name"] for row in self._db.execute("pragma table_info(files)")}
            for name, kind in _LATER.items():
                if name not in have:
                    self._db.execute(f"alter table files add column {name} {kind}")
            self._check_format()
            self.survey = int(self.fact("survey") or 0)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def copy(self) -> Manifest:
        """The same rows in memory, to try something out on."""
        other = Manifest(None)
        self._db.backup(other._db)
        other.survey = self.survey
        return other

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes of the block, or none."""
        with self._explained():
            self._db.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def fact(self, name: str) -> str | None:
        """A fact about the archive."""
        row = self._db.execute("select value from facts where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def note(self, name: str, value: str) -> None:
        """Remember a fact about the archive."""
        with self._explained():
            self._db.execute("insert or replace into facts values (?, ?)", (name, value))

    def next_survey(self) -> None:
        """Begin to put in what is there now; inside a transaction."""
        self.survey += 1
        self.note("survey", str(self.survey))

    def rows(self, keys: Sequence[str]) -> dict[str, Row]:
        """The rows of these outputs."""
        return self._where("key", keys)

    def put(self, rows: Iterable[dict[str, Any]]) -> None:
        """Insert rows, or replace those of the same output."""
        names = ("key", "source", "real", "output", "compare", "compare_key", "size", "version",
                 "state", "model", "options", "survey", "kind", "named", "note", "reason",
                 "error")  # fmt: skip
        sets = ",".join(f"{name} = excluded.{name}" for name in names[1:])
        self._db.executemany(
            f"insert into files ({','.join(names)}) values ({','.join(f':{n}' for n in names)})"  # noqa: S608
            f" on conflict (key) do update set {sets}",
            ({name: _kept(value) for name, value in row.items()} for row in rows),
        )

    def sources(self, reals: Sequence[str]) -> dict[str, Row]:
        """The newest row of each of these sources, by its real name."""
        return self._where("real", reals)

    def _where(self, column: str, values: Sequence[str]) -> dict[str, Row]:
        marks = ",".join("?" * len(values))
        found = self._db.execute(
            f"select * from files where {column} in ({marks}) order by survey",  # noqa: S608
            [_kept(value) for value in values],
        )
        return {getattr(row, column): row for row in map(_row, found)}

    def taken(self, keys: Sequence[str]) -> dict[str, str]:
        """Which of these outputs belong to a source of this survey, and its real name."""
        marks = ",".join("?" * len(keys))
        values = [self.survey, *map(_kept, keys)]
        taken: dict[str, str] = {}
        for column in ("compare_key", "key"):
            found = self._db.execute(
                f"select {column}, real from files where survey = ? and {column} in ({marks})",  # noqa: S608
                values,
            )
            taken |= {_given(row[0]): _given(row[1]) for row in found}
        return taken

    def is_source(self, real: str) -> bool:
        """Whether the survey found a source of this name."""
        found = self._db.execute(
            "select 1 from files where real = ? and survey = ?", (_kept(real), self.survey)
        )
        return found.fetchone() is not None

    def claim(self, count: int, kind: TaskKind = "picture") -> list[Task]:
        """Up to ``count`` tasks of a kind, which are ``running`` from now on."""
        with self._explained():
            found = self._db.execute(
                "update files set state = 'running', begun = 1 where id in (select id from files"
                " where survey = ? and state = 'todo' and kind = ? order by id limit ?)"
                " returning *",
                (self.survey, kind, count),
            ).fetchall()
        return [_row(row).task for row in sorted(found, key=lambda row: int(row["id"]))]

    def finish(self, outcomes: Sequence[Outcome]) -> None:
        """Write down the outcomes of tasks."""
        now = time.time()
        with self.transaction():
            self._db.executemany(
                "update files set state = ?, width = ?, height = ?, pages = ?, pixels = ?,"
                " seconds = ?, written = coalesce(?, written), begun = 0,"
                " written_version = coalesce(?, written_version), finished = ?, error = ?,"
                " passing = ?, frames = ?, notes = ?, doubt = ?, reason = ? where id = ?",
                [
                    (o.state, o.width, o.height, o.pages, o.pixels, o.seconds, o.written,
                     o.version, now, _kept(o.error), o.passing, o.frames,
                     _kept("\n".join(o.notes)) or None, o.doubt, o.reason, o.task.id)
                    for o in outcomes
                ],
            )  # fmt: skip

    def put_back(self) -> list[Row]:
        """Have everything that is ``running`` done again; returns what that was."""
        with self._explained():
            found = self._db.execute(
                "update files set state = 'todo' where state = 'running' returning *"
            ).fetchall()
        return [_row(row) for row in found]

    def totals(self, kind: TaskKind | None = None) -> dict[State, tuple[int, int, int]]:
        """For each state in this survey: files (of a kind), bytes of the sources, pixels."""
        found = self._db.execute(
            "select state, count(*), sum(size), sum(pixels) from files where survey = ?"
            " and kind in (?, ?) group by state",
            (self.survey, *((kind, kind) if kind else get_args(TaskKind))),
        )
        return {row[0]: (row[1], row[2] or 0, row[3] or 0) for row in found}

    def each(self, state: State) -> Iterator[Row]:
        """The rows of a state in this survey."""
        found = self._db.execute(
            "select * from files where survey = ? and state = ? order by id", (self.survey, state)
        )
        return map(_row, found)

    def most_doubtful(self, count: int) -> list[Row]:
        """Pictures that are done, those first of which the model was least sure."""
        found = self._db.execute(
            "select * from files where survey = ? and state = 'done' and doubt is not null"
            " order by doubt desc limit ?",
            (self.survey, count),
        )
        return [_row(row) for row in found]

    def with_notes(self) -> Iterator[Row]:
        """Files that are done and of which there is something to say."""
        found = self._db.execute(
            "select * from files where survey = ? and state = 'done'"
            " and (notes is not null or note is not null) order by id",
            (self.survey,),
        )
        return map(_row, found)

    def sample(self, state: State, count: int, kind: TaskKind = "picture") -> list[Row]:
        """``count`` pictures or films of a state, spread evenly over the archive."""
        ids = [
            row[0]
            for row in self._db.execute(
                "select id from files where survey = ? and state = ? and kind = ? order by id",
                (self.survey, state, kind),
            )
        ]
        chosen = {ids[i * len(ids) // count] for i in range(count)} if ids else set()
        return [
            _row(self._db.execute("select * from files where id = ?", (i,)).fetchone())
            for i in sorted(chosen)
        ]

    def _check_format(self) -> None:
        if (found := self.fact("format")) is None:
            self.note("format", _FORMAT)
        elif found != _FORMAT:
            raise _unusable(self._file, f"one of the format {found}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _unusable(self._file, str(error)) from error


def _kept(value: Any) -> Any:
    """A value as SQLite takes it: a name that is not Unicode (old disks have some) as bytes."""
    if isinstance(value, str) and not value.isprintable():
        try:
            value.encode()
        except UnicodeEncodeError:
            return os.fsencode(value)
    return value


def _given(value: Any) -> Any:
    """What `_kept` was given."""
    return os.fsdecode(value) if isinstance(value, bytes) else value


def _row(row: sqlite3.Row) -> Row:
    return Row(**{name: _given(row[name]) for name in row.keys()})  # noqa: SIM118


def _unusable(file: Path | None, got: str) -> ArgumentError:
    return ArgumentError(
        f"the manifest {show(file or 'in memory')} cannot be used",
        expected="a manifest of this version on a disk with space",
        got=got,
        fix="free some space and give the same command again, or choose another output folder",
    )
