"""A Ray cluster, driven from a process of its own.

Ray prints to standard output, and whatever happens there, ending that process gives everything on
the cluster back.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ArgumentError, MissingExtraError, PhotochromError
from ..run_settings import Share

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

PATIENCE = 10.0
"""Seconds for Ray to end by itself."""

_ANSWER = 10.0  # seconds for a cluster's head to answer


def room(share: Share) -> int:
    """How many workers the connected machines that are there now can take; at least 1."""
    import ray

    resources: Any = ray.cluster_resources  # as yet without types
    have = resources()
    most = have.get("CPU", 0) / share.cpus
    if share.gpus:
        most = min(most, have.get("GPU", 0) / share.gpus)
    return max(1, min(int(most), share.workers or sys.maxsize))


def check_share(share: Share) -> None:
    """Refuse a share that no machine has, for which Ray would wait without an end."""
    import ray

    nodes: Any = ray.nodes
    alive = [node["Resources"] for node in nodes() if node["Alive"]]
    have = [(it.get("CPU", 0), it.get("GPU", 0)) for it in alive if it.get("CPU")]
    if have and not any(cpus >= share.cpus and gpus >= share.gpus for cpus, gpus in have):
        cpus, gpus = max(have)
        raise ArgumentError(
            f"a worker that takes {share.cpus:g} cores and {share.gpus:g} GPUs",
            expected="a machine of the cluster that has as many",
            got=f"none; the largest has {cpus:g} cores and {gpus:g} GPUs",
            fix="take less, or start such a machine first",
        )


class Driver:
    """The process that is connected to a cluster, seen from the one that started it.

    Args:
        address: ``"auto"`` for the cluster that runs here, ``"local"`` for one of this machine
            alone, or ``HOST:PORT``.
        store: bytes of Ray's store on this machine, if ``"local"``.
        drive: what it does, ``drive(pipe, *arguments)``. What it raises is sent through the pipe.
        arguments: for that.

    Raises:
        MissingExtraError: Ray is not installed.
        ArgumentError: there is no cluster at `address`.
    """

    def __init__(
        self, address: str, store: int, drive: Callable[..., None], *arguments: Any
    ) -> None:
        if find_spec("ray") is None:
            raise MissingExtraError.of("ray", "ray", "sharing the work with a Ray cluster")
        _call(address)
        handle, name = tempfile.mkstemp(prefix="photochrom-ray-", suffix=".log")
        os.close(handle)
        self._log, self._broken = Path(name), False
        spawn = get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        given = (theirs, name, address, store, drive, arguments)
        self._process = spawn.Process(target=_run, args=given)
        self._process.start()
        theirs.close()

    def send(self, thing: Any) -> None:
        """Send it something."""
        try:
            self._pipe.send(thing)
        except OSError:  # it has ended; why is to be heard
            while True:
                self.hear()

    def has_said(self, timeout: float) -> bool:
        """Whether there is something to hear; waits up to `timeout` seconds for it."""
        return self._pipe.poll(timeout)

    def hear(self) -> Any:
        """The next thing that it says; PhotochromError if the work was broken off."""
        try:
            said = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(PATIENCE)
            got = f"the end of the process that drives it, with code {self._process.exitcode}"
            said = _broken(got, self._log)
        if isinstance(said, PhotochromError):
            # An error in what was asked for explains itself; else the log is needed.
            self._broken = type(said) is PhotochromError
            raise said
        return said

    def close(self, now: bool = False) -> None:
        """Give the cluster back; ``now``: in the middle of what is being done."""
        if not now:
            try:
                self._pipe.send(None)
                self._process.join(PATIENCE)
            except OSError:  # it has ended already
                pass
        self._pipe.close()
        self._process.kill()  # which Ray takes for the end of the job, if it has not ended
        self._process.join()
        if not self._broken:
            self._log.unlink(missing_ok=True)


def _run(
    pipe: Connection,
    log: str,
    address: str,
    store: int,
    drive: Callable[..., None],
    arguments: Sequence[Any],
) -> None:
    """The main function of the process."""
    for stop in ("SIGINT", "SIGHUP"):  # are for the process that started this one
        if hasattr(signal, stop):
            signal.signal(getattr(signal, stop), signal.SIG_IGN)
    with Path(log).open("a") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    try:
        _connect(address, store)
        drive(pipe, *arguments)
    except (EOFError, BrokenPipeError):  # nobody listens any more
        return
    except PhotochromError as error:
        pipe.send(error)
    except Exception as error:
        last = str(error).strip().splitlines()[-1:] or [""]
        pipe.send(_broken(f"{type(error).__name__}: {last[0][:300]}", log))
        raise  # into the log


def _call(address: str) -> None:
    """Refuse a ``HOST:PORT`` where nobody answers; Ray would take minutes to find out."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), _ANSWER).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from None


def _connect(address: str, store: int) -> None:
    """Connect this process to a cluster; ArgumentError if there is none at `address`."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # else Ray reports to its makers
    if address == "local" and "RAY_AUTH_MODE" not in os.environ:
        # Of its own accord Ray would write a token into the user's home, from which on every other
        # cluster of this user would ask for it.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    import ray

    own: dict[str, Any] = {"object_store_memory": store, "include_dashboard": False}
    try:
        ray.init(address, log_to_driver=False, **(own if address == "local" else {}))
    except (
        *(ConnectionError, ValueError, RuntimeError, OSError),
        ray.exceptions.AuthenticationError,
    ) as error:
        raise _no_cluster(address, error) from None


def versions(*packages: str) -> dict[str, str]:
    """Of what the bytes of a result depend on; of what is not installed, "none"."""

    def of(name: str) -> str:
        try:
            return version(name)
        except PackageNotFoundError:
            return "none"

    return {name: of(name) for name in packages}


def check_versions(wanted: dict[str, str]) -> None:
    """Refuse a machine that has other versions than the one where the run was started."""
    own = versions(*wanted)
    if own != wanted:
        raise ArgumentError(
            "the software on a machine of the cluster",
            expected=_listed(wanted),
            got=_listed(own),
            fix="install the same on all, since results would differ",
        )


def _listed(numbers: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items())


def _no_cluster(address: str, error: Exception) -> ArgumentError:
    return ArgumentError(
        f"the Ray cluster {address}",
        expected="one that runs",
        got=" ".join(str(error).split())[:200].rstrip(".") or type(error).__name__,
        fix="start it with ray start --head, or take the address local; if it has a token "
        "(~/.ray/auth_token of its head), copy that here and set RAY_AUTH_MODE=token",
    )


def _broken(got: str, log: Path | str) -> PhotochromError:
    return PhotochromError(
        "the work on the Ray cluster was broken off",
        expected="workers that run until it is done",
        got=got,
        fix=f"look into {log}; the same command goes on from there",
    )
