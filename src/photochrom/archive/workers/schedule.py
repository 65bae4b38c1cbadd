"""The loop between manifest and workers, until nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable

from ...errors import CancelToken
from ..events import Outcome, TaskKind
from ..manifest import Manifest
from .local import Pool

_TICK = 0.5  # seconds; Ctrl-C cannot end a longer wait on every system


def run(
    manifest: Manifest,
    pool: Pool,
    tell: Callable[[Outcome], None],
    *,
    kind: TaskKind = "picture",
    limit: int | None = None,
    cancel: CancelToken | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Outcome | None:
    """Have the tasks of a manifest done; write down and report each outcome.

    Args:
        manifest: after a survey.
        pool: the workers; stays open.
        tell: called with each outcome after it is in the manifest.
        kind: of the tasks.
        limit: stop after so many tasks.
        cancel: ends the loop.
        tick: called now and then; what it raises ends the loop.

    Raises:
        CancelledError: `cancel` was set; what had been begun is to be done again.

    Returns:
        None, or the outcome that made it useless to go on: its task, and all that had been begun,
        is to be done again.
    """
    begun = open_ = 0
    left = True
    while left or open_:
        room = pool.capacity - open_ if left else 0
        if limit is not None:
            room = min(room, limit - begun)
        # Claimed a few at a time, for each claim is a write to the disk.
        tasks = manifest.claim(room, kind) if room > 0 else []
        left = left and room == len(tasks) and (limit is None or begun + len(tasks) < limit)
        for task in tasks:
            pool.submit(task)
        begun, open_ = begun + len(tasks), open_ + len(tasks)
        outcomes = pool.take(_TICK) if open_ else []
        open_ -= len(outcomes)
        fatal = next((outcome for outcome in outcomes if outcome.fatal), None)
        outcomes = [outcome for outcome in outcomes if not outcome.fatal]
        if cancel is not None and cancel.is_set():  # which is why the others failed
            outcomes = [outcome for outcome in outcomes if outcome.state != "failed"]
        if outcomes:
            manifest.finish(outcomes)
            for outcome in outcomes:
                tell(outcome)
        if fatal:
            return fatal
        if cancel is not None:
            cancel.check()
        tick()
    return None
