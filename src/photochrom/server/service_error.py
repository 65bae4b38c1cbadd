"""ServiceError: an answer with an error status; which one belongs to each exception."""

from __future__ import annotations

import errno
import sqlite3

from ..errors import (
    ArgumentError,
    MissingExtraError,
    PictureError,
    PictureTooLargeError,
    VideoError,
)


class ServiceError(Exception):
    """An answer with an error status, made on purpose.

    Args:
        status: of HTTP.
        message: one line for people.
        retry_after: seconds after which another try makes sense.
        close: end the connection after the answer.
    """

    def __init__(
        self, status: int, message: str, *, retry_after: int | None = None, close: bool = False
    ) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"
        if close:
            self.headers["Connection"] = "close"


def service_error(error: BaseException) -> ServiceError | None:
    """The answer to an exception; None if it is a fault of the package."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, PictureTooLargeError):
        facts = [f"expected {error.expected}"] * bool(error.expected)
        facts += [f"got {error.got}"] * bool(error.got)
        return ServiceError(413, ": ".join([error.problem, *([", ".join(facts)] if facts else [])]))
    if isinstance(error, MissingExtraError):
        return ServiceError(415, f"this service cannot do that: {error.problem}")
    if isinstance(error, PictureError | VideoError | ArgumentError):
        return ServiceError(422, str(error))
    if isinstance(error, MemoryError):
        return ServiceError(503, "the service has not enough memory now", retry_after=10)
    if (reason := outage(error)) is not None:
        return ServiceError(503, f"{reason}; try again later", retry_after=60)
    return None


def outage(error: BaseException) -> str | None:
    """What keeps the service from writing, if an exception tells of that; it passes by itself."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk of the service is full"
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return "the disk of the service is read-only"
    if isinstance(error, sqlite3.OperationalError):
        return f"the table of jobs cannot be written ({error})"
    return None
