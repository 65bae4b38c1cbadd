"""Fetching one file whose size and SHA-256 are known beforehand: mirrors, resume, check, rename.

Why the standard library: what is needed beyond "GET" is resuming, checking and renaming, and no
light client brings these. pooch starts again from zero after every break; requests and httpx do
neither the resuming nor the checking, so they would add a dependency and save only a few lines.

The bytes go to ``NAME.part`` beside the target, which survives a broken connection and a killed
process, and becomes the target by one rename after its SHA-256 is right. Two processes that want
the same file take turns through a lock: the second waits, then finds the file.
"""

from __future__ import annotations

import errno
import http.client
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from filelock import FileLock

from .._io import file_sha256
from ..errors import ArgumentError, DownloadError

Progress = Callable[[int, int], None]
"""Called as ``progress(bytes so far, bytes in all)``; the first number never falls."""

OFFLINE_VARIABLE = "PHOTOCHROM_OFFLINE"

_CHUNK = 1 << 16
_TRIES = 4  # in a row that bring no new byte, for one mirror
_BACKOFF = 0.5  # seconds before the second try; doubles
_WORTH_RETRYING = {408, 429, 500, 502, 503, 504}
_YES = {"1", "true", "yes", "on"}


def download(
    urls: Sequence[str],
    target: Path,
    *,
    size: int,
    sha256: str,
    offline: bool = False,
    progress: Progress | None = None,
    timeout: float = 30.0,
) -> Path:
    """Bring the file to ``target`` unless it is there already, and return ``target``.

    Args:
        urls: http or https addresses of the same bytes, tried in order. Plain http is allowed
            because the SHA-256 decides what is accepted.
        target: final path; its folder is made if needed.
        size: length in bytes.
        sha256: 64 lower-case hexadecimal digits.
        offline: use no network (so does the environment variable PHOTOCHROM_OFFLINE=1).
        progress: see ``Progress``.
        timeout: seconds without a byte after which a connection counts as dropped.

    Raises:
        ArgumentError: an address is not http(s), or size or sha256 is not of its form.
        DownloadError: no mirror gave the right bytes, or they cannot be written. The message names
            the address, the target and the SHA-256, for fetching the file by hand.
    """
    _check_arguments(urls, size, sha256)
    job = _Job(urls, target, size, sha256, timeout, progress or (lambda done, total: None))
    with job.disk():
        if not job.is_right(target):
            if offline or os.environ.get(OFFLINE_VARIABLE, "").lower() in _YES:
                raise job.error("a network connection", "offline mode", "go online and try again")
            with lock(target):
                if not job.is_right(target):  # another process may have brought it meanwhile
                    _from_any_mirror(job)
                    job.part.replace(target)
    job.report(size)
    return target


def lock(target: Path) -> FileLock:
    """A lock between processes for work on `target`, whose folder is made if needed.

    Its file stays, in a hidden folder beside the target: removing it could let two in.
    """
    folder = target.parent / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{target.name}.lock")


class _MirrorError(Exception):
    """This mirror cannot give the file."""


class _DroppedError(Exception):
    """The connection broke, or the server asks to come again."""


@dataclass
class _Job:
    urls: Sequence[str]
    target: Path
    size: int
    sha256: str
    timeout: float
    progress: Progress
    reported: int = field(default=-1, init=False)
    tag: str | None = field(default=None, init=False)  # the mirror's strong ETag, for If-Range
    inherited: bool = field(default=False, init=False)  # .part has bytes from before this mirror

    @property
    def part(self) -> Path:
        return _beside(self.target, ".part")

    def report(self, done: int) -> None:
        if self.reported < done <= self.size:
            self.reported = done
            self.progress(done, self.size)

    def length(self) -> int:
        """Bytes in the .part file."""
        try:
            return self.part.stat().st_size
        except FileNotFoundError:
            return 0

    def is_right(self, path: Path) -> bool:
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        return file_sha256(path) == self.sha256

    def start_over(self) -> None:
        self.part.unlink(missing_ok=True)
        self.inherited, self.tag = False, None

    def error(self, expected: str, got: str, fix: str) -> DownloadError:
        by_hand = f"or fetch {self.urls[0]} by hand, save it as {self.target} and try again"
        return DownloadError(
            f"{self.target.name} cannot be downloaded",
            expected=expected,
            got=got,
            fix=f"{fix}, {by_hand} (its SHA-256 must be {self.sha256})",
        )

    @contextmanager
    def disk(self) -> Iterator[None]:
        """Turn an error of the file system into one that tells the user what to do."""
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise self.error(
                    "a folder that can be written", str(error), "choose another folder"
                ) from error
            with suppress(OSError):
                self.start_over()  # a full disk needs its space back more than we need the resume
            raise self.error("enough free space", "a full disk", "free some space") from error


def _from_any_mirror(job: _Job) -> None:
    problems = []
    for url in job.urls:
        try:
            _from_mirror(job, url)
        except _MirrorError as error:
            problems.append(f"{url}: {error}")
        else:
            return
    expected = f"{job.size:,} bytes with SHA-256 {job.sha256}"
    raise job.error(expected, "; ".join(problems), "try again later")


def _from_mirror(job: _Job, url: str) -> None:
    """Complete the .part file from one mirror and check it."""
    best, tries = job.length(), 0
    job.inherited, job.tag = best > 0, None
    while True:
        if job.length() > job.size:
            job.start_over()
        if job.length() == job.size:
            digest, inherited = file_sha256(job.part), job.inherited
            if digest == job.sha256:
                return
            job.start_over()
            if not inherited:
                raise _MirrorError(f"wrong bytes, with SHA-256 {digest}")
            best = 0  # what was here before may be the bad part: once more, from the first byte
        try:
            _transfer(job, url)
        except _DroppedError as error:
            grown = job.length() > best
            best, tries = max(best, job.length()), 0 if grown else tries + 1
            if tries >= _TRIES:
                raise _MirrorError(str(error)) from error
            time.sleep(_BACKOFF * 2 ** max(0, tries - 1))


def _transfer(job: _Job, url: str) -> None:
    """One request for what is missing."""
    have = job.length()
    headers = {"User-Agent": f"photochrom/{_version()}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if job.tag:
            headers["If-Range"] = job.tag
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 (http and https only)
    try:
        with _network():
            response = _opener().open(request, timeout=job.timeout)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(job, error) from None
    with response:
        _receive(job, response, have)


@contextmanager
def _network() -> Iterator[None]:
    """Tell a broken connection, worth another try, from a mirror that will never do."""
    try:
        yield
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise _MirrorError(f"its certificate is not valid ({reason})") from None
        raise _DroppedError(f"no connection ({reason})") from None
    except ValueError as error:  # a redirect to something that is no address
        raise _MirrorError(str(error)) from None


def _receive(job: _Job, response: http.client.HTTPResponse, have: int) -> None:
    if response.status == 206:
        start, total = _content_range(response.headers)
        if total not in (None, job.size):
            raise _MirrorError(f"the file there has {total:,} bytes")
        if start != have:
            job.start_over()
            raise _DroppedError("the server sent another range than asked for")
    else:
        have = 0  # the server gives no ranges, or its file changed since
    with _network():
        chunk = response.read(_CHUNK)
    # Looked at before the .part file is opened: a log-in page must not wipe out what is there.
    if have == 0:
        _check_start(chunk, response.headers, job.size)
        job.inherited = False
    tag = response.headers.get("ETag")
    job.tag = tag if tag and not tag.startswith("W/") else None
    with job.disk():
        file = job.part.open("ab" if have else "wb")
    with file:
        while chunk and have + len(chunk) <= job.size:
            with job.disk():
                file.write(chunk)
            have += len(chunk)
            job.report(have)
            with _network():
                chunk = response.read(_CHUNK)
        with job.disk():
            file.flush()
            os.fsync(file.fileno())
    if chunk:
        job.start_over()
        raise _MirrorError("the file there is longer")
    if have < job.size:
        raise _DroppedError(f"the connection ended after {have:,} bytes")


def _check_start(chunk: bytes, headers: Message, size: int) -> None:
    """Name what came instead of the file, by its first bytes and its length."""
    head = chunk[:512].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")) or b"<head" in head:
        raise _MirrorError("a web page instead of the file (a log-in, warning or error page)")
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        raise _MirrorError("a Git-LFS pointer instead of the file")
    length = headers.get("Content-Length")
    if length is not None and length.isdigit() and int(length) != size:
        raise _MirrorError(f"the file there has {int(length):,} bytes")


def _refusal(job: _Job, error: urllib.error.HTTPError) -> Exception:
    said = f"HTTP {error.code} {error.reason}"
    if error.code == 416:
        # Our .part does not fit the server's file: either that has another length, or ours is bad.
        total = _content_range(error.headers)[1]
        if total not in (None, job.size):
            return _MirrorError(f"the file there has {total:,} bytes")
        job.start_over()
        return _DroppedError(said)
    return _DroppedError(said) if error.code in _WORTH_RETRYING else _MirrorError(said)


def _content_range(headers: Message) -> tuple[int | None, int | None]:
    """(first byte, length of the whole) of a Content-Range header; None for what it lacks."""
    header = headers.get("Content-Range", "").strip()
    match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(?:(\d+)|\*)", header)
    first, total = match.groups() if match else (None, None)
    return (None if first is None else int(first)), (None if total is None else int(total))


def _opener() -> urllib.request.OpenerDirector:
    """An opener for http and https alone: a redirect to ftp or file is refused."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _check_arguments(urls: Sequence[str], size: int, sha256: str) -> None:
    good_urls = bool(urls) and all(re.match(r"https?://[^/\s]", url) for url in urls)
    if not good_urls or size <= 0 or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ArgumentError(
            "this cannot be downloaded",
            expected="addresses that begin with https:// or http://, a size above 0 and a "
            "SHA-256 of 64 lower-case hexadecimal digits",
            got=f"{', '.join(urls) or 'no address'}; {size}; {sha256!r}",
            fix="correct the one that is wrong",
        )


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _version() -> str:
    try:
        return version("photochrom")
    except PackageNotFoundError:  # run from a source tree
        return "unknown"
