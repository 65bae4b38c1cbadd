"""What is to be done: the files that are there against the rows of the manifest."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path, PurePath, PurePosixPath
from time import time
from typing import Any

from ..._io import file_sha256, show
from ...errors import ArgumentError
from .. import storage
from ..events import SkipReason
from ..manifest import Manifest, Row, State
from ..naming import Naming
from .search import Found

_AT_ONCE = 500  # rows; SQLite takes that many variables in a statement
_SETTLED = 10.0  # seconds since a file was changed: nobody writes to it any more

REASONS: dict[SkipReason, str] = {
    "done before": "the output exists",
    "output exists": "the output exists",
    "changed since": "the output was changed by somebody else",
    "result": "a result of Photochrom",
    "in color": "it is in colour",
}
"""What is said of files that are skipped."""


@dataclass(frozen=True)
class Wanted:
    """What the rows are compared with."""

    root: str | None  # the folder for results, a path or URL; None: beside the sources
    # model, options, video_options: digests of the model and of the settings
    model: str
    options: str
    video_options: str = ""
    compare: bool = False  # before-and-after pictures are wanted
    overwrite: bool = False  # whatever is there is to be done again, and replaced
    retry: bool = False  # what failed is to be tried again
    # files may still be written to: take those only that have stopped changing
    settle: bool = False
    naming: Naming = field(default_factory=Naming)  # how results are called


def survey(manifest: Manifest, found: Iterable[Found], wanted: Wanted) -> list[str]:
    """Put files into the manifest, each with the state that says what is to be done.

    A file whose output has the name of another's gets a numbered one, and a note.

    Returns:
        Folders that results would go to and that cannot be written to; their files are left out.

    Raises:
        ArgumentError: a file would be written over another that is to be read; the manifest is as
            it was then.
    """
    task = _Survey(manifest, wanted)
    with manifest.transaction():
        manifest.next_survey()
        files = iter(found)
        while some := list(islice(files, _AT_ONCE)):
            task.put(some)
        task.check_replaced()
    return list(task.read_only)


class _Survey:
    """One pass over the files."""

    def __init__(self, manifest: Manifest, wanted: Wanted) -> None:
        self._manifest, self._wanted = manifest, wanted
        self._outputs = _Outputs(wanted.root)
        self._replaced: list[str] = []
        self._taken: dict[str, str] = {}  # outputs, and the real names of their sources
        self._rows: dict[str, Row] = {}  # of those outputs
        self._writable: dict[str, bool] = {}
        self.read_only: dict[str, None] = {}

    def put(self, some: list[Found]) -> None:
        """Put up to `_AT_ONCE` files into the manifest."""
        manifest, wanted = self._manifest, self._wanted
        known = manifest.sources([each.real for each in some])
        firsts = [_places(each, wanted, 1) for each in some]
        self._taken, self._rows = {}, {}
        self._look_up([key for first in firsts for key in _keys(first)])
        new: dict[str, dict[str, Any]] = {}
        seen: set[str] = set()
        for each, first in zip(some, firsts, strict=True):
            before = known.get(each.real)
            again = each.real in seen or (before and before.survey == manifest.survey)
            if again or not self._can_write(each):  # named twice, or in a named folder as well
                continue
            seen.add(each.real)
            row = self._row(each, first, before)
            self._taken |= dict.fromkeys(_keys(row), each.real)
            new[row["key"]] = row
        for key, row in new.items():
            if _decide(row, self._rows.get(key), wanted, self._outputs):
                self._replaced.append(row["output"])
            if row["state"] == "skipped":
                _check_source(row)
        manifest.put(new.values())

    def _look_up(self, keys: list[str]) -> None:
        """Find the rows of these outputs, and those that this survey has given away."""
        self._taken |= self._manifest.taken(keys)
        self._rows |= self._manifest.rows(keys)

    def _is_free(self, key: str, real: str) -> bool:
        """Whether no other file has this output: none of this survey, and none that is still there
        and was coloured by an earlier one."""
        if key in self._taken:
            return self._taken[key] == real
        row = self._rows.get(key)
        if row is None or row.real == real or row.state != "done":
            return True
        return storage.local(row.source) is None or storage.stat(row.source) is None

    def check_replaced(self) -> None:
        """Refuse to replace what is to be read."""
        for path in self._replaced:
            if self._manifest.is_source(os.path.realpath(path) if storage.local(path) else path):
                raise _over_a_source(path)

    def _row(self, found: Found, first: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """The row of a file, under the first name that no other file has."""
        wanted, places = self._wanted, first
        old = None if before is None or before.key == first["key"] else before.key
        for number in _numbers(found, old, wanted):
            places = first if number == 1 else _places(found, wanted, number)
            if number > 1:
                self._look_up(_keys(places))
            if all(self._is_free(key, found.real) for key in _keys(places)):
                break
        note = None
        if places is not first:
            name, other = (show(PurePosixPath(each["key"]).name) for each in (places, first))
            note = f"its result is {name}, for {other} is another file's"
        video = found.media.kind == "video"
        return places | {
            "source": found.path,
            "real": found.real,
            "size": found.stat.size,
            "version": found.stat.version,
            "survey": self._manifest.survey,
            "model": wanted.model,
            "options": wanted.video_options if video else wanted.options,
            "kind": "video" if video else "picture",
            "named": found.named,
            "note": note,
            "reason": None,
            "error": None,
        }

    def _can_write(self, found: Found) -> bool:
        if self._wanted.root is not None:
            return True  # looked at before, once for all
        folder = os.path.dirname(found.path) or "."  # noqa: PTH120 - a string: speed
        if folder not in self._writable:
            self._writable[folder] = os.access(folder, os.W_OK)
            if not self._writable[folder]:
                self.read_only[folder] = None
        return self._writable[folder]


def digest(values: dict[str, Any]) -> str:
    """A short name for JSON values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def model_digest(model: Path) -> str:
    """A short name for a model: its file, and the card beside it if there is one."""
    total = hashlib.sha256()
    for path in (model, model.with_suffix(".toml")):
        if path.is_file():
            total.update(bytes.fromhex(file_sha256(path)))
    return total.hexdigest()[:16]


class _Outputs:
    """The folder for results as it is."""

    def __init__(self, root: str | None) -> None:
        self._listed: Mapping[str, storage.Stat] | None = None
        if root is not None and storage.local(root) is None:  # asking a store for each is too slow
            self._listed = {relative: stat for _, relative, stat in storage.listing(root)}

    def stat(self, path: str, key: str) -> storage.Stat | None:
        """Of a file; None if there is none."""
        return storage.stat(path) if self._listed is None else self._listed.get(key)


def _keys(places: Mapping[str, Any]) -> list[str]:
    """The outputs of a row, as the manifest calls them."""
    return [key for key in (places["key"], places["compare_key"]) if key]


def _numbers(found: Found, old: str | None, wanted: Wanted) -> Iterator[int]:
    """Numbers for the name of an output: that of an earlier run's, `old`, then all."""
    for number in range(2, 10) if old is not None else ():
        if old == _places(found, wanted, number)["key"]:
            yield number
    yield from count(1)


def _places(found: Found, wanted: Wanted, number: int) -> dict[str, Any]:
    """Where the results of a file go, under its own or a numbered name."""
    naming, split, join = wanted.naming, os.path.split, os.path.join  # strings: speed
    picture = wanted.compare and found.media.kind == "picture"
    beside = wanted.root is None
    base = PurePath(split(found.path)[1] if found.named or beside else found.relative)
    name = naming.name(base, found.media, beside=beside, number=number)
    compare = naming.comparison(name) if picture else None
    if wanted.root is None:
        folder, real = split(found.path)[0], split(found.real)[0]
        output, key = join(folder, name), join(real, name)
        compare_path = compare and join(folder, compare)
        compare_key = compare and join(real, compare)
    else:
        inside = found.relative.rpartition("/")[0]
        key = f"{inside}/{name}" if inside else name
        output = storage.join(wanted.root, key)
        compare_key = compare and (f"{inside}/{compare}" if inside else compare)
        compare_path = compare_key and storage.join(wanted.root, compare_key)
    return {
        "key": os.path.normcase(key),
        "output": output,
        "compare": compare_path,
        "compare_key": compare_key and os.path.normcase(compare_key),
    }


def _decide(row: dict[str, Any], old: Row | None, wanted: Wanted, outputs: _Outputs) -> bool:
    """Set the state of a row; returns whether something is there that is going to be replaced."""
    there = outputs.stat(row["output"], row["key"])
    beside = outputs.stat(row["compare"], row["compare_key"]) if row["compare"] else None
    if old is not None and old.state == "done" and row["compare"] and old.compare and not beside:
        there = None  # half of the result is gone
    row["state"] = state = _state(row, old, wanted, there)
    foreign = beside and not (old is not None and (old.begun or old.compare))
    if state == "todo" and foreign and not wanted.overwrite:
        row["state"] = state = "skipped"
    if state == "failed" and old is not None:
        row["error"] = old.error
    elif state == "skipped":
        if old is not None and old.state == "skipped" and old.reason in ("result", "in color"):
            reason: SkipReason = old.reason
        else:
            changed = old is not None and old.written is not None
            reason = "changed since" if changed else "output exists"
        row |= {"reason": reason, "error": REASONS[reason]}
    return state == "todo" and there is not None


def _state(
    row: dict[str, Any], old: Row | None, wanted: Wanted, there: storage.Stat | None
) -> State:
    names = ("size", "version", "model", "options")
    same = old is not None and all(row[name] == getattr(old, name) for name in names)
    if wanted.overwrite or (old is not None and old.begun):
        return "todo"  # what was begun and not finished has left nothing but its own
    if old is not None and old.state == "done" and same and there is not None and there.size:
        return "done"
    if old is not None and old.state == "failed" and same and not (wanted.retry or old.passing):
        return "failed"
    if old is not None and old.state == "skipped" and same and old.reason in ("result", "in color"):
        return "skipped"
    if there is not None and there.size and not (old is not None and _ours(old, there)):
        return "skipped"
    if wanted.settle and not _settled(row, old):
        return "settling"
    return "todo"


def _ours(old: Row, there: storage.Stat) -> bool:
    """Whether a file is what was written there from this manifest, by size and version."""
    same = there.size == old.written
    return same and old.written_version in (None, "", there.version)


def _settled(row: dict[str, Any], old: Row | None) -> bool:
    """Whether a file has stopped changing."""
    if old is not None and (old.size, old.version) == (row["size"], row["version"]):
        return True
    return row["version"].isdigit() and time() - int(row["version"]) / 1e9 > _SETTLED


def _check_source(row: dict[str, Any]) -> None:
    """Refuse to write a file over itself."""
    here = storage.local(row["output"]) is not None
    if (os.path.realpath(row["output"]) if here else row["output"]) == row["real"]:
        raise _over_a_source(row["output"])


def _over_a_source(path: str) -> ArgumentError:
    return ArgumentError(
        f"the output {show(path)} cannot be used",
        expected="a new place",
        got="a picture that is to be read",
        fix="choose another output",
    )
