"""Settings of the service, made by its operator; no request can change them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

from .._io import user_folder
from .._system import cores
from ..errors import ArgumentError

MEGABYTE = 1_000_000


def _folder() -> Path:
    return user_folder("state") / "server"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The service's settings.

    Attributes:
        models: what ``Colorizer`` takes; those, and no others, are served; the first is the
            default.
        folder: for jobs, their results and uploads; only one service may use it at a time.
        api_keys: file of names and hashes of keys (see ``api_keys``); None: no key is asked for.
        cors_origins: origins whose pages may call the service; ``*`` for all.
        root_path: path under which a proxy offers the service.
        forwarded_allow_ips: addresses of proxies whose ``X-Forwarded-For`` is believed.
        max_upload: megabytes (10^6 bytes) of one picture.
        max_job_upload: megabytes of all files of one job.
        max_pixels: of one picture, of all pages of a TIFF together, and of a film's frame.
        max_size: the largest value of the option ``size``.
        max_hints: hints for one picture.
        max_files: pictures in one job.
        max_frames: of a film.
        timeout: seconds for a request to arrive, and again for the picture to be coloured.
        concurrent: worker processes, so pictures coloured at the same time.
        worker_memory: megabytes that a worker may use for a picture or a film.
        queue: requests that may wait, beyond those.
        per_client: requests for pictures, event streams (each) of one key or address at a time;
            None: half of all that there is room for.
        max_connections: at the same time.
        max_jobs: jobs that may wait.
        keep: hours for which the result of a job is kept.
        drain: seconds after the signal to stop in which connections are still accepted.
        grace: seconds that requests then get to finish.
        webhook_secret: file of the secret that signs calls of webhooks; None: no webhooks.
        webhook_private: webhooks may have private addresses.
        stores: URLs under which jobs may read their sources and write their results.

    Raises:
        ArgumentError: a number is not positive, or there is no model.
    """

    models: tuple[str, ...] = ("bundled",)
    folder: Path = field(default_factory=_folder)
    api_keys: Path | None = None
    cors_origins: tuple[str, ...] = ()
    root_path: str = ""
    forwarded_allow_ips: tuple[str, ...] = ("127.0.0.1",)
    max_upload: float = 64
    max_job_upload: float = 1024
    max_pixels: int = 50_000_000
    max_size: int = 512
    max_hints: int = 100
    max_files: int = 100
    max_frames: int = 200_000
    timeout: float = 60
    concurrent: int = field(default_factory=cores)
    worker_memory: float = 2048
    queue: int = 64
    per_client: int | None = None
    max_connections: int = 1000
    max_jobs: int = 20
    keep: float = 24
    drain: float = 2
    grace: float = 6
    webhook_secret: Path | None = None
    webhook_private: bool = False
    stores: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            least = 0 if each.name in ("queue", "grace", "drain") else 1e-9
            if isinstance(value, bool):
                continue
            if isinstance(value, int | float) and not least <= value < float("inf"):
                raise ArgumentError(
                    f"the setting {each.name.replace('_', '-')}",
                    expected="a positive number",
                    got=str(value),
                )
        if not self.models:
            raise ArgumentError(
                "the service has no model",
                expected="at least one name",
                fix="leave --model out for the bundled one",
            )
