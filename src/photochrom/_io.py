"""Atomic file replacement, the user's folder, and printable names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

HOME_VARIABLE = "PHOTOCHROM_HOME"


def home_or(default: Path) -> Path:
    """The folder that the environment variable PHOTOCHROM_HOME names, else `default`."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home).expanduser() if home else default


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary path beside ``target`` that takes its place if all went well.

    Raises:
        OSError: the file cannot be renamed; whoever writes to the path raises their own.
    """
    temporary = target.with_name(f".{target.name}.{uuid4().hex}.part")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def show(path: str | Path | os.PathLike[str] | None) -> str:
    """A path as it can be printed: bytes that are no UTF-8 become question marks."""
    return str(path).encode("utf-8", "replace").decode()
