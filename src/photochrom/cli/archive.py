"""Folders and many files: ``photochrom colorize ARCHIVE -o OUT``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import typer

from .._io import show
from .._system import cores, memory_budget
from ..archive import storage as places
from ..archive.estimate import Estimate, clock, estimate, in_words
from ..archive.html_report import Facts, write_report
from ..archive.local import Pool, local_pool
from ..archive.manifest import Manifest
from ..archive.output_folder import Archive, existing_manifest, open_archive
from ..archive.schedule import run
from ..archive.search import Found, Search
from ..archive.survey import Wanted, survey
from ..archive.task import Outcome, Work, digest, model_digest
from ..errors import ArgumentError
from ..options import ColorOptions, OutputOptions
from ..picture import FORMATS
from .archive_report import ArchiveReport
from .commands import FAILED, STOPPED, say
from .film import Films
from .plan import Job, is_folder, plan_films, taken
from .ray import Ray
from .report import FilmBar
from .run import run as run_film
from .work import Outcome as FilmOutcome
from .work import Work as FilmWork

_POLL = 5.0  # seconds between two looks into a hot folder


@dataclass
class Command:
    """What a command line asks for.

    Attributes:
        paths: files and folders, or URLs.
        output: the folder for results, a path or URL; None: beside each picture.
        model: the ONNX file.
        options, out, films, compare: how it is coloured.
        overwrite, retry, limit, include, exclude: what is coloured.
        watch: go on looking for new pictures.
        dry_run: only tell what would be done.
        ray: the cluster; None: this machine.
        as_json: lines for programs.
    """

    paths: Sequence[str]
    output: str | None
    model: Path
    options: ColorOptions = field(default_factory=ColorOptions)
    out: OutputOptions = field(default_factory=OutputOptions)
    films: Films = field(default_factory=Films)
    compare: bool = False
    overwrite: bool = False
    retry: bool = False
    limit: int | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    watch: bool = False
    dry_run: bool = False
    ray: Ray | None = None
    as_json: bool = False

    def __call__(self) -> int:
        """Do it; returns the exit code.

        Raises:
            PhotochromError: nothing was begun.
        """
        self._check()
        search = Search(self.paths, self.output, self.include, self.exclude)
        self._found = _Pictures(search)
        if self.dry_run:
            return self._tell_estimate()
        if not self.watch and self._found.empty() and not (search.unreadable or search.left_out):
            raise _nothing(self.paths)
        with open_archive(self.output) as archive:
            return self._watch(archive) if self.watch else self._once(archive)

    def _check(self) -> None:
        urls = [path for path in self.paths if places.local(path) is None]
        if self.output is None:
            if urls:
                raise ArgumentError(
                    f"the results of {show(urls[0])} have no place",
                    expected="-o with a folder or URL for them",
                    got="none",
                    fix="add it",
                )
            return
        folder = places.local(self.output)
        if folder is not None:
            is_folder(str(folder), folder, many=True)
            self.output = str(folder)
        elif self.output.startswith(("zip:", "tar:")):
            raise ArgumentError(
                f"the output {show(self.output)} cannot be used",
                expected="a folder or a store, where each file can be replaced by itself",
                got="a single file for all of them",
                fix="name a folder, and pack it afterwards",
            )
        else:
            places.filesystem(self.output)

    def _work(self, archive: Archive | None = None) -> Work:
        # Half of the memory is for all that are done side by side, half for a large one.
        return Work(
            self.model,
            options=self.options,
            output=self.out,
            memory=memory_budget() // (2 * cores()),
            turn=archive.turn if archive else None,
        )

    def _wanted(self) -> Wanted:
        return Wanted(
            self.output,
            model_digest(self.model),
            digest(self._work().settings() | {"compare": self.compare}),
            compare=self.compare,
            overwrite=self.overwrite,
            retry=self.retry,
            settle=self.watch,
        )

    def _survey(self, manifest: Manifest) -> list[Job]:
        """Look at everything; returns the films."""
        survey(manifest, self._found, self._wanted())
        preview = self.films.preview is not None
        return plan_films(self._found.films, self.output, preview)

    def _once(self, archive: Archive) -> int:
        report = ArchiveReport(as_json=self.as_json)
        films = self._survey(archive.manifest)
        self._check_films(films)
        report.before(archive.manifest)
        for path in self._found.search.left_out:
            report.left_out(path)
        for path, why in self._found.search.unreadable:
            report.unreadable(path, why)
        stopped = self._run(archive, report, films)
        return self._end(archive, report, stopped)

    def _run(self, archive: Archive, report: ArchiveReport, films: Sequence[Job]) -> str | None:
        """Colour everything that is to be; returns why it stopped before the end."""
        count, size, _ = archive.manifest.totals().get("todo", (0, 0, 0))
        if not count and not films:
            return None
        fatal = None
        try:
            if count:
                fatal = self._colour(archive, report, count, size)
            self._colour_films(films, report)
        except KeyboardInterrupt:
            archive.recover()
            total = count + len(films)
            if self.limit is not None:
                total = min(total, self.limit)
            done = report.count("coloured") + report.count("films")
            what = "files" if films else "pictures"
            words = f"stopped after {done} of {total} {what}; the same command goes on from there"
            say(f"photochrom: {words}")
            raise typer.Exit(STOPPED) from None
        return None if fatal is None else fatal.error

    def _colour(
        self, archive: Archive, report: ArchiveReport, count: int, size: int
    ) -> Outcome | None:
        work = self._work(archive)
        pool = self._pool(work, min(count, self.limit or count))
        try:
            # While the workers load theirs; a model that cannot be loaded is refused here.
            report.colorizer = work.colorizer
            with report.running(count, size):
                fatal = run(archive.manifest, pool, report.add, limit=self.limit)
        except BaseException:
            pool.close(now=True)
            raise
        pool.close(now=fatal is not None)
        archive.recover()
        return fatal

    def _pool(self, work: Work, count: int) -> Pool:
        if self.ray is not None:
            return self.ray.pool(work)
        remote = any(places.local(path) is None for path in (*self.paths, self.output or ""))
        return local_pool(work, count, remote)

    def _check_films(self, films: Sequence[Job]) -> None:
        self.films.check(bool(films))
        if films and (self.options.hints or self.compare):
            raise ArgumentError(
                f"{'--hint' if self.options.hints else '--compare'} cannot be used",
                expected="pictures",
                got="a film",
                fix="leave it out, or colour the film apart",
            )

    def _colour_films(self, films: Sequence[Job], report: ArchiveReport) -> None:
        bar, workers = FilmBar(), None
        with ExitStack() as cluster:
            for job in films:
                if taken(job) and not self.overwrite:
                    report.add_film(FilmOutcome(job, "skipped", error="the output exists"))
                    continue
                if self.ray is not None and workers is None:
                    workers = cluster.enter_context(self.ray.films())
                from ..video.colorize_video import film_colorizer

                colorizer = film_colorizer(self.model)
                report.colorizer = colorizer
                work = FilmWork(
                    colorizer,
                    self.options,
                    self.out,
                    self.films,
                    progress=bar.frames,
                    workers=workers,
                )
                with bar.shown():
                    report.add_film(run_film(work, job))

    def _end(self, archive: Archive, report: ArchiveReport, stopped: str | None) -> int:
        page = self._write_report(archive, report, stopped)
        code = report.finish(page)
        if stopped is not None:
            say(f"photochrom: stopped: {stopped}; then the same command goes on from there")
            return FAILED
        return code

    def _write_report(
        self, archive: Archive, report: ArchiveReport, stopped: str | None
    ) -> Path | None:
        page = archive.report
        if page is None or archive.root is None:
            return None
        name = report.colorizer.model.card.name if report.colorizer else self.model.stem
        facts = Facts(
            archive.root, name, report.seconds, report.count("coloured"), report.pixels, stopped
        )
        try:
            write_report(archive.manifest, facts, self._found.search.unreadable, page)
        except OSError as error:  # a full disk; what matters is in the manifest
            say(f"photochrom: the report cannot be written: {error.strerror or error}")
            return None
        return page

    def _watch(self, archive: Archive) -> int:
        """Colour what is in a folder and what comes into it, until Ctrl-C."""
        report = ArchiveReport(as_json=self.as_json)
        say(f"photochrom: watching {', '.join(map(show, self.paths))}; Ctrl-C ends it")
        try:
            while True:
                films = self._survey(archive.manifest)
                self._check_films(films)
                stopped = self._run(archive, report, [f for f in films if not taken(f)])
                if stopped is not None:
                    return self._end(archive, report, stopped)
                time.sleep(_POLL)
        except KeyboardInterrupt:
            return self._end(archive, report, None)
        except typer.Exit:  # in the middle of a picture, which is told already
            self._end(archive, report, None)
            raise

    def _tell_estimate(self) -> int:
        manifest = existing_manifest(self.output)
        manifest.put_back()
        films = self._survey(manifest)
        totals = manifest.totals()
        told = estimate(manifest, self._work, self.output, cores(), self.limit)
        counts = {state: totals.get(state, (0,))[0] for state in ("done", "skipped", "failed")}
        if self.as_json:
            values = asdict(told) | {"films": len(films)} | counts
            typer.echo(json.dumps(values))
            return 0
        for line in _lines(told, counts, len(films), self.output):
            typer.echo(line)
        return 0


class _Pictures:
    """The pictures of a search, one after the other; its films are put aside."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.films: list[Found] = []

    def __iter__(self) -> Iterator[Found]:
        self.films = []
        for found in self.search:
            if found.film:
                self.films.append(found)
            else:
                yield found

    def empty(self) -> bool:
        """Whether there is neither a picture nor a film."""
        return next(iter(self.search), None) is None


def _lines(told: Estimate, counts: dict[str, int], films: int, output: str | None) -> Iterator[str]:
    others = {
        "done": "done before",
        "skipped": "skipped, whose output exists",
        "failed": "failed before (--retry-failed tries them again)",
    }
    parts = [f"{told.pictures:,} pictures to colour ({in_words(told.size)})"]
    parts += [f"{films} films"] * bool(films)
    parts += [f"{counts[state]:,} {words}" for state, words in others.items() if counts[state]]
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


def _nothing(paths: Sequence[str]) -> ArgumentError:
    suffixes = ", ".join(row.suffixes[0] for row in FORMATS.values())
    return ArgumentError(
        "there is nothing to colour",
        expected=f"pictures ({suffixes}), or the name of a film",
        got=f"none in {', '.join(map(show, paths))}" if paths else "no PATH",
        fix="name a picture, or a folder that holds some",
    )
