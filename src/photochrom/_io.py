"""Atomic file replacement, digests, the user's folder, and printable names and figures."""

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
    """A temporary path that takes the place of ``target`` if all goes well; else OSError."""
    temporary = target.with_name(f".{target.name}.{uuid4().hex}.part")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def file_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits; OSError if it cannot be read."""
    import hashlib

    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def in_words(count: float) -> str:
    """Bytes for people: ``1.5 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def clock(seconds: float) -> str:
    """A duration for people: ``4:05``, ``3:04:05``, ``2 days 3:04:05``."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    text = f"{hour}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
    return f"{days} day{'s' * (days != 1)} {text}" if days else text
