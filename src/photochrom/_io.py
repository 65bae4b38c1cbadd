"""Atomic file replacement, the user's folder, and printable names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from uuid import uuid4

HOME_VARIABLE = "PHOTOCHROM_HOME"


def user_folder(kind: Literal["cache", "data", "state"]) -> Path:
    """The folder that PHOTOCHROM_HOME names, else the user's folder for files of a kind.

    A user without a home, as containers have them, gets one that does not exist.
    """
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return Path(home).expanduser()
    import platformdirs

    try:
        return Path(getattr(platformdirs, f"user_{kind}_path")("photochrom"))
    except RuntimeError:
        return Path(os.sep, "nonexistent", "photochrom")


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
    """A path as it can be printed.

    Bytes that are no UTF-8 become question marks, and control characters, which could move a
    terminal's cursor or change its colours, become escapes such as ``\\x1b``.
    """
    text = str(path).encode("utf-8", "replace").decode()
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
