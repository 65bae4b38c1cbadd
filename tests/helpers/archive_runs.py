"""Runs of the command line over an archive: how one is started and killed, and what it leaves."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from photochrom.archive.manifest import Manifest


def command(model: Path, source: str = "in", output: str = "out") -> list[str]:
    """The words that start one in a process of its own."""
    start = [sys.executable, "-m", "photochrom", "colorize", source, "-o", output]
    return [*start, "-m", str(model), "--strict"]


def kill(words: list[str], when: Callable[[], bool]) -> None:
    """Start a command, and kill it and its children at that moment."""
    process = subprocess.Popen(
        words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None and not when():
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def tree(folder: Path) -> dict[str, str]:
    """Every file under a folder but the archive's own, and its digest."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    names = {str(p.relative_to(folder)): p for p in files}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in names.items()
        if not {".photochrom", "photochrom-report.html"} & set(Path(name).parts)
    }


def states(out: Path) -> dict[str, str]:
    """The state of each file in the manifest."""
    manifest = Manifest(out / ".photochrom" / "manifest.sqlite")
    try:
        rows = manifest._db.execute("select key, state from files order by key").fetchall()
        return {row[0]: row[1] for row in rows}
    finally:
        manifest.close()
