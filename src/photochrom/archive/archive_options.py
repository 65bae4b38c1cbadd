"""Which files of an archive are coloured, where their results go, and by how many workers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ArgumentError
from ..options import check_count
from .naming import COLOR


@dataclass(frozen=True)
class Share:
    """What one worker takes of a machine; Ray puts as many on it as there is room for.

    Attributes:
        cpus: cores. One thread works on a picture, so 1 is right without a GPU.
        gpus: GPUs; 0.25 puts four workers on each.
        workers: how many at most; None: as many as there is room for.

    Raises:
        ArgumentError: a number out of range.
    """

    cpus: float = 1.0
    gpus: float = 0.0
    workers: int | None = None

    def __post_init__(self) -> None:
        check_count("the number of workers", self.workers)
        if not 0 < self.cpus < math.inf:
            raise ArgumentError("the cores of a worker", expected="more than 0", got=self.cpus)
        if not (0 <= self.gpus < 1 or (self.gpus < math.inf and self.gpus % 1 == 0 < self.gpus)):
            expected = "0 to 1, or 2, 3, ..."
            raise ArgumentError("the GPUs of a worker", expected=expected, got=self.gpus)


@dataclass(frozen=True)
class ArchiveOptions:
    """How an archive is run.

    Attributes:
        overwrite: replace results that exist.
        retry_failed: try files again that failed before and have not changed.
        limit: colour at most so many files.
        include, exclude: patterns for files found in folders; with a slash they are compared with
            the path in the folder, where ``*`` takes slashes too, else with the name.
        in_color: ``"skip"`` or ``"recolor"`` pictures that are in colour, and results of
            Photochrom; None: those that were named are coloured anew, those found in folders are
            skipped.
        compare: write a before-and-after picture of each picture too.
        suffix: what the name of a result beside its source gets.
        jobs: files that are worked on at the same time; None: as many as there are cores.
        watch: go on with files that come into the folders, until cancelled.
        cluster: address of a Ray cluster: ``"auto"``, ``"local"`` or ``HOST:PORT``; None: this
            machine alone.
        share: what each worker of the cluster takes.

    Raises:
        ArgumentError: a value out of range.
    """

    overwrite: bool = False
    retry_failed: bool = False
    limit: int | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    in_color: str | None = None
    compare: bool = False
    suffix: str = COLOR
    jobs: int | None = None
    watch: bool = False
    cluster: str | None = None
    share: Share = Share()

    def __post_init__(self) -> None:
        check_count("limit", self.limit)
        check_count("jobs", self.jobs)
        if self.in_color not in (None, "skip", "recolor"):
            got = repr(self.in_color)
            raise ArgumentError("in_color (--in-color)", expected="skip or recolor", got=got)
        if not self.suffix or {"/", "\\", "\0"} & set(self.suffix):
            raise ArgumentError(
                "the suffix of results",
                expected=f"something for a file's name, such as {COLOR}",
                got=repr(self.suffix),
            )

    @property
    def of_folders(self) -> dict[str, object]:
        """The options that choose files of folders, by their names on the command line."""
        return {
            "--retry-failed": self.retry_failed,
            "--limit": self.limit,
            "--include": self.include,
            "--exclude": self.exclude,
            "--watch": self.watch,
        }
