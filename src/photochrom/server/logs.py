"""Structured logs: one line of JSON per event, never with anything of a picture in it."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

logger = logging.getLogger("photochrom.server")

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""Of the request that is being answered."""

_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")


def new_request_id(given: str | None) -> str:
    """The client's own id, if it is harmless, else a new one."""
    if given is not None and _GIVEN.fullmatch(given):
        return given
    return secrets.token_hex(8)


class JsonLines(logging.Formatter):
    """A record as one line of JSON; what ``extra={"fields": {...}}`` has comes along."""

    def format(self, record: logging.LogRecord) -> str:
        """See the base class."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "request_id": request_id.get(),
            **getattr(record, "fields", {}),
        }
        if line["request_id"] == "-":
            del line["request_id"]
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log(event: str, level: int = logging.INFO, *, trace: bool = False, **values: object) -> None:
    """Log an event with its values; `trace`: with the exception that is being handled."""
    logger.log(level, event, exc_info=trace, extra={"fields": values})


def log_to_stderr() -> None:
    """Send the service's log, and uvicorn's, to standard error as lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name, level in (("photochrom.server", logging.INFO), ("uvicorn.error", logging.WARNING)):
        one = logging.getLogger(name)
        one.handlers, one.propagate = [handler], False
        one.setLevel(level)
