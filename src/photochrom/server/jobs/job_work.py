"""The work of one job: its pictures one after the other, or its film."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from ...errors import CancelledError, CancelToken
from ...media import FORMATS
from ..http.chosen_options import Chosen, chosen
from ..http.request_options import JobOptions
from ..logs import log
from ..service_error import outage, service_error
from ..settings import MEGABYTE, Settings
from ..workers.messages import ColorizeTask, FilmTask
from ..workers.pool import WorkerPool
from .job_files import JobFiles, zip_name
from .job_store import Job, JobStore, State
from .stores import Stores, film_suffix

_NOTE = 0.25  # seconds between two notes of a film's progress


class JobWork:
    """Does jobs; everything it raises is an outage, after which the job can be done again.

    Args:
        stores: where sources and results may be.
        stop: set when the service stops.
        on_end: called with each job that has ended, and its state.
    """

    def __init__(
        self,
        settings: Settings,
        pool: WorkerPool,
        files: JobFiles,
        store: JobStore,
        stores: Stores,
        stop: CancelToken,
        on_end: Callable[[Job, State], None],
    ) -> None:
        self._settings, self._pool = settings, pool
        self._files, self._store, self._stores = files, store, stores
        self._stop, self._on_end = stop, on_end

    def do(self, job: Job, cancel: CancelToken) -> None:
        """Do a job until `cancel` is set; OSError or sqlite3.OperationalError in an outage."""
        log("job begun", job=job.id, kind=job.kind, attempt=job.attempts)
        try:
            options = JobOptions.model_validate(job.options)
            found = chosen(options, self._pool.models, self._settings, job.kind)
            if job.kind == "film":
                self._do_film(job, found, cancel)
            else:
                self._do_pictures(job, found, cancel)
        except CancelledError:
            if self._stop.is_set():
                self._store.put_back(job.id)
                log("job interrupted", job=job.id)
            else:
                self._files.remove(job.id)
                log("job cancelled", job=job.id)
        except Exception as error:  # a job must not end the thread
            if outage(error) is not None:
                raise
            told = service_error(error)
            if told is None:
                log("job failed", logging.ERROR, trace=True, job=job.id)
            self._end(job, "failed", _message(error))

    def _end(self, job: Job, state: State, error: str | None = None) -> None:
        if not self._store.finish(job.id, state, time.time() + self._settings.keep * 3600, error):
            self._files.remove(job.id)  # cancelled at the last moment
            return
        self._files.tidy(job.id)
        self._on_end(job, state)
        log("job ended", job=job.id, state=state)

    def _note(self, job: Job, done: int, total: int | None) -> None:
        """Write the progress; CancelledError if the service stops, or the job was cancelled."""
        self._stop.check()
        if not self._store.progress(job, done, total):
            raise CancelledError("the job was cancelled")

    def _do_pictures(self, job: Job, found: Chosen, cancel: CancelToken) -> None:
        if self._files.result(job.id) is None:  # else the service ended right after this
            for number, item in enumerate(job.items):
                self._note(job, number, len(job.items))
                done = not {"error", "result"}.isdisjoint(item)
                if not done and self._files.picture(job.id, number) is None:
                    self._do_picture(job, number, found, cancel)
            self._note(job, len(job.items), len(job.items))
            errors = [item["error"] for item in job.items if "error" in item]
            if len(errors) == len(job.items):
                first = errors[0]
                self._end(job, "failed", f"no picture could be coloured; the first: {first}")
                return
            if found.target is None:
                self._files.pack(job.id, [item["name"] for item in job.items])
        self._note(job, len(job.items), len(job.items))
        self._end(job, "done")

    def _do_picture(self, job: Job, number: int, found: Chosen, cancel: CancelToken) -> None:
        """Colour one picture, or note why it cannot be coloured."""
        place = self._files.of(job.id)
        task = ColorizeTask(
            place / "in" / f"{number:04}",
            place / f"{number:04}" / "result",
            found.model,
            found.color,
            found.output,
            self._files.references(job.id),
        )
        try:
            self._fetch(found, number, task.source, self._settings.max_upload, cancel)
            result = self._pool.submit(task, cancel, self._settings.timeout, large=True).result()
            suffix = FORMATS[result["format"]].suffixes[0]
            if found.target is None:
                task.target.rename(place / "out" / f"{number:04}{suffix}")
            else:
                self._put(job, number, task.target, f"{found.target}/", suffix)
            shutil.rmtree(task.target.parent, ignore_errors=True)
            if found.sources:
                task.source.unlink()
        except Exception as error:
            cancel.check()
            if outage(error) is not None:
                raise
            if service_error(error) is None:
                log("picture failed", logging.ERROR, trace=True, job=job.id)
            job.items[number]["error"] = _message(error)

    def _fetch(
        self, found: Chosen, number: int, path: Path, megabytes: float, cancel: CancelToken
    ) -> None:
        """Copy a source out of its store, if it is in one and not here yet."""
        if found.sources and not path.exists():
            self._stores.fetch(found.sources[number], path, int(megabytes * MEGABYTE), cancel)

    def _put(self, job: Job, number: int, path: Path, folder: str, suffix: str) -> None:
        """Move a result into a store."""
        stored = (item["result"] for item in job.items if "result" in item)
        taken = {url.rpartition("/")[2].lower() for url in stored}
        url = folder + zip_name(job.items[number]["name"], suffix, number, taken)
        self._stores.put(path, url)
        job.items[number]["result"] = url
        path.unlink()

    def _do_film(self, job: Job, found: Chosen, cancel: CancelToken) -> None:
        place = self._files.of(job.id)
        if found.sources:
            film = place / "in" / f"0000{film_suffix(found.sources[0])}"
            self._fetch(found, 0, film, self._settings.max_job_upload, cancel)
        source = next((place / "in").iterdir(), None)
        seen: tuple[int, int | None] = (job.done, job.total)
        noted = 0.0

        def progress(done: int, total: int | None) -> None:
            nonlocal seen, noted
            seen = (done, total)
            self._stop.check()
            if time.monotonic() - noted >= _NOTE:
                noted = time.monotonic()
                self._note(job, done, total)

        done = self._files.result(job.id) is not None or "result" in job.items[0]
        if not done and source is not None:
            # Under its final suffix, but not yet its final name: a broken-off film is no result.
            output = place / f"film{source.suffix}"
            if found.video.shots is not None:  # a later job may have the same list, but for a shot
                source = self._files.film(job.id, job.owner, source)
                output = source.with_name(output.name)
            task = FilmTask(
                source,
                output,
                found.model,
                found.color,
                found.video,
                self._settings.max_frames,
                self._settings.max_pixels,
                self._files.references(job.id),
            )
            self._pool.run_film(task, cancel, progress)
            if found.target is None:
                output.replace(place / f"result{source.suffix}")
            else:
                self._put(job, 0, output, f"{found.target}/", source.suffix)
        self._note(job, *seen)
        self._end(job, "done")


def _message(error: BaseException) -> str:
    told = service_error(error)
    return "the service failed at this" if told is None else told.message
