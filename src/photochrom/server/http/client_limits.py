"""Limits on what one client, an API key or else an address, may have at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ..service_error import ServiceError


class ClientLimit:
    """Counts what is under way, by client.

    Args:
        what: for messages, in the plural.
        per_client: of one client.
        most: of all clients; None: without limit.
    """

    def __init__(self, what: str, per_client: int, most: int | None = None) -> None:
        self._what, self._per_client, self._most = what, per_client, most
        self._now: Counter[str] = Counter()

    @contextmanager
    def slot(self, client: str) -> Iterator[None]:
        """Count one more for the time of the block.

        Raises:
            ServiceError: the client, or all together, have too many.
        """
        if self._now[client] >= self._per_client:
            message = f"too many {self._what} of one client: expected at most {self._per_client}"
            raise ServiceError(429, f"{message} at a time; wait for one to end", retry_after=5)
        if self._most is not None and self._now.total() >= self._most:
            raise ServiceError(429, f"too many {self._what}; try again later", retry_after=30)
        self._now[client] += 1
        try:
            yield
        finally:
            self._now[client] -= 1
            if not self._now[client]:
                del self._now[client]
