"""Jobs: films and batches of pictures, done one after the other, through every restart."""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from ..cancel import CancelToken
from ..colorizer import Colorizer
from ..errors import CancelledError, PhotochromError
from .colour import colour
from .desk import Desk
from .errors import ServiceError, told
from .films import ColorizeFilm
from .folder import Folder
from .logs import log
from .options import Options, Order, order
from .settings import MEGABYTE, Settings
from .store import Job, State, Store
from .uploads import Upload

_PAUSE = 0.25  # seconds between two looks, and between two notes of a film's progress
_SWEEP = 30.0  # seconds between two looks for results whose time is over


class Jobs:
    """Takes jobs, does them in threads of its own, keeps their results for a while.

    Pictures of a batch take their turn at the desk with those of single requests. A film has a
    thread for itself: it would keep a seat there for hours.

    Args:
        settings: limits.
        colorizers: by name.
        desk: where pictures are coloured.
        film: colours one.

    Raises:
        ArgumentError: the folder cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        colorizers: Mapping[str, Colorizer],
        desk: Desk,
        film: ColorizeFilm,
    ) -> None:
        self._settings, self._colorizers, self._desk, self._film = settings, colorizers, desk, film
        self.folder = Folder(settings.folder)
        self.store = Store(self.folder.database)
        self._arriving = 0
        self._stop = CancelToken()
        self._news = {kind: threading.Event() for kind in ("pictures", "film")}
        self._threads = [
            threading.Thread(target=self._run, args=(kind,), name=f"jobs-{kind}", daemon=True)
            for kind in self._news
        ]

    def start(self) -> None:
        """Go on with what an earlier process left, and begin to work."""
        again, lost = self.store.recover(self._expiry())
        for id in lost:
            self.folder.tidy(id)
        self.folder.remove_all_but(self.store.ids())
        if again or lost:
            log("jobs of an earlier run", resumed=again, given_up=len(lost))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Break off; what is being done goes on after the next start."""
        self._stop.set()
        for event in self._news.values():
            event.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(10)
        self.store.close()
        self.folder.close()

    @property
    def alive(self) -> bool:
        """Whether the threads are at work."""
        return all(thread.is_alive() for thread in self._threads)

    @contextmanager
    def place(self, size: int) -> Iterator[None]:
        """A place in the queue for a job whose files, of `size` bytes, are still to arrive.

        Raises:
            ServiceError: all are taken, or the disk is too full.
        """
        waiting = self.store.counts().get("queued", 0) + self._arriving
        if waiting >= self._settings.max_jobs:
            raise ServiceError(429, "too many jobs wait already; try again", retry_after=30)
        # Room for the upload, its copy in the folder and the result.
        if self.folder.free() < 3 * size + 100 * MEGABYTE:
            raise ServiceError(503, "the disk of the service is too full now", retry_after=60)
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1

    def add(
        self, options: Options, files: Sequence[Upload], owner: str | None, film: str | None
    ) -> Job:
        """Queue a job; its files are copied.

        Args:
            options: checked before.
            files: pictures, or one film.
            owner: name of the API key.
            film: suffix of the film; None for pictures.
        """
        job = Job(
            secrets.token_hex(16),
            "film" if film else "pictures",
            options.model_dump(exclude_unset=True),
            [{"name": upload.name} for upload in files],
            owner,
            total=None if film else len(files),
        )
        self.folder.take(job.id, files, film or "")
        self.store.add(job)
        self._news[job.kind].set()
        log("job queued", job=job.id, kind=job.kind, files=len(files))
        return job

    def cancel(self, job: Job) -> None:
        """Cancel a job that waits or runs; forget one that has ended. Its files go in any case."""
        if not self.store.finish(job.id, "cancelled", self._expiry()):
            self.store.forget(job.id)
        self.folder.remove(job.id)

    def _expiry(self) -> float:
        return time.time() + self._settings.keep * 3600

    def _run(self, kind: str) -> None:
        swept = 0.0
        while not self._stop.is_set():
            if kind == "pictures" and time.monotonic() - swept > _SWEEP:
                swept = time.monotonic()
                self._sweep()
            self._news[kind].clear()
            job = self.store.begin(kind)
            if job is None:
                self._news[kind].wait(min(_SWEEP, self._settings.keep * 3600))
            else:
                self._do(job)

    def _sweep(self) -> None:
        for id in self.store.expired():
            self.folder.remove(id)
            self.store.forget(id)
            log("job expired", job=id)

    def _do(self, job: Job) -> None:
        log("job begun", job=job.id, kind=job.kind, attempt=job.attempts)
        try:
            options = Options.model_validate(job.options)
            made = order(options, self._colorizers, self._settings)
            if job.kind == "film":
                self._do_film(job, made)
            else:
                self._do_pictures(job, made)
        except CancelledError:
            if self._stop.is_set():
                self.store.put_back(job.id)
                log("job interrupted", job=job.id)
            else:
                self.folder.remove(job.id)
                log("job cancelled", job=job.id)
        except Exception as error:  # a job must not end the thread
            found = told(error)
            message = found.message if found else _message(error)
            if found is None and not isinstance(error, PhotochromError):
                log("job failed", logging.ERROR, trace=True, job=job.id)
            # Errors about a film name its file, whose place is nobody's business.
            here = re.escape(str(self.folder.of(job.id)))
            self._end(job, "failed", re.sub(rf"{here}[\w./-]*", "the film", message))

    def _end(self, job: Job, state: State, error: str | None = None) -> None:
        self.folder.tidy(job.id)
        if not self.store.finish(job.id, state, self._expiry(), error):
            self.folder.remove(job.id)  # cancelled at the last moment
        log("job ended", job=job.id, state=state)

    def _go_on(self, job: Job, done: int, total: int | None) -> None:
        """Note the progress.

        Raises:
            CancelledError: the service stops, or the job was cancelled.
        """
        self._stop.check()
        if not self.store.progress(job, done, total):
            raise CancelledError("the job was cancelled")

    def _do_pictures(self, job: Job, made: Order) -> None:
        for number, item in enumerate(job.items):
            self._go_on(job, number, len(job.items))
            if "error" in item or self.folder.picture(job.id, number):
                continue  # from an earlier attempt
            try:
                self._desk.submit(partial(self._picture, job.id, number, made)).result()
            except (PhotochromError, ServiceError, MemoryError) as error:
                found = told(error)
                item["error"] = found.message if found else _message(error)
        self._go_on(job, len(job.items), len(job.items))
        errors = [item["error"] for item in job.items if "error" in item]
        if len(errors) == len(job.items):
            self._end(job, "failed", f"no picture could be coloured; the first: {errors[0]}")
        else:
            self.folder.pack(job.id, [item["name"] for item in job.items])
            self._end(job, "done")

    def _picture(self, id: str, number: int, made: Order) -> None:
        place = self.folder.of(id)
        with (place / "in" / f"{number:04}").open("rb") as file:
            colour(
                file,
                made,
                self._stop,
                target=place / "out" / f"{number:04}",
            )

    def _do_film(self, job: Job, made: Order) -> None:
        place = self.folder.of(job.id)
        source = next((place / "in").iterdir())
        # Under its final suffix, but not yet its final name: a broken-off film is no result.
        output = place / f"film{source.suffix}"
        seen: tuple[int, int | None] = (0, None)
        noted = 0.0

        def progress(done: int, total: int | None) -> None:
            nonlocal seen, noted
            seen, most = (done, total), self._settings.max_frames
            if max(done, total or 0) > most:
                raise ServiceError(413, f"the film is too long: expected at most {most:,} frames")
            self._stop.check()
            if time.monotonic() - noted >= _PAUSE:
                noted = time.monotonic()
                self._go_on(job, done, total)

        if self.folder.result(job.id) is None:  # else the service ended right after this
            self._film(source, output, made.colorizer, made.options, progress)
            output.replace(place / f"result{source.suffix}")
        self._go_on(job, *seen)
        self._end(job, "done")


def _message(error: BaseException) -> str:
    return str(error) if isinstance(error, PhotochromError) else "the service failed at this"
