"""API keys: a file with a hash of each, and the check of those that clients send.

A key is made by the service with 256 random bits, so one round of SHA-256 keeps it secret at rest:
there is nothing to guess that a slow hash would have to protect.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import time
from pathlib import Path

from ..errors import ArgumentError
from .logs import log

_LOOK = 1.0  # seconds between two looks at the file
_LINE = re.compile(r"([A-Za-z0-9._-]{1,64}) ([0-9a-f]{64})")


class Keys:
    """The API keys that open the service; a file that changes is read again.

    Args:
        file: lines of a name, a space and the SHA-256 of the key; empty lines and lines that
            begin with # are passed over.

    Raises:
        ArgumentError: the file cannot be read, has another line, or no key.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._hashes = _read(file)
        self._version, self._looked = _version(file), time.monotonic()

    def name_of(self, key: str) -> str | None:
        """Whose key this is; None if it is nobody's. Takes equally long for every key."""
        self._reload()
        digest, found = _digest(key), None
        for name, known in self._hashes.items():
            if hmac.compare_digest(digest, known):
                found = name
        return found

    def _reload(self) -> None:
        """Read the file again when it has changed; one that cannot be used changes nothing."""
        if time.monotonic() - self._looked < _LOOK:
            return
        self._looked = time.monotonic()
        version = _version(self._file)
        if version == self._version:
            return
        self._version = version
        try:
            self._hashes = _read(self._file, empty=True)  # the last key may have been withdrawn
            log("API keys read again", keys=len(self._hashes))
        except ArgumentError as error:
            log("API keys not read again", logging.ERROR, reason=str(error))


def _version(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(file: Path, *, empty: bool = False) -> dict[str, bytes]:
    """The names and hashes of a file of keys; `empty`: it may have none."""
    hashes: dict[str, bytes] = {}
    for number, line in enumerate(_lines(file), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise _bad(file, f"something else in line {number}")
        hashes[match[1]] = bytes.fromhex(match[2])
    if not hashes and not empty:
        raise _bad(file, "no key")
    return hashes


def add_key(file: Path, name: str) -> str:
    """Make a key and add its hash to `file`; ArgumentError for a bad name or file."""
    known = _lines(file) if file.exists() else []
    if not _LINE.fullmatch(f"{name} {'0' * 64}") or any(s.split(" ")[0] == name for s in known):
        raise ArgumentError(
            "the name of a key",
            expected="up to 64 letters, digits, dots, dashes, not in the file yet",
            got=name,
        )
    key = f"pc_{secrets.token_urlsafe(32)}"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as out:
            out.write(f"{name} {_digest(key).hex()}\n")
    except OSError as error:
        raise _bad(file, error.strerror or str(error)) from None
    return key


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise _bad(file, getattr(error, "strerror", None) or "bytes that are no text") from None


def _bad(file: Path, got: str) -> ArgumentError:
    return ArgumentError(
        f"the file of API keys {file}",
        expected="lines of a name and a SHA-256",
        got=got,
        fix=f"make one with: photochrom serve --api-keys {file} --new-key NAME",
    )
