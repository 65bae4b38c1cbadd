"""Workspaces of all visitors of this process, found again by a token in the page's address.

A visit outlasts reloading, the Back button and a restart of the program: its folder stays until no
page has shown it for half an hour. A thread removes it then; folders that a killed program left
behind are removed by the next one.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .workspace import Workspace

KEEP = 30 * 60.0
"""Seconds after which a visit that no page shows is removed."""

_PREFIX = "photochrom-app-"
_EVERY = 20.0  # seconds between two sweeps


class Visits:
    """The visits of one process.

    Args:
        connected: whether a page of that session is open.
        base: folder of the visits' folders; None: that for temporary files.
    """

    def __init__(self, connected: Callable[[str], bool], base: Path | None = None) -> None:
        self._connected = connected
        self._base = base or Path(tempfile.gettempdir())
        self._open: dict[Path, Workspace] = {}
        self._sessions: dict[Path, set[str]] = {}
        self._lock = threading.RLock()

    def enter(self, token: str | None, session: str) -> tuple[str, Workspace]:
        """The visit of a token, or a new one if there is none, and its token.

        Args:
            token: from the page's address; it may be anything.
            session: id of the page that shows the visit.
        """
        with self._lock:
            folder = self._folder(token) if token else None
            if token is None or folder is None or not (folder in self._open or _ours(folder)):
                token = secrets.token_hex(16)
                folder = self._folder(token)
                assert folder is not None
            if folder not in self._open:
                self._open[folder] = _opened(folder)
            self._sessions.setdefault(folder, set()).add(session)
            os.utime(folder)
            return token, self._open[folder]

    def sweep(self) -> None:
        """Remove the visits that no page has shown for `KEEP` seconds."""
        with self._lock:
            for folder, sessions in self._sessions.items():
                sessions.intersection_update([s for s in sessions if self._connected(s)])
                if sessions and folder.is_dir():
                    os.utime(folder)
                else:
                    self._open[folder].forget_canvases()
            for folder in self._base.glob(f"{_PREFIX}*"):
                if _ours(folder) and time.time() - folder.stat().st_mtime > KEEP:
                    self._remove(folder)

    def sweep_for_ever(self) -> None:
        """Sweep now, then again and again, in a thread of its own."""

        def run() -> None:
            while True:
                self.sweep()
                time.sleep(_EVERY)

        threading.Thread(target=run, name="photochrom sweep", daemon=True).start()
        atexit.register(self.end)

    def end(self) -> None:
        """Remove the visits that no page shows; the others can be gone on with after a restart."""
        with self._lock:
            for folder, sessions in list(self._sessions.items()):
                if (
                    not sessions
                ):  # as the last sweep saw them: a server that ends has no connections left
                    self._remove(folder)

    def _remove(self, folder: Path) -> None:
        self._sessions.pop(folder, None)
        if workspace := self._open.pop(folder, None):
            workspace.close()
        shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, token: str) -> Path | None:
        """The folder of a token; its name does not tell the token."""
        if not re.fullmatch("[0-9a-f]{32}", token):
            return None
        return self._base / (_PREFIX + hashlib.sha256(token.encode()).hexdigest()[:32])


def _opened(folder: Path) -> Workspace:
    """The workspace in a folder; one whose state cannot be read is begun anew."""
    try:
        return Workspace(folder)
    except (ValueError, KeyError, TypeError, OSError):
        shutil.rmtree(folder, ignore_errors=True)
        return Workspace(folder)


def _ours(folder: Path) -> bool:
    """Whether it is a folder that this user made, and nobody else."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
