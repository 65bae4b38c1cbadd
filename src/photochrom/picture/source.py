"""Where a picture comes from: a path, bytes or an open file, looked at without being decoded."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .._io import show
from ..errors import ArgumentError, PictureError, reason
from ..media import HEAD, READABLE, Media, identify


@dataclass(frozen=True)
class Source:
    """A file that may be a picture."""

    name: str  # what error messages call it
    path: str | None  # where it is; None if only ``data`` is there
    data: bytes | None  # its bytes; None if it is read from ``path``
    head: bytes  # its first bytes

    @classmethod
    def of(cls, source: str | os.PathLike[str] | bytes | BinaryIO | Source) -> Source:
        """Look at ``source``; a stream or a pipe is read to its end, once.

        Raises:
            PictureError: there is no such file, or it cannot be opened.
            ArgumentError: ``source`` is none of these.
        """
        if isinstance(source, Source):
            return source
        if isinstance(source, bytes | bytearray | memoryview):
            data = bytes(source)
            return cls("the picture", None, data, data[:HEAD])
        if isinstance(source, str | os.PathLike):
            return cls._of_path(os.fspath(source))
        if hasattr(source, "read"):
            data = source.read()
            if not isinstance(data, bytes):
                raise _no_source(source)
            return cls(show(getattr(source, "name", "the picture")), None, data, data[:HEAD])
        raise _no_source(source)

    @classmethod
    def _of_path(cls, path: str) -> Source:
        name = show(path)
        try:
            with Path(path).open("rb") as file:
                # libvips wants names in UTF-8: files of other names are read here, like pipes.
                if name == path and stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return cls(name, path, None, file.read(HEAD))
                data = file.read()
        except (OSError, ValueError) as error:
            raise unreadable(name, _words(error), "check the path and your rights") from None
        return cls(name, None, data, data[:HEAD])

    @property
    def media(self) -> Media:
        """What the file is, by its first bytes."""
        return identify(self.head)

    @property
    def format(self) -> str:
        """The format by the first bytes; PictureError if the file is no picture."""
        found = self.media
        if found.kind != "picture":
            fix = "give a photograph in one of these formats"
            if found.kind == "video" and self.path is None:
                fix = "name a film's file, for films are read in parts"
            raise unreadable(self.name, str(found), fix, f"a picture ({READABLE})")
        return found.format

    @property
    def origin(self) -> str | bytes:
        """What opens the same file once more."""
        return self.path if self.path is not None else self.data or b""

    def read(self) -> bytes:
        """The whole file; PictureError if it cannot be read any more."""
        if self.data is not None:
            return self.data
        with self.open() as file:
            return file.read()

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The file, open for reading; PictureError if it cannot be opened any more."""
        if self.path is None:
            yield io.BytesIO(self.data or b"")
            return
        try:
            file = Path(self.path).open("rb")  # noqa: SIM115 - closed below, errors kept apart
        except OSError as error:
            raise unreadable(self.name, _words(error), "try again") from None
        with file:
            yield file


def unreadable(name: str, got: str, fix: str, expected: str = "a readable file") -> PictureError:
    """The error for a file that is no picture, or one that is damaged."""
    return PictureError(f"{name} cannot be read", expected=expected, got=got, fix=fix)


def _words(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "a folder"
    return "no permission" if isinstance(error, PermissionError) else reason(error)


def _no_source(source: object) -> ArgumentError:
    return ArgumentError(
        "the picture cannot be opened",
        expected="a path, bytes, a binary file, a PIL image or a NumPy array",
        got=f"a {type(source).__name__}",
    )
