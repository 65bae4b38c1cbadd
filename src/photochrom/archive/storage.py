"""Where files are read and written: paths, URLs of fsspec, standard input and output."""

from __future__ import annotations

import io
import os
import re
import stat as stat_module
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from .._io import show
from ..errors import ArgumentError, MissingExtraError, PictureError, reason

STREAM = "-"
"""Stands for standard input as a source, and for standard output as an output."""

_CHECK = "check the address and your rights there"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")
_PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss", "adl"), "adlfs"),
    "hf": "huggingface_hub",
    **dict.fromkeys(("http", "https"), "aiohttp"),
    **dict.fromkeys(("sftp", "ssh"), "paramiko"),
}
_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "last_modified",
             "updated", "date_time", "created")  # fmt: skip


@dataclass(frozen=True)
class Stat:
    """What tells a version of a file from another."""

    size: int  # bytes
    version: str  # modification time in nanoseconds, or the tag that a store gives


def is_url(text: str) -> bool:
    """Whether ``text`` is a URL for fsspec; a Windows path with its drive is none."""
    return _URL.match(text) is not None


def zip_url(text: str) -> str:
    """The URL of what is in a zip file, if ``text`` is the path of one; else ``text``."""
    path = None if is_url(text) else Path(text)
    if path is None or path.suffix.lower() != ".zip" or not path.is_file():
        return text
    return f"zip://::{path}"


def local(text: str) -> Path | None:
    """The path that ``text`` is, or that a ``file://`` URL means; None for other URLs."""
    if text.startswith(("file://", "local://")):
        return Path(text.split("://", 1)[1])
    return None if is_url(text) else Path(text)


def existing(text: str) -> Path:
    """The path that ``text`` is; ArgumentError if nothing is there, or a pipe or device."""
    path, got, fix = Path(text), None, "check the path"
    if not text or not path.exists():
        got = "no such file or folder" if text else "no name"
    elif not path.is_file() and not path.is_dir():
        got, fix = "a pipe or a device", f"read it as standard input: - < {show(text)}"
    if got is not None:
        raise ArgumentError(
            f"{show(text) or 'an empty path'} cannot be coloured",
            expected="a picture, a film or a folder of them",
            got=got,
            fix=fix,
        )
    return path


def filesystem(url: str) -> tuple[Any, str]:
    """fsspec's file system of a URL, and the path there; MissingExtraError or ArgumentError."""
    kind = url.split(":", 1)[0].lower()
    try:
        import fsspec
    except ImportError:
        raise MissingExtraError.of("fsspec", "archive", f"reading and writing {kind}://") from None
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        package = _PACKAGES.get(kind, error.name or kind)
        raise MissingExtraError(
            f"reading and writing {kind}:// is not available",
            expected=f"the package {package}",
            got="no such package",
            fix=f"install it with: pip install {package}",
        ) from None
    except (ValueError, OSError) as error:
        raise ArgumentError(
            f"{url} cannot be used",
            expected="a path or a URL such as s3://bucket/folder",
            got=reason(error),
            fix="correct it",
        ) from None
    return fs, path


def read(source: str) -> Path | BinaryIO:
    """The path, or the bytes of a URL or stream in memory; OSError if it cannot be read."""
    if source == STREAM:
        return _Named("standard input", sys.stdin.buffer.read())
    path = local(source)
    if path is not None:
        with path.open("rb") as file:
            file.read(1)
        return path
    fs, inner = filesystem(source)
    try:
        return _Named(source, fs.cat_file(inner))
    except OSError:
        raise
    except Exception as error:  # each store has exceptions of its own
        raise ConnectionError(None, reason(error), source) from error


class _Named(io.BytesIO):
    """Bytes with the name of where they come from or go to."""

    def __init__(self, name: str, data: bytes = b"") -> None:
        super().__init__(data)
        self.name = name


@contextmanager
def writing(target: str) -> Iterator[Path | io.BytesIO]:
    """Where to write a file for a path or URL, which appears there as a whole or not at all.

    Yields:
        The path itself, for writers that replace files atomically; for a URL, a buffer with its
        name, which is uploaded at the end; for standard output, a buffer.

    Raises:
        PictureError: the file cannot be written.
    """
    if target == STREAM:
        buffer = io.BytesIO()
        yield buffer
        sys.stdout.buffer.write(buffer.getbuffer())
        sys.stdout.buffer.flush()
        return
    path = local(target)
    if path is not None:
        yield path
        _settle(path)
        return
    named = _Named(target)
    yield named
    fs, inner = filesystem(target)
    try:
        fs.pipe_file(inner, named.getvalue())  # a store shows an object when it is complete
    except Exception as error:  # each store has exceptions of its own
        raise PictureError.unwritable(target, error, _CHECK) from error


def _settle(path: Path) -> None:
    """Have the file on the disk before the manifest says so: a power cut must not part the two."""
    if os.name == "nt":  # there it needs a file open for writing
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def keep_attributes(source: str, target: str) -> None:
    """Give a result the modification time and the permissions of its source, if both have some."""
    here, there = local(source), local(target)
    if here is None or there is None or STREAM in (source, target):
        return
    with suppress(OSError):  # some file systems have neither
        found = here.stat()
        there.chmod(stat_module.S_IMODE(found.st_mode) & 0o777)
        os.utime(there, ns=(found.st_atime_ns, found.st_mtime_ns))


def stat(target: str) -> Stat | None:
    """Size and version of a file; None if there is none."""
    if target == STREAM:
        return None
    path = local(target)
    if path is None:
        fs, inner = filesystem(target)
        try:
            return stat_of(fs.info(inner))
        except FileNotFoundError:
            return None
    try:
        return path_stat(os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def path_stat(found: os.stat_result) -> Stat:
    """The same of what `os.stat` tells."""
    return Stat(found.st_size, str(found.st_mtime_ns))


def stat_of(info: dict[str, Any]) -> Stat:
    """The same of what fsspec tells of a file."""
    version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
    return Stat(int(info.get("size") or 0), version)


def join(root: str, relative: str) -> str:
    """A file under a folder, ``relative`` with forward slashes."""
    path = local(root)
    return f"{root.rstrip('/')}/{relative}" if path is None else str(path / relative)


def listing(url: str) -> Iterator[tuple[str, str, Stat]]:
    """Every file under a URL: its own URL, its path from there, its stat; else ArgumentError."""
    fs, top = filesystem(url)
    kind, _, rest = url.partition("::")
    try:
        # Folder by folder, since a store may hold more than memory does.
        for _, _, files in fs.walk(top, detail=True, on_error="raise"):
            for name in sorted(files):
                inner = files[name]["name"]
                own = f"{kind.split('://')[0]}://{inner}::{rest}" if rest else None
                relative = inner.removeprefix(top.rstrip("/")).lstrip("/")
                yield own or fs.unstrip_protocol(inner), relative or name, stat_of(files[name])
    except FileNotFoundError:
        return
    except Exception as error:
        raise ArgumentError.unreadable(url, error, _CHECK) from None
