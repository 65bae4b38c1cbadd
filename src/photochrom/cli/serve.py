"""``photochrom serve``."""

from __future__ import annotations

import importlib.util
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ArgumentError, MissingExtraError
from ..server.settings import Settings
from . import option, say

_NEEDED = ("fastapi", "fastapi_offline", "prometheus_client", "python_multipart", "uvicorn")


def _option(name: str, help: str, metavar: str | None = "NUMBER", **more: Any) -> Any:
    """An option that the environment variable PHOTOCHROM_NAME sets too."""
    variable = f"PHOTOCHROM_{name.replace('-', '_').upper()}"
    return typer.Option(
        f"--{name}", help=help, metavar=metavar, envvar=variable, show_envvar=False, **more
    )


def serve(
    host: Annotated[str, _option("host", metavar="ADDRESS",
        help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, _option("port", min=0, max=65535,
        help="Port to listen at; 0 for a free one.")] = 8000,
    model: Annotated[list[str] | None, _option("model", metavar="NAME|FILE", show_default="bundled",
        help="A model to serve: a name that `photochrom models list` shows, or an ONNX file. Can "
        "be given several times; the first is the default.")] = None,
    folder: Annotated[Path | None, _option("folder", metavar="FOLDER",
        show_default="the user's state",
        help="For jobs and results.")] = None,
    api_keys: Annotated[Path | None, _option("api-keys", metavar="FILE",
        help="File of hashed API keys; without one, no key is asked for.")] = None,
    new_key: Annotated[str | None, option(of="NAME",
        help="Make a key, add its hash to the file of --api-keys, print it and end.")] = None,
    cors_origin: Annotated[list[str] | None, _option("cors-origin", metavar="ORIGIN",
        show_default="none",
        help="An origin whose pages may call the service, * for all. Can be given several "
        "times.")] = None,
    root_path: Annotated[str, _option("root-path", metavar="PATH",
        help="Path under which a proxy offers the service.")] = "",
    forwarded_allow_ips: Annotated[list[str] | None, _option("forwarded-allow-ips",
        metavar="ADDRESS", show_default="127.0.0.1",
        help="Address or network of a proxy whose X-Forwarded-For is believed, * for all. Can be "
        "given several times.")] = None,
    max_upload: Annotated[float, _option("max-upload",
        help="Megabytes of a picture.")] = Settings.max_upload,
    max_job_upload: Annotated[float, _option("max-job-upload",
        help="Megabytes of all files of a job.")] = Settings.max_job_upload,
    max_pixels: Annotated[int, _option("max-pixels",
        help="Pixels of a picture.")] = Settings.max_pixels,
    max_size: Annotated[int, _option("max-size",
        help="Largest value of the option size.")] = Settings.max_size,
    max_hints: Annotated[int, _option("max-hints",
        help="Hints for a picture.")] = Settings.max_hints,
    max_files: Annotated[int, _option("max-files", help="Pictures in a job.")] = Settings.max_files,
    max_frames: Annotated[int, _option("max-frames",
        help="Frames of a film.")] = Settings.max_frames,
    timeout: Annotated[float, _option("timeout",
        help="Seconds for a request to arrive, and again for it to be "
        "answered.")] = Settings.timeout,
    concurrent: Annotated[int | None, _option("concurrent",
        show_default="as many as there are cores",
        help="Pictures coloured at the same time.")] = None,
    worker_memory: Annotated[float, _option("worker-memory",
        help="Megabytes that a worker may use for a picture or a film.")] = Settings.worker_memory,
    queue: Annotated[int, _option("queue",
        help="Requests that may wait beyond those.")] = Settings.queue,
    per_client: Annotated[int | None, _option("per-client",
        show_default="half of what there is room for", min=1,
        help="Requests for pictures, and event streams, of one key or address at a time.")] = None,
    max_connections: Annotated[int, _option("max-connections", min=10,
        help="Connections at the same time.")] = Settings.max_connections,
    max_jobs: Annotated[int, _option("max-jobs", help="Jobs that may wait.")] = Settings.max_jobs,
    keep: Annotated[float, _option("keep",
        help="Hours for which results of jobs are kept.")] = Settings.keep,
    drain: Annotated[float, _option("drain",
        help="Seconds after a signal to stop in which connections are accepted "
        "still.")] = Settings.drain,
    grace: Annotated[float, _option("grace",
        help="Seconds that requests then get to finish.")] = Settings.grace,
    webhook_secret: Annotated[Path | None, _option("webhook-secret", metavar="FILE",
        show_default="no webhooks",
        help="File of the secret that signs calls of webhooks.")] = None,
    webhook_private: Annotated[bool, _option("webhook-private", metavar=None,
        help="Webhooks may have private addresses.")] = False,
    store: Annotated[list[str] | None, _option("store", metavar="URL", show_default="none",
        help="URL under which jobs may read and write, such as s3://bucket/scans. Can be given "
        "several times.")] = None,
) -> None:  # fmt: skip
    """Serve over HTTP.

    For example: photochrom serve --port 8000, then http://127.0.0.1:8000/docs in a browser. Every
    option can be set by an environment variable, --max-upload for example by PHOTOCHROM_MAX_UPLOAD.
    """
    arguments = dict(locals())
    for package in _NEEDED:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError.of(package, "server", "photochrom serve")
    if new_key is not None:
        _make_key(api_keys, new_key)
        return
    from ..server.uvicorn_server import run

    given = {**arguments, "models": tuple(model or ()) or None}
    for name in ("cors_origin", "forwarded_allow_ips", "store"):
        given[name] = tuple(given[name] or ()) or None
    given["cors_origins"], given["stores"] = given.pop("cors_origin"), given.pop("store")
    names = {each.name for each in fields(Settings)}
    settings = Settings(
        **{name: value for name, value in given.items() if name in names and value is not None}
    )
    run(settings, host, port)


def _make_key(file: Path | None, name: str) -> None:
    from ..server.api_keys import add_key

    if file is None:
        raise ArgumentError(
            "a key needs a file that it is added to", expected="--api-keys FILE beside --new-key"
        )
    typer.echo(add_key(file, name))
    say(f"the hash of this key is in {file}; the key itself is shown only now")
