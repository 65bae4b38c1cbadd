"""Folders and several files: surveyed into a manifest, shared out to workers, reported."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from .._io import show
from .._system import cores
from ..errors import ArgumentError, CancelledError
from ..media import FORMATS
from ..options import VideoOptions
from . import storage
from .events import Outcome, Planned, SkipReason, Summary, Task, TaskKind, passed_over
from .find.estimate import Estimate, estimate
from .find.search import Search
from .find.survey import REASONS, Wanted, digest, model_digest, survey
from .html_report import Facts, write_report
from .naming import is_folder
from .output_folder import Archive, existing_manifest, open_archive
from .run_settings import Settings
from .work import Work
from .workers import Pool, Threads, local_pool, run

if TYPE_CHECKING:
    from ..video.segments.segment_workers import SegmentWorkers

_POLL = 5.0  # seconds between two looks into a watched folder
_KINDS: tuple[TaskKind, ...] = ("picture", "video")


def run_many(settings: Settings) -> Summary:
    """Colour files, folders and URLs, see `archive.run`."""
    _check_output(settings)
    search = _search(settings)
    empty = not settings.archive.watch and next(iter(search), None) is None
    if empty and not (search.unreadable or search.results):
        raise _nothing(settings, search)
    with open_archive(settings.output) as archive:
        task = _Run(settings, archive, search)
        if settings.archive.watch:
            task.watch()
        else:
            task.once()
    return settings.finished()


def estimate_many(settings: Settings) -> Estimate:
    """What would be done, see `archive.estimate`."""
    _check_output(settings)
    manifest = existing_manifest(settings.output)
    manifest.put_back()
    survey(manifest, _search(settings), _wanted(settings))
    return estimate(
        manifest,
        lambda: settings.work(threads=1),
        settings.output,
        settings.archive.jobs or cores(),
        settings.archive.limit,
    )


class _Run:
    """One run with an open archive."""

    def __init__(self, settings: Settings, archive: Archive, search: Search) -> None:
        self._settings, self._archive, self._search = settings, archive, search
        self._read_only: list[str] = []
        self._planned: Planned | None = None  # not reported yet
        self._done = 0  # files that were coloured or failed in this run

    def once(self) -> None:
        """Colour everything that is there."""
        self._survey()
        self._tell_before()
        try:
            self._colour()
        except CancelledError:
            self._settings.summary.cancelled = True
        self._finish()

    def watch(self) -> None:
        """Colour what is there and what comes, until cancelled."""
        with suppress(CancelledError):
            while self._settings.summary.stopped is None:
                self._survey()
                self._colour()
                end = time.monotonic() + _POLL
                while time.monotonic() < end:
                    self._settings.cancel.check()
                    time.sleep(0.1)
        self._settings.summary.cancelled = self._settings.cancel.is_set()
        self._finish()

    def _survey(self) -> None:
        manifest = self._archive.manifest
        self._read_only = survey(manifest, self._search, _wanted(self._settings))
        videos, pictures = (
            sum(number for number, *_ in manifest.totals(kind).values())
            for kind in reversed(_KINDS)
        )
        self._settings.check_kinds(videos, pictures)

    def _tell_before(self) -> None:
        """Report what is not to be done, since it was before, or cannot be."""
        tell, manifest = self._settings.tell, self._archive.manifest
        self._settings.summary.passed_over = self._search.passed_over
        for row in manifest.each("done"):
            tell(_skipped(row.task, "done before"))
        for row in manifest.each("skipped"):
            tell(_skipped(row.task, row.reason or "output exists"))
        for row in manifest.each("failed"):
            error = f"{row.error} (before; --retry-failed tries it again)"
            tell(Outcome(row.task, "failed", error=error))
        for path in self._search.results:
            tell(_skipped(Task(0, path, ""), "result"))
        for path, why in self._unreadable():
            tell(Outcome(Task(0, path, ""), "failed", error=why))

    def _unreadable(self) -> list[tuple[str, str]]:
        """Folders that could not be looked into or written to, and why."""
        words = "results cannot be written here; choose another folder with -o"
        return [*self._search.unreadable, *((folder, words) for folder in self._read_only)]

    def _colour(self) -> None:
        """Colour everything that is to be done, pictures first; CancelledError if cancelled."""
        settings, manifest = self._settings, self._archive.manifest
        todo = {kind: manifest.totals(kind).get("todo", (0, 0, 0)) for kind in _KINDS}
        files = sum(count for count, *_ in todo.values())
        if not files:
            return
        size = sum(size for _, size, _ in todo.values())
        self._planned = Planned(self._left(files), size, todo["video"][0])
        work = settings.work(threads=1, turn=self._archive.turn)
        try:
            for kind in _KINDS:
                count = self._left(todo[kind][0])
                if count and settings.summary.stopped is None:
                    self._colour_kind(work, kind, count)
        finally:
            self._archive.recover()

    def _left(self, count: int) -> int:
        """Of so many files, how many the limit allows."""
        limit = self._settings.archive.limit
        return count if limit is None else min(count, limit - self._done)

    def _colour_kind(self, work: Work, kind: TaskKind, count: int) -> None:
        settings = self._settings

        def tell(outcome: Outcome) -> None:
            self._done += 1
            settings.tell(outcome)

        workers: AbstractContextManager[SegmentWorkers | None] = nullcontext()
        if kind == "video" and settings.archive.cluster is not None:
            from .ray.film_workers import RayFilms

            workers = RayFilms(settings.archive.cluster, settings.archive.share)
        with workers as work.segment_workers:
            pool = Threads(work, 1) if kind == "video" else self._pool(work, count)
            try:
                loaded = pool.loaded(kind)  # a model that cannot be loaded is refused here
                if self._planned is not None:
                    settings.begin(loaded, self._planned)
                    self._planned = None
                fatal = run(
                    self._archive.manifest,
                    pool,
                    tell,
                    kind=kind,
                    limit=count,
                    cancel=settings.cancel,
                )
            except BaseException:
                pool.close(now=True)
                raise
            pool.close(now=fatal is not None)
        if fatal is not None:
            settings.summary.stopped = fatal.error

    def _pool(self, work: Work, count: int) -> Pool:
        chosen = self._settings.archive
        if chosen.cluster is not None:
            from .ray.ray_pool import RayPool

            return RayPool(work, chosen.cluster, chosen.share)
        places = (*self._settings.sources, self._settings.output or "")
        remote = any(storage.local(path) is None for path in places)
        return local_pool(work, count, remote=remote, jobs=chosen.jobs)

    def _finish(self) -> None:
        """Count what is left, and write the report."""
        settings, archive = self._settings, self._archive
        summary = settings.finished()
        summary.remaining = archive.manifest.totals().get("todo", (0, 0, 0))[0]
        if archive.report is None or archive.root is None or archive.folder is None:
            return
        facts = Facts(archive.root, summary, self._unreadable())
        try:
            write_report(archive.manifest, facts, archive.report, archive.folder)
            summary.report = archive.report
        except OSError as error:  # a full disk; what matters is in the manifest
            summary.stopped = summary.stopped or f"the report: {error.strerror or error}"


def _search(settings: Settings) -> Search:
    chosen = settings.archive
    return Search(
        settings.sources, settings.output, chosen.include, chosen.exclude, settings.naming
    )


def _wanted(settings: Settings) -> Wanted:
    chosen, plain = settings.archive, settings.work(threads=1).settings()
    if chosen.in_color is not None:
        plain |= {"in_color": chosen.in_color}
    video = {k: v for k, v in asdict(settings.video).items() if v != getattr(VideoOptions(), k)}
    return Wanted(
        settings.output,
        model_digest(settings.model),
        digest(plain | {"compare": chosen.compare}),
        digest(plain | {"video": video}),
        compare=chosen.compare,
        overwrite=chosen.overwrite,
        retry=chosen.retry_failed,
        settle=chosen.watch,
        naming=settings.naming,
    )


def _skipped(task: Task, reason: SkipReason) -> Outcome:
    return Outcome(task, "skipped", reason=reason, error=REASONS[reason])


def _check_output(settings: Settings) -> None:
    """Refuse an output that cannot hold the results, with ArgumentError or MissingExtraError."""
    output = settings.output
    if output is None:
        urls = [path for path in settings.sources if storage.local(path) is None]
        if urls:
            raise ArgumentError(
                f"the results of {show(urls[0])} have no place",
                expected="-o with a folder or URL for them",
            )
        return
    folder = storage.local(output)
    if folder is not None:
        is_folder(str(folder), folder, many=True)
        settings.output = str(folder)
    elif output.startswith(("zip:", "tar:")):
        raise ArgumentError(
            f"the output {show(output)} cannot be used",
            expected="a folder or a store, where each file can be replaced by itself",
            got="a single file for all of them",
            fix="name a folder, and pack it afterwards",
        )
    else:
        storage.filesystem(output)


def _nothing(settings: Settings, search: Search) -> ArgumentError:
    suffixes = ", ".join(row.suffixes[0] for row in FORMATS.values())
    got = f"none in {', '.join(map(show, settings.sources))}" if settings.sources else "no PATH"
    if search.passed_over:
        got += f" ({passed_over(search.passed_over)})"
    return ArgumentError(
        "there is nothing to colour",
        expected=f"pictures ({suffixes}) or films",
        got=got,
        fix="name a picture, or a folder that holds some",
    )
