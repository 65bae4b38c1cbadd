"""The folder for results as an archive: its manifest, its lock, and recovery after a crash."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from .._io import show, user_folder
from ..errors import ArgumentError, reason
from . import storage
from .manifest import Manifest, Row

FOLDER = ".photochrom"
"""In the folder for results: the manifest and two locks. Searches pass over it."""

MANIFEST, REPORT = "manifest.sqlite", "photochrom-report.html"
_LOCK, _TURN = "lock", "large.lock"
_UNFINISHED = ".photochrom-*"  # what `save_pages` writes to until a file is complete


@dataclass(frozen=True)
class Archive:
    """An open archive."""

    # the folder for results, a path or URL; None: results go beside their pictures, and the
    # manifest is in memory
    root: str | None
    folder: Path | None  # where the manifest is; None if `root` is
    manifest: Manifest  # its manifest

    @property
    def turn(self) -> str | None:
        """The lock file for large pictures, see `Work`."""
        return str(self.folder / _TURN) if self.folder else None

    @property
    def report(self) -> Path | None:
        """Where the report goes: beside the results, or for a store to the manifest."""
        if self.root is None or self.folder is None:
            return None
        return (storage.local(self.root) or self.folder) / REPORT

    def recover(self) -> None:
        """Have done again what was being done, and remove what was half-written."""
        sweep(self.manifest.put_back())


@contextmanager
def open_archive(root: str | None) -> Iterator[Archive]:
    """The archive in ``root``, for this process alone; ArgumentError if it cannot be had."""
    if root is None:
        with closing(Manifest(None)) as manifest:
            yield Archive(None, None, manifest)
        return
    folder = manifest_folder(root)
    lock = FileLock(folder / _LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise _unusable(
            root,
            "to be the only one who writes there",
            "another run at work on it",
            "wait for that one, or choose another folder",
        ) from None
    except OSError as error:
        fix = "check your rights and the space on the disk"
        raise _unusable(root, "a folder that can be written to", reason(error), fix) from None
    with ExitStack() as open_now:
        open_now.callback(lock.release)
        manifest = open_now.enter_context(closing(Manifest(folder / MANIFEST)))
        archive = Archive(root, folder, manifest)
        archive.recover()
        yield archive


def manifest_folder(root: str) -> Path:
    """Where the manifest of results is: with them, or for a store in the user's state folder."""
    path = storage.local(root)
    if path is not None:
        return path / FOLDER
    name = hashlib.sha256(root.rstrip("/").encode()).hexdigest()[:16]
    return user_folder("state") / "archives" / name


def existing_manifest(root: str | None) -> Manifest:
    """A copy in memory of the manifest, empty if there is none; changes nothing on the disk."""
    file = None if root is None else manifest_folder(root) / MANIFEST
    if file is None or not file.is_file():
        return Manifest(None)
    with closing(Manifest(file)) as manifest:
        return manifest.copy()


def sweep(rows: Iterable[Row]) -> None:
    """Remove the temporary files of pictures that were being written when a run was cut off."""
    paths = (storage.local(path) for row in rows for path in (row.output, row.compare) if path)
    for folder in {path.parent for path in paths if path}:
        for left in folder.glob(_UNFINISHED):
            if left.name == FOLDER:
                continue
            with suppress(OSError):
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def _unusable(root: str, expected: str, got: str, fix: str) -> ArgumentError:
    return ArgumentError(
        f"the output {show(root)} cannot be used", expected=expected, got=got, fix=fix
    )
