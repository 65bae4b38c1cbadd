"""Every error Photochrom raises on purpose.

::

    PhotochromError
    ├── ArgumentError (ValueError)   a value handed to a function or option is not of its form
    ├── PictureError                 a picture cannot be read or written
    │   └── PictureTooLargeError     more pixels than the limit allows
    ├── ClipError                    a film cannot be read or written
    ├── ModelError                   a model cannot be loaded or does not fit its family
    │   ├── ModelNotFoundError       no model of that name or path
    │   ├── ModelImportError         files of another framework cannot be turned into a model
    │   └── DownloadError            a download failed, or its bytes are not the promised ones
    └── MissingExtraError (ImportError)  an optional dependency is not installed
    CancelledError                   a task was cancelled with its `CancelToken`

Each message is one line that says what was expected, what was got and what to do.
"""

from __future__ import annotations


class PhotochromError(Exception):
    """Base class: ``problem: expected …, got …; fix``, as far as these are given.

    Args:
        problem: what failed, beginning with the name of the thing ("grandma.jpg cannot be read").
        expected: what would have been right.
        got: what was found instead.
        fix: what the user can do about it, as an imperative clause.
    """

    def __init__(
        self,
        problem: str,
        *,
        expected: str | None = None,
        got: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.problem, self.expected, self.got, self.fix = problem, expected, got, fix
        facts = [f"expected {expected}"] * bool(expected) + [f"got {got}"] * bool(got)
        message = ": ".join([problem, *([", ".join(facts)] if facts else [])])
        super().__init__(" ".join("; ".join([message, *([fix] if fix else [])]).split()))

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are pickled by their positional arguments; ours are keywords.
        return _rebuild, (type(self), self.problem, self.expected, self.got, self.fix)


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


class PictureTooLargeError(PictureError):
    """A picture has more pixels than the limit allows."""


class ClipError(PhotochromError):
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
            f"{what_for} is not available",
            expected=f"the package {package}",
            got="no such package",
            fix=f'install it with: pip install "photochrom[{extra}]"',
        )


class CancelledError(Exception):
    """A task was cancelled with its `CancelToken`; no `PhotochromError`, since nothing failed."""
