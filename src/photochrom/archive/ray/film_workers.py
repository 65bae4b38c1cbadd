"""Workers on a Ray cluster that paint and encode the segments of films.

Each segment is a task of Ray's, placed wherever a core is free and given to another worker if one
is lost with it. Through Ray go a segment's small colours, some 60 MB; the workers read the film and
write the segment themselves.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ...errors import PhotochromError, VideoError
from ..run_settings import Share
from .driver import Driver, check_share, check_versions, room, versions

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from types import TracebackType

    from ...video.segments.segment_workers import SegmentTask

_PACKAGES = ("photochrom", "av", "numpy", "opencv-python-headless", "opencv-python")
_SPARE = 2  # segments that lie ready for the next free worker, and make a cluster grow that can
_MOST = 32  # segments on their way, so that they do not fill the memory: 2 GB
_STORE = 1 << 30  # bytes of Ray's object store on this machine; what is more waits on its disk
_RETRIES = 3  # after workers that were lost
_TICK = 0.1  # seconds between two looks for new tasks


class RayFilms:
    """`SegmentWorkers` on a Ray cluster; a context manager.

    Args:
        address: ``"auto"`` for the cluster that runs here, ``"local"`` for one of this machine
            alone, or ``HOST:PORT``.
        share: what each worker takes; of GPUs they take none.

    Raises:
        MissingExtraError: Ray is not installed.
        ArgumentError: there is no cluster at `address`, or no machine in it for such a share.
    """

    def __init__(self, address: str = "auto", share: Share | None = None) -> None:
        share = share or Share()
        self._most = share.workers or _MOST
        self._folder: Path | None = None
        self._driver = Driver(address, _STORE, _drive, Share(share.cpus, 0, share.workers))
        try:
            self._room = self._driver.hear()
        except BaseException:
            self._driver.close(now=True)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(now=kind is not None)

    @property
    def capacity(self) -> int:
        """See `SegmentWorkers`; by the machines that were there last."""
        return min(int(self._room) + _SPARE, self._most)

    def submit(self, task: SegmentTask) -> None:
        """See `SegmentWorkers`."""
        self._folder = task.path.parent
        self._driver.send(task)

    def take(self, timeout: float) -> list[Path]:
        """See `SegmentWorkers`."""
        written = []
        while self._driver.has_said(timeout):
            timeout = 0
            path, error, self._room = self._driver.hear()
            if path.parent != self._folder:  # of a film before, which was given up
                continue
            if error is not None:
                self._folder = None  # the film is given up; nothing that is left of it counts
                raise error
            written.append(path)
        return written

    def close(self, now: bool = False) -> None:
        """Give the cluster back; ``now``: in the middle of what is being done."""
        self._driver.close(now)


def _drive(pipe: Connection, share: Share) -> None:
    """What the process between `RayFilms` and Ray does: it takes tasks, and tells what is written.

    With each path, and before the first, it tells how many workers there is room for.
    """
    import ray

    check_share(share)
    remote: Any = ray.remote(num_cpus=share.cpus, max_retries=_RETRIES)
    write, wanted = remote(_write), versions(*_PACKAGES)
    pipe.send(room(share))
    running: dict[Any, Path] = {}
    while True:
        while pipe.poll(0 if running else None):
            task: SegmentTask | None = pipe.recv()
            if task is None:
                return
            running[write.remote(task, share.cpus, wanted)] = task.path
        for done in ray.wait(list(running), timeout=_TICK)[0]:
            path = running.pop(done)
            try:
                error = ray.get(done)
            except ray.exceptions.RayError as lost:
                error = _failed(path, f"workers that were lost with it ({type(lost).__name__})")
            pipe.send((path, error, room(share)))


def _write(task: SegmentTask, cpus: float, wanted: dict[str, str]) -> PhotochromError | None:
    """A task on its worker; what goes wrong is returned, since Ray wraps what is raised."""
    try:
        check_versions(wanted)
        import cv2

        from ...video.segments.segment_workers import write_segment

        cv2.setNumThreads(max(1, int(cpus)))
        write_segment(task)
    except PhotochromError as error:
        return error
    except Exception as error:
        return _failed(task.path, f"{type(error).__name__}: {error}"[:300])
    return None


def _failed(path: Path, got: str) -> VideoError:
    return VideoError(
        f"{path} cannot be written by workers",
        expected="a segment of a film",
        got=got,
        fix="give the same command without --ray, which goes on from there",
    )
