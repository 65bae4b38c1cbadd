"""The lines of ``photochrom colorize --dry-run``."""

from __future__ import annotations

from collections.abc import Iterator

from .._io import show
from ..archive.find.estimate import Estimate, clock, in_words


def estimate_lines(told: Estimate, output: str | None) -> Iterator[str]:
    """What would be done, how long it takes, and how much disk."""
    parts = [f"{told.pictures:,} pictures to colour ({in_words(told.size)})"]
    parts += [f"{told.videos:,} films to colour"] * bool(told.videos)
    others = {
        "done before": told.done,
        "skipped": told.skipped,
        "failed before (--retry-failed tries them again)": told.failed,
    }
    parts += [f"{count:,} {words}" for words, count in others.items() if count]
    yield "; ".join(parts)
    if told.seconds is not None and told.written is not None:
        how = "done before" if told.before else "coloured for this and thrown away"
        yield (
            f"about {clock(told.seconds)} with {told.workers} workers, "
            f"by {told.measured} pictures {how}"
        )
        where = show(output) if output else "beside the pictures"
        free = "" if told.free is None else f", where {in_words(told.free)} are free"
        yield f"about {in_words(told.written)} in {where}{free}"
