"""Every error Photochrom raises on purpose, and the token that cancels a task.

::

    PhotochromError
    ├── ArgumentError (ValueError)   a value handed to a function or option is not of its form
    ├── PictureError                 a picture cannot be read or written
    │   ├── InColorError             a picture is in colour already and was to be skipped then
    │   └── PictureTooLargeError     more pixels than the limit allows
    ├── VideoError                    a film cannot be read or written
    ├── ModelError                   a model cannot be loaded or does not fit its family
    │   ├── ModelNotFoundError       no model of that name or path
    │   ├── ModelImportError         files of another framework cannot be turned into a model
    │   └── DownloadError            a download failed, or its bytes are not the promised ones
    └── MissingExtraError (ImportError)  an optional dependency is not installed
    CancelledError                   a task was cancelled with its `CancelToken`

A message is one line: ``problem: expected …, got …; fix``, without the parts that would only repeat
the problem. The commonest errors are built by class methods, on whichever class fits::

    raise PictureError.unreadable(path, error) from error       # an OSError, or words
    raise ArgumentError.unwritable(path, error) from error
    raise ArgumentError.not_found(path, "a folder of pictures")
    raise ArgumentError.exists(path)
    raise ArgumentError.not_one_of("the codec", name, CODECS)   # proposes the nearest
    raise ArgumentError.wrong_shape("L", "(N, 1, h, w)", L.shape)
    raise ArgumentError("threads", expected="1 or more", got=threads)
    ArgumentError.check("sources", sources, Iterable, "paths")  # raises, unless it is one
    ArgumentError.refuse({"--crf": crf}, "a film", "pictures")  # raises, if there is a value
    raise MissingExtraError.of("onnx", "import", "importing Caffe models")
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from os import PathLike
from threading import Event
from typing import Any, Self

from ._io import show


class PhotochromError(Exception):
    """Base class of the package's errors.

    Args:
        problem: what failed, beginning with the name of the thing ("grandma.jpg cannot be read").
        expected: what would have been right.
        got: what was found instead.
        fix: what the user can do about it, as an imperative clause.

    Attributes:
        problem: the same, on one line and printable: bytes of a path that are no UTF-8 become
            question marks. So do the others, which are None where they were left out.
    """

    def __init__(
        self,
        problem: object,
        *,
        expected: object = None,
        got: object = None,
        fix: str | None = None,
    ) -> None:
        self.problem = _printable(problem)
        self.expected, self.got, self.fix = (
            None if part is None else _printable(part) for part in (expected, got, fix)
        )
        facts = [("expected", self.expected), ("got", self.got)]
        found = ", ".join(f"{word} {fact}" for word, fact in facts if fact)
        message = f"{self.problem}: {found}" if found else self.problem
        super().__init__(f"{message}; {self.fix}" if self.fix else message)

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are pickled by their positional arguments; ours are keywords.
        return _rebuild, (type(self), self.problem, self.expected, self.got, self.fix)

    @classmethod
    def check(cls, what: str, value: object, kinds: Any, expected: str) -> None:
        """Refuse a `value` that is no instance of `kinds`, as `isinstance` takes them."""
        if not isinstance(value, kinds):
            raise cls(what, expected=expected, got=f"{value!r}, a {type(value).__name__}")

    @classmethod
    def unreadable(
        cls, what: str | PathLike[str], why: BaseException | str, fix: str | None = "check the path"
    ) -> Self:
        """``what`` cannot be read; ``why`` is the error of the system or library, or words."""
        return cls(f"{what} cannot be read: {reason(why)}", fix=fix)

    @classmethod
    def unwritable(
        cls,
        what: str | PathLike[str],
        why: BaseException | str,
        fix: str | None = "check the folder and the space on the disk",
    ) -> Self:
        """``what`` cannot be written; ``why`` is the error of the system or library, or words."""
        return cls(f"{what} cannot be written: {reason(why)}", fix=fix)

    @classmethod
    def not_found(cls, what: str | PathLike[str], expected: str | None = None) -> Self:
        """There is nothing at the path ``what``, where ``expected`` should be."""
        return cls(f"{what} does not exist", expected=expected, fix="check the path")

    @classmethod
    def exists(
        cls,
        what: str | PathLike[str],
        fix: str = "choose another with -o, or replace it with --overwrite",
    ) -> Self:
        """There is something at the path ``what``, where a new file was to be."""
        return cls(f"{what} exists already", fix=fix)

    @classmethod
    def refuse(
        cls, options: Mapping[str, object], expected: str, got: str, fix: str = "leave it out"
    ) -> None:
        """Raise if ``options``, by name, have values other than None, zero and nothing."""
        if given := [name for name, value in options.items() if value]:
            names = " and ".join(given)
            raise cls(f"{names} cannot be used", expected=expected, got=got, fix=fix)

    @classmethod
    def not_one_of(cls, what: str, got: object, choices: Iterable[str]) -> Self:
        """``got`` is none of the ``choices`` for ``what``; the nearest of them is proposed."""
        names = list(choices)
        close = difflib.get_close_matches(str(got), names, 1)
        return cls(
            what,
            expected=f"one of {', '.join(names)}" if names else "none",
            got=got,
            fix=f"did you mean {close[0]}?" if close else None,
        )

    @classmethod
    def wrong_shape(cls, what: str, expected: object, shape: Iterable[int]) -> Self:
        """The array ``what`` has another ``shape`` than ``expected``."""
        return cls(f"{what} has the wrong shape", expected=expected, got=tuple(shape))


def reason(why: BaseException | str) -> str:
    """What an error of the system or of a library says, as one clause of at most 200 characters."""
    words = why if isinstance(why, str) else getattr(why, "strerror", None) or str(why)
    line = " ".join(str(words).split())[:200].rstrip(".")
    return line or type(why).__name__


def _printable(part: object) -> str:
    """Text on one line, see `show`."""
    return show(" ".join(str(part).split()))


def _rebuild(
    kind: type[PhotochromError],
    problem: str,
    expected: str | None,
    got: str | None,
    fix: str | None,
) -> PhotochromError:
    return kind(problem, expected=expected, got=got, fix=fix)


class ArgumentError(PhotochromError, ValueError):
    """A value handed to a function or option is not of its form."""


class PictureError(PhotochromError):
    """A picture cannot be read or written."""


class InColorError(PictureError):
    """A picture is in colour already, or is a result of Photochrom, and was to be skipped then.

    Attributes:
        result: it is a result of Photochrom.
    """

    result = False


class PictureTooLargeError(PictureError):
    """A picture has more pixels than the limit allows."""


class VideoError(PhotochromError):
    """A film cannot be read or written."""


class ModelError(PhotochromError):
    """A model cannot be loaded or does not fit its family."""


class ModelNotFoundError(ModelError):
    """There is no model of that name or at that path."""


class ModelImportError(ModelError):
    """Files of another framework cannot be turned into a model."""


class DownloadError(ModelError):
    """A download failed, or its bytes are not the promised ones."""


class MissingExtraError(PhotochromError, ImportError):
    """An optional dependency is not installed."""

    @classmethod
    def of(cls, package: str, extra: str, what_for: str) -> MissingExtraError:
        """The error for ``package`` missing, which ``pip install "photochrom[extra]"`` brings."""
        return cls(
            f"{what_for} needs the package {package}",
            fix=f'install it with: pip install "photochrom[{extra}]"',
        )


class CancelledError(Exception):
    """A task was cancelled with its `CancelToken`; no `PhotochromError`, since nothing failed."""


class CancelToken:
    """A thread-safe flag that a task checks between two steps.

    One token serves one task: a picture, a film, an archive. Nothing half-written is left behind
    when a task is cancelled; films and archives go on with the next call.
    """

    def __init__(self) -> None:
        self._event = Event()

    def set(self) -> None:
        """Ask the task to stop; may be called from any thread, more than once."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether the task was asked to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise if the task was asked to stop.

        Raises:
            CancelledError: `set` was called.
        """
        if self._event.is_set():
            raise CancelledError("cancelled")
