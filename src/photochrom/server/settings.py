"""What the operator of the service decides; nothing of it can be changed by a request."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

from .._io import home_or
from .._system import cores
from ..errors import ArgumentError

MEGABYTE = 1_000_000


def _folder() -> Path:
    import platformdirs

    return home_or(platformdirs.user_state_path("photochrom")) / "server"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The service's settings.

    Attributes:
        models: what ``Colorizer`` takes; those, and no others, are served; the first is the
            default.
        folder: for jobs and their results; only one service may use it at a time.
        api_keys: file of names and hashes of keys (see ``security``); None: no key is asked for.
        cors_origins: origins whose pages may call the service; ``*`` for all.
        max_upload: megabytes (10^6 bytes) of one picture.
        max_job_upload: megabytes of all files of one job.
        max_pixels: of one picture, and of all pages of a TIFF together.
        max_size: the largest value of the option ``size``.
        max_hints: hints for one picture.
        max_files: pictures in one job.
        max_frames: of a film.
        timeout: seconds for a request to arrive, and again for the picture to be coloured.
        concurrent: pictures coloured at the same time.
        queue: requests that may wait, beyond those.
        max_jobs: jobs that may wait.
        keep: hours for which the result of a job is kept.
        grace: seconds that requests get to finish after the signal to stop.

    Raises:
        ArgumentError: a number is not positive, or there is no model.
    """

    models: tuple[str, ...] = ("bundled",)
    folder: Path = field(default_factory=_folder)
    api_keys: Path | None = None
    cors_origins: tuple[str, ...] = ()
    max_upload: float = 64
    max_job_upload: float = 1024
    max_pixels: int = 50_000_000
    max_size: int = 512
    max_hints: int = 100
    max_files: int = 100
    max_frames: int = 200_000
    timeout: float = 60
    concurrent: int = field(default_factory=cores)
    queue: int = 64
    max_jobs: int = 20
    keep: float = 24
    grace: float = 8

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            least = 0 if each.name in ("queue", "grace") else 1e-9
            if isinstance(value, int | float) and not least <= value < float("inf"):
                raise ArgumentError(
                    f"the setting {each.name.replace('_', '-')}",
                    expected="a positive number",
                    got=str(value),
                    fix="leave it out for the default",
                )
        if not self.models:
            raise ArgumentError(
                "the service has no model",
                expected="at least one name",
                got="none",
                fix="leave --model out for the bundled one",
            )
