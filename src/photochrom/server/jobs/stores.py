"""Stores that jobs may read from and write to: S3 and whatever else fsspec knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from ..._io import show
from ...archive import storage
from ...errors import ArgumentError, CancelToken, PictureError, PictureTooLargeError
from ...media import VIDEO_SUFFIXES, default_suffix
from ..service_error import ServiceError

_CHUNK = 1 << 20


class Stores:
    """The stores that the operator allows; the rights there are those of the service."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = [url.rstrip("/") for url in allowed]
        for url in self._allowed:
            if storage.local(url) is not None or "::" in url:
                raise ArgumentError(
                    f"the store {show(url)} (--store)",
                    expected="a URL such as s3://bucket/folder",
                    got="a path, or a URL within another",
                )
            storage.filesystem(url)

    def check(self, option: str, urls: Sequence[str]) -> None:
        """Refuse addresses outside the stores, with ServiceError."""
        if not self._allowed:
            raise ServiceError(422, f"{option}: this service has no stores (--store)")
        for url in urls:
            if not any(_is_under(url, store) for store in self._allowed):
                known = " or ".join(f"{store}/" for store in self._allowed)
                raise ServiceError(422, f"{option}: expected addresses under {known}")

    def fetch(self, url: str, path: Path, limit: int, cancel: CancelToken) -> None:
        """Copy a file out of a store; `path` appears when it is complete.

        Raises:
            PictureError: there is none, or it cannot be read.
            PictureTooLargeError: it has more than `limit` bytes.
            CancelledError: `cancel` was set.
            OSError: it cannot be written here.
        """
        part, size = path.with_name(f"{path.name}.part"), 0
        with part.open("wb") as target:
            for chunk in _chunks(url):
                cancel.check()
                size += len(chunk)
                if size > limit:
                    most = f"at most {limit:,} bytes"
                    raise PictureTooLargeError(f"{show(url)} is too large", expected=most)
                target.write(chunk)
        part.replace(path)

    def put(self, path: Path, url: str) -> None:
        """Copy a file into a store, which shows it when complete; PictureError if it fails."""
        fs, inner = storage.filesystem(url)
        try:
            fs.put_file(str(path), inner)
        except Exception as error:  # each store has exceptions of its own
            raise _failed(url, "written", error) from error


def film_suffix(url: str) -> str | None:
    """The suffix of the film that a URL names, as its result will have it; None of a picture."""
    format = VIDEO_SUFFIXES.get(PurePosixPath(url).suffix.lower())
    return None if format is None else default_suffix(format)


def folder_of(url: str) -> str:
    """The folder that a file is in, without a slash at its end."""
    return url.rpartition("/")[0]


def _chunks(url: str) -> Iterator[bytes]:
    fs, inner = storage.filesystem(url)
    try:
        with fs.open(inner, "rb") as source:
            while chunk := source.read(_CHUNK):
                yield chunk
    except Exception as error:
        raise _failed(url, "read", error) from error


def _failed(url: str, what: str, error: Exception) -> PictureError:
    why = "no such file" if isinstance(error, FileNotFoundError) else error
    make = PictureError.unreadable if what == "read" else PictureError.unwritable
    return make(url, why, "check the address and the rights of the service")


def _is_under(url: str, store: str) -> bool:
    """Whether a URL names something in a store, by a plain path."""
    path = f"{url.rstrip('/')}/"
    if not path.startswith(f"{store}/") or "::" in url or not url.isprintable():
        return False
    steps = path.removeprefix(f"{store}/").rstrip("/").split("/")
    return steps == [""] or not {"", ".", ".."} & set(steps)
