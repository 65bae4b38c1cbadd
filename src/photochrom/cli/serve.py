"""``photochrom serve``."""

from __future__ import annotations

import importlib.util
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ArgumentError, MissingExtraError
from .commands import say

_NEEDED = ("fastapi", "fastapi_offline", "prometheus_client", "python_multipart", "uvicorn")


def _option(name: str, help: str, metavar: str | None = "NUMBER", **more: Any) -> Any:
    """An option that the environment variable PHOTOCHROM_NAME sets too."""
    variable = f"PHOTOCHROM_{name.replace('-', '_').upper()}"
    return typer.Option(
        f"--{name}", help=help, metavar=metavar, envvar=variable, show_envvar=False, **more
    )


def serve(
    host: Annotated[str, _option("host", "Address to listen at.", "ADDRESS")] = "127.0.0.1",
    port: Annotated[
        int, _option("port", "Port to listen at; 0 for a free one.", min=0, max=65535)
    ] = 8000,
    model: Annotated[
        list[str] | None,
        _option(
            "model",
            "A model to serve: a name that `photochrom models list` shows, or an ONNX file. Can "
            "be given several times; the first is the default.",
            "NAME|FILE",
            show_default="bundled",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        _option("folder", "For jobs and results.", "FOLDER", show_default="the user's state"),
    ] = None,
    api_keys: Annotated[
        Path | None,
        _option("api-keys", "File of hashed API keys; without one, no key is asked for.", "FILE"),
    ] = None,
    new_key: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Make a key, add its hash to the file of --api-keys, print it and end.",
            show_default=False,
        ),
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        _option(
            "cors-origin",
            "An origin whose pages may call the service, * for all. Can be given several times.",
            "ORIGIN",
            show_default="none",
        ),
    ] = None,
    root_path: Annotated[
        str, _option("root-path", "Path under which a proxy offers the service.", "PATH")
    ] = "",
    forwarded_allow_ips: Annotated[
        list[str] | None,
        _option(
            "forwarded-allow-ips",
            "Address or network of a proxy whose X-Forwarded-For is believed, * for all. Can be "
            "given several times.",
            "ADDRESS",
            show_default="127.0.0.1",
        ),
    ] = None,
    max_upload: Annotated[float, _option("max-upload", "Megabytes of a picture.")] = 64,
    max_job_upload: Annotated[
        float, _option("max-job-upload", "Megabytes of all files of a job.")
    ] = 1024,
    max_pixels: Annotated[int, _option("max-pixels", "Pixels of a picture.")] = 50_000_000,
    max_size: Annotated[int, _option("max-size", "Largest value of the option size.")] = 512,
    max_hints: Annotated[int, _option("max-hints", "Hints for a picture.")] = 100,
    max_files: Annotated[int, _option("max-files", "Pictures in a job.")] = 100,
    max_frames: Annotated[int, _option("max-frames", "Frames of a film.")] = 200_000,
    timeout: Annotated[
        float,
        _option("timeout", "Seconds for a request to arrive, and again for it to be answered."),
    ] = 60,
    concurrent: Annotated[
        int | None,
        _option(
            "concurrent",
            "Pictures coloured at the same time.",
            show_default="as many as there are cores",
        ),
    ] = None,
    worker_memory: Annotated[
        float,
        _option("worker-memory", "Megabytes that a worker may use for a picture or a film."),
    ] = 2048,
    queue: Annotated[int, _option("queue", "Requests that may wait beyond those.")] = 64,
    per_client: Annotated[
        int | None,
        _option(
            "per-client",
            "Requests for pictures, and event streams, of one key or address at a time.",
            show_default="half of what there is room for",
            min=1,
        ),
    ] = None,
    max_connections: Annotated[
        int, _option("max-connections", "Connections at the same time.", min=10)
    ] = 1000,
    max_jobs: Annotated[int, _option("max-jobs", "Jobs that may wait.")] = 20,
    keep: Annotated[float, _option("keep", "Hours for which results of jobs are kept.")] = 24,
    drain: Annotated[
        float,
        _option("drain", "Seconds after a signal to stop in which connections are accepted still."),
    ] = 2,
    grace: Annotated[float, _option("grace", "Seconds that requests then get to finish.")] = 6,
    webhook_secret: Annotated[
        Path | None,
        _option(
            "webhook-secret",
            "File of the secret that signs calls of webhooks.",
            "FILE",
            show_default="no webhooks",
        ),
    ] = None,
    webhook_private: Annotated[
        bool, _option("webhook-private", "Webhooks may have private addresses.", None)
    ] = False,
    store: Annotated[
        list[str] | None,
        _option(
            "store",
            "URL under which jobs may read and write, such as s3://bucket/scans. Can be given "
            "several times.",
            "URL",
            show_default="none",
        ),
    ] = None,
) -> None:
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
    from ..server.settings import Settings
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
            "a key needs a file that it is added to",
            expected="--api-keys FILE beside --new-key",
            got="none",
            fix="name the file",
        )
    typer.echo(add_key(file, name))
    say(f"the hash of this key is in {file}; the key itself is shown only now")
