"""What is to be done: the pictures that are there against the rows of the manifest."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from time import time
from typing import Any

from .._io import show
from ..errors import ArgumentError
from . import storage as places
from .manifest import Manifest, Row, State
from .naming import beside, comparison, stem_and_suffix
from .search import Found

_AT_ONCE = 500  # rows; SQLite takes that many variables in a statement
_SETTLED = 10.0  # seconds since a file was changed: nobody writes to it any more


@dataclass(frozen=True)
class Wanted:
    """What the rows are compared with.

    Attributes:
        root: the folder for results, a path or URL; None: beside the pictures.
        model, options: digests.
        compare: pictures of before and after are wanted.
        overwrite: whatever is there is to be done again, and replaced.
        retry: what failed is to be tried again.
        settle: files may still be written to: take those only that have stopped changing.
    """

    root: str | None
    model: str
    options: str
    compare: bool = False
    overwrite: bool = False
    retry: bool = False
    settle: bool = False


def survey(manifest: Manifest, found: Iterable[Found], wanted: Wanted) -> None:
    """Put the pictures into the manifest, each with the state that says what is to be done.

    Raises:
        ArgumentError: two would be written to one place, or one over another that is to be read;
            the manifest is as it was then.
    """
    shelf = _Shelf(wanted.root)
    with manifest.transaction():
        manifest.next_survey()
        replaced: list[str] = []
        pictures = iter(found)
        while some := list(islice(pictures, _AT_ONCE)):
            new: dict[str, dict[str, Any]] = {}
            for each in some:
                row = _row(each, wanted, manifest.survey)
                _check_same(new.setdefault(row["key"], row), row)
            old = manifest.rows(list(new))
            for key, row in list(new.items()):
                before = old.get(key)
                if before and before.survey == manifest.survey:
                    _check_same({"real": before.real, "source": before.source}, row)
                    del new[key]
                    continue
                if _decide(row, before, wanted, shelf):
                    replaced.append(row["output"])
                if row["state"] == "skipped":
                    _check_source(row)
            manifest.put(new.values())
        for path in replaced:
            if manifest.is_source(os.path.realpath(path) if places.local(path) else path):
                raise _over_a_source(path)
        if wanted.compare and (clash := manifest.clash()):
            raise _twice(*clash)


class _Shelf:
    """What is in the folder for results."""

    def __init__(self, root: str | None) -> None:
        self._listed: Mapping[str, places.Stat] | None = None
        if root is not None and places.local(root) is None:  # asking a store for each is too slow
            self._listed = {relative: stat for _, relative, stat in places.listing(root)}

    def stat(self, path: str, key: str) -> places.Stat | None:
        """Of a file; None if there is none."""
        return places.stat(path) if self._listed is None else self._listed.get(key)


def _row(found: Found, wanted: Wanted, number: int) -> dict[str, Any]:
    compare = compare_key = None
    if wanted.root is None:
        path = beside(Path(found.path))
        output, key = str(path), str(Path(found.real).with_name(path.name))
        if wanted.compare:
            compare = str(comparison(path))
            compare_key = str(Path(key).with_name(comparison(path).name))
    else:
        relative = PurePosixPath(found.relative)
        stem, suffix = stem_and_suffix(Path(found.path if found.named else relative.name))
        key = str(relative.with_name(stem + suffix))
        output = places.join(wanted.root, key)
        if wanted.compare:
            compare_key = str(relative.with_name(comparison(Path(stem + suffix)).name))
            compare = places.join(wanted.root, compare_key)
    return {
        "key": os.path.normcase(key),
        "source": found.path,
        "real": found.real,
        "output": output,
        "compare": compare,
        "compare_key": compare_key and os.path.normcase(compare_key),
        "size": found.stat.size,
        "version": found.stat.version,
        "survey": number,
        "model": wanted.model,
        "options": wanted.options,
        "error": None,
    }


def _decide(row: dict[str, Any], old: Row | None, wanted: Wanted, shelf: _Shelf) -> bool:
    """Set the state of a row; returns whether something is there that is going to be replaced."""
    there = shelf.stat(row["output"], row["key"])
    beside = shelf.stat(row["compare"], row["compare_key"]) if row["compare"] else None
    if old is not None and old.state == "done" and row["compare"] and old.compare and not beside:
        there = None  # half of the result is gone
    row["state"] = state = _state(row, old, wanted, there)
    foreign = beside and not (old is not None and (old.begun or old.compare))
    if state == "todo" and foreign and not wanted.overwrite:
        row["state"] = state = "skipped"
    if state == "failed" and old is not None:
        row["error"] = old.error
    elif state == "skipped":
        changed = old is not None and old.written is not None
        row["error"] = "the output was changed by somebody else" if changed else "the output exists"
    return state == "todo" and there is not None


def _state(
    row: dict[str, Any], old: Row | None, wanted: Wanted, there: places.Stat | None
) -> State:
    names = ("size", "version", "model", "options")
    same = old is not None and all(row[name] == getattr(old, name) for name in names)
    if wanted.overwrite or (old is not None and old.begun):
        return "todo"  # what was begun and not finished has left nothing but its own
    if old is not None and old.state == "done" and same and there is not None and there.size:
        return "done"
    if old is not None and old.state == "failed" and same and not (wanted.retry or old.passing):
        return "failed"
    if there is not None and there.size and not (old is not None and _ours(old, there)):
        return "skipped"
    if wanted.settle and not _settled(row, old):
        return "settling"
    return "todo"


def _ours(old: Row, there: places.Stat) -> bool:
    """Whether a file is what was written there from this manifest, by size and version."""
    same = there.size == old.written
    return same and old.written_version in (None, "", there.version)


def _settled(row: dict[str, Any], old: Row | None) -> bool:
    """Whether a file has stopped changing."""
    if old is not None and (old.size, old.version) == (row["size"], row["version"]):
        return True
    return row["version"].isdigit() and time() - int(row["version"]) / 1e9 > _SETTLED


def _check_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """A file may be named twice, or be in a named folder as well; two files are too many."""
    if one["real"] != other["real"]:
        raise _twice(other["output"], one["source"], other["source"])


def _check_source(row: dict[str, Any]) -> None:
    """Refuse to write a picture over itself."""
    here = places.local(row["output"]) is not None
    if (os.path.realpath(row["output"]) if here else row["output"]) == row["real"]:
        raise _over_a_source(row["output"])


def _over_a_source(path: str) -> ArgumentError:
    return ArgumentError(
        f"the output {show(path)} cannot be used",
        expected="a new place",
        got="a picture that is to be read",
        fix="choose another output",
    )


def _twice(path: str, one: str, other: str) -> ArgumentError:
    return ArgumentError(
        f"two pictures would be written to {show(path)}",
        expected="an output for each picture",
        got=f"one for {show(one)} and {show(other)}",
        fix="colour them in commands of their own with another -o each",
    )
