"""Archives: many pictures and films, coloured in one call that can be interrupted and repeated.

A *manifest* (SQLite) records every file and its state. Files are found and compared with it by
``find``; ``workers`` (threads, processes) or ``ray`` (a cluster) colour them; `run` joins these.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .archive_options import ArchiveOptions, Share
    from .engine import estimate, run
    from .events import Event, Note, Outcome, Planned, Progress, Summary, Task

_HOMES = {
    "archive_options": ("ArchiveOptions", "Share"),
    "engine": ("estimate", "run"),
    "events": ("Event", "Note", "Outcome", "Planned", "Progress", "Summary", "Task"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ArchiveOptions",
    "Event",
    "Note",
    "Outcome",
    "Planned",
    "Progress",
    "Share",
    "Summary",
    "Task",
    "estimate",
    "run",
]


def __getattr__(name: str) -> Any:
    """Load what is asked for only then."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
