"""Time and disk that an archive takes, from pictures done before or from a few done for this."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import PhotochromError
from .. import storage
from ..events import Outcome
from ..manifest import Manifest
from ..work import Work

SAMPLE = 8
"""Pictures that are coloured, and thrown away, for an estimate."""

SAMPLE_FILMS = 3
"""Films that are looked into for an estimate."""

_ENOUGH = 30  # pictures done before that tell more than a sample


@dataclass(frozen=True)
class Estimate:
    """What is to be expected."""

    # pictures, size: that are to be coloured, and bytes of their files
    pictures: int
    size: int
    workers: int  # that work side by side
    seconds: float | None  # until all are done; None if nothing is known
    written: int | None  # bytes of the results; None if nothing is known
    free: int | None  # bytes on the disk for the results; None if they go to a store
    measured: int  # pictures that this was measured on
    before: bool  # whether those were done before, rather than for this
    videos: int = 0  # films to colour
    # film_seconds, film_written: that they take on this machine, one after the other, and bytes of
    # the results; None if nothing is known
    film_seconds: float | None = None
    film_written: int | None = None
    # done, skipped, failed: files that are not to be coloured, by their state
    done: int = 0
    skipped: int = 0
    failed: int = 0


def estimate(
    manifest: Manifest,
    work: Callable[[], Work],
    root: str | None,
    workers: int,
    limit: int | None,
) -> Estimate:
    """Look at a manifest after a survey, and colour a few of its pictures into a folder that goes.

    Args:
        manifest: in memory, so that nothing is changed.
        work: gives how they are coloured; the model is loaded only if it is needed.
        root: where results go.
        workers: that will work side by side.
        limit: on the number of pictures.
    """
    todo, size, _ = manifest.totals("picture").get("todo", (0, 0, 0))
    if limit is not None and limit < todo:
        size, todo = size * limit // todo, limit
    before = [
        (row.size, row.seconds, row.written)
        for row in manifest.sample("done", 1000)
        if row.seconds and row.written
    ]
    known = len(before) >= _ENOUGH
    measured = before if known else (_measured(manifest, work()) if todo else [])
    seconds = written = None
    if measured and todo:
        mean = sum(second for _, second, _ in measured) / len(measured)
        seconds = mean * todo / min(workers, todo)
        written = (
            sum(out for _, _, out in measured) * size // max(1, sum(s for s, _, _ in measured))
        )
    videos, video_size, _ = manifest.totals("video").get("todo", (0, 0, 0))
    rates = _film_rates(manifest, work()) if videos else None
    totals = manifest.totals()
    done, skipped, failed = (
        totals[state][0] if state in totals else 0 for state in ("done", "skipped", "failed")
    )
    return Estimate(
        todo,
        size,
        workers,
        seconds,
        written,
        _free(root),
        len(measured),
        known,
        videos,
        None if rates is None else rates[0] * video_size,
        None if rates is None else round(rates[1] * video_size),
        done,
        skipped,
        failed,
    )


def _measured(manifest: Manifest, work: Work) -> list[tuple[int, float, int]]:
    """Size, seconds and bytes written of some pictures; those that fail are left out."""
    work.load()  # before the first is timed
    done: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="photochrom-") as folder:
        for row in manifest.sample("todo", SAMPLE):
            output = Path(folder) / f"{row.id}{Path(row.output).suffix}"
            done.append(work(replace(row.task, output=str(output), compare=None)))
            output.unlink(missing_ok=True)
    return [(e.task.size, e.seconds or 0.0, e.written or 0) for e in done if not e.error]


def _film_rates(manifest: Manifest, work: Work) -> tuple[float, float] | None:
    """Seconds and bytes written for each byte of a film, by parts of some films.

    Those that cannot be read, or do not say how long they are, are left out.
    """
    from ...video.film_check import check_film

    size, seconds, written = 0, 0.0, 0.0
    for row in manifest.sample("todo", SAMPLE_FILMS, "video"):
        source, output = storage.local(row.source), storage.local(row.output)
        if source is None or output is None:
            continue
        try:
            told = check_film(
                source, output, work.options, work.video, colorizer=work.load("video")
            )
        except PhotochromError:
            continue
        if told.seconds is not None and told.written is not None:
            size += row.size
            seconds, written = seconds + told.seconds, written + told.written
    return (seconds / size, written / size) if size else None


def _free(root: str | None) -> int | None:
    path = Path.cwd() if root is None else storage.local(root)
    if path is None:
        return None
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free
