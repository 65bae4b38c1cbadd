"""Small copies of pictures in one memory-mapped file, so that training reads little.

A cache is a folder: ``pictures.bin`` (JPEG files one after the other, PNG where they are tiny),
``index.npy`` (``(N, 3)`` int64: offset, bytes, number of the source) and ``meta.json``.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image

from ..._system import cores
from ...errors import ArgumentError, PhotochromError, reason
from .decode import Result, check_main, decoded
from .sources import Source

_FORMAT = 2
_META, _INDEX, _PICTURES = "meta.json", "index.npy", "pictures.bin"


class Cache:
    """Decoded pictures on disk, by number.

    Args:
        folder: what `build_cache` has made.

    Attributes:
        folder: as given.
        side: the longest that a picture's short side may be.
        sources: names of the sources.
        skipped: how many pictures were left out, by reason (see ``decode.py``).
        examples: for every such reason the first picture and what was wrong with it.
        digest: of the inputs and options it was made from.

    Raises:
        ArgumentError: the folder is not a cache, or a damaged one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            meta = json.loads((folder / _META).read_text(encoding="utf-8"))
            format: int = meta["format"]
            self.side: int = meta["side"]
            self.sources: list[str] = meta["sources"]
            self.skipped: dict[str, int] = meta["skipped"]
            self.examples: dict[str, str] = meta["examples"]
            self.digest: str = meta["digest"]
            self._index: NDArray[np.int64] = np.load(folder / _INDEX, allow_pickle=False)
            mapped = np.memmap(folder / _PICTURES, np.uint8, "r")
            self._bytes: NDArray[np.uint8] = np.asarray(mapped)  # whose slices are cheaper
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _no_cache(folder, f"{type(error).__name__}: {error}") from None
        if format != _FORMAT:
            raise _no_cache(folder, f"format {format}")
        if self._index.shape != (meta["pictures"], 3) or len(self._bytes) != meta["bytes"]:
            raise _no_cache(folder, "files of another length than noted")

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, number: int) -> NDArray[np.uint8]:
        """A picture ``(H, W, 3)``, sRGB values 0...255."""
        offset, size, _ = self._index[number].tolist()
        with Image.open(io.BytesIO(self._bytes[offset : offset + size].data)) as image:
            return np.asarray(image)

    def __reduce__(self) -> tuple[Any, ...]:
        return Cache, (self.folder,)  # other processes map the file themselves

    def source_of(self, number: int) -> int:
        """Number of a picture's source in `sources`."""
        return int(self._index[number, 2])

    def sources_of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """`source_of` many pictures."""
        found: NDArray[np.int64] = self._index[numbers, 2]
        return found


def build_cache(
    sources: Sequence[Source],
    folder: Path,
    *,
    side: int = 160,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
) -> Cache:
    """Make small copies of pictures, or reopen them if they were made from the same inputs.

    Pictures are turned upright, brought to sRGB, cropped in the middle to at most 3:2 and reduced
    so that the short side is at most `side`. Those that teach no colours are left out and counted.

    Args:
        sources: where the pictures come from.
        folder: where the cache is, or will be. Another cache there is replaced.
        side: pixels, at least 16.
        progress: called with the pictures done and the pictures in all.
        workers: processes that decode; default: one per core. 1: this process alone.

    Raises:
        ArgumentError: an option is out of range, no picture is usable, or the folder holds
            something else than a cache.
        PhotochromError: the disk is full or cannot be written to.
    """
    _check(sources, side, workers)
    check_main()
    folder = folder.resolve()
    digest = _digest(sources, side)
    if (made := _made(folder, digest)) is not None:
        return made
    with _reporting(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if (made := _made(folder, digest)) is not None:  # by the process that had the lock
                return made
            _check_replaceable(folder)
            with _replacing(folder) as fresh:
                _fill(fresh, sources, side, progress, workers or cores(), digest)
            return Cache(folder)


def _fill(
    folder: Path,
    sources: Sequence[Source],
    side: int,
    progress: Callable[[int, int], None] | None,
    workers: int,
    digest: str,
) -> None:
    total, done, offset = sum(len(source) for source in sources), 0, 0
    index: list[tuple[int, int, int]] = []
    skipped: Counter[str] = Counter()
    examples: dict[str, str] = {}
    items = ((number, *item) for number, source in enumerate(sources) for item in source)
    with (folder / _PICTURES).open("wb") as file:
        for result in decoded(items, side, min(workers, total // 64)):
            if result.data is None:
                skipped[result.reason] += 1
                examples.setdefault(result.reason, _example(sources, result))
            else:
                file.write(result.data)
                index.append((offset, len(result.data), result.source))
                offset += len(result.data)
            done += 1
            if progress is not None and (done % 64 == 0 or done == total):
                progress(done, total)
    if not index:
        raise _nothing_left(skipped, examples)
    np.save(folder / _INDEX, np.array(index, np.int64), allow_pickle=False)
    meta = {
        "format": _FORMAT,
        "side": side,
        "sources": [source.name for source in sources],
        "pictures": len(index),
        "bytes": offset,
        "skipped": dict(skipped),
        "examples": examples,
        "digest": digest,
    }
    (folder / _META).write_text(json.dumps(meta, indent=1), encoding="utf-8")


def _example(sources: Sequence[Source], result: Result) -> str:
    return f"{result.key} in {sources[result.source].name}: {result.detail}"


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of ``folder`` if all went well; the lock is held."""
    for left in folder.parent.glob(f".{_literal(folder.name)}.*.part"):  # by a killed process
        shutil.rmtree(left, ignore_errors=True)
    fresh = folder.with_name(f".{folder.name}.{uuid4().hex}.part")
    old = folder.with_name(f".{folder.name}.{uuid4().hex}.part")
    try:
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.replace(old)
        fresh.replace(folder)
    finally:
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)


def _made(folder: Path, digest: str) -> Cache | None:
    """The cache that is there already, if it is the one that is wanted."""
    try:
        found = Cache(folder)
    except ArgumentError:
        return None
    return found if found.digest == digest else None


def _check_replaceable(folder: Path) -> None:
    """Refuse to replace a folder that holds something other than a cache, with ArgumentError."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if folder.is_file() or names - {_META, _INDEX, _PICTURES}:
        raise ArgumentError(
            f"the pictures cannot be kept in {folder}",
            expected="a folder that is empty, new or an earlier cache",
            got="one with other files" if names else "a file",
        )


def _digest(sources: Sequence[Source], side: int) -> str:
    state = hashlib.sha256(f"{_FORMAT} {side}".encode())
    for source in sources:
        state.update(repr(source.name).encode())
        for entry in source.inputs():
            state.update(repr(entry).encode())
    return state.hexdigest()


@contextmanager
def _reporting(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None))  # quota: not Windows
        fix = "free some space, name a folder on another disk, or choose a smaller side"
        raise PhotochromError(
            f"the cache of pictures cannot be written to {folder}",
            expected="a disk with room for it" if full else "a folder that can be written to",
            got=reason(error),
            fix=fix if full else "name another folder",
        ) from error


def _check(sources: Sequence[Source], side: int, workers: int | None) -> None:
    for name, value, least in (
        ("side", side, 16),
        ("workers", 1 if workers is None else workers, 1),
    ):
        if value < least:
            raise ArgumentError(
                f"{name} is too small", expected=f"at least {least}", got=str(value)
            )
    if not sources:
        raise ArgumentError(
            "there are no pictures", expected="a source or more", got="none", fix="name one"
        )


def _nothing_left(skipped: Counter[str], examples: dict[str, str]) -> ArgumentError:
    got = "; ".join(f"{n} {reason} ({examples[reason]})" for reason, n in skipped.items())
    return ArgumentError(
        "no picture can be used for training",
        expected="intact colour photographs",
        got=got or "no pictures",
    )


def _no_cache(folder: Path, got: str) -> ArgumentError:
    return ArgumentError(
        f"{folder} is not a cache of pictures",
        expected=f"{_META}, {_INDEX} and {_PICTURES} of format {_FORMAT}",
        got=got,
        fix="build it again",
    )


def _literal(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
