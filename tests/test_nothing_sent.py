"""Nothing is sent or reported to anybody: each program is run under strace, in a home of its own.

strace sees every connection and datagram, also those of libraries written in C. ONNX Runtime,
Streamlit and Ray report to their makers unless they are told not to; ONNX Runtime does so nine
seconds after the start, and keeps an identifier of the machine in the home.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

import photochrom
from tests.helpers.cli_model import write_picture

PACKAGE = Path(photochrom.__file__).parent
_CALL = re.compile(r"\b(connect|sendto|sendmsg|sendmmsg)\(.*sa_family=(AF_INET6?)")
_TO_REPORT = 10.0  # seconds after which ONNX Runtime has reported, one more than it takes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs strace")


def outside(trace: Path) -> list[str]:
    """The calls of a trace that concern other machines."""
    calls = [line for line in trace.read_text().splitlines() if _CALL.search(line)]
    return [line for line in calls if "127.0.0.1" not in line and '"::1"' not in line]


@pytest.fixture(scope="module")
def strace() -> tuple[str, ...]:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode:
        pytest.skip("strace may not trace here")
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    return ("strace", "-f", "--seccomp-bpf", "-qq", "-e", calls, "-o")


def environment(home: Path) -> dict[str, str]:
    """Of somebody who never said anything about telemetry."""
    home.mkdir()
    said = ("CI", "ORT_DISABLE_TELEMETRY", "RAY_USAGE_STATS_ENABLED", "PHOTOCHROM_HOME")
    unset = {*said, "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"}
    return {k: v for k, v in os.environ.items() if k not in unset} | {"HOME": str(home)}


def files(home: Path) -> set[str]:
    return {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}


@contextmanager
def serving(run: list[str], cwd: Path, env: dict[str, str], url: str) -> Iterator[None]:
    """A program that listens."""
    start = time.monotonic()
    process = subprocess.Popen(
        run,
        cwd=cwd,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < start + 90
                time.sleep(0.2)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # strace does not hear SIGTERM
        process.wait()


def _free_port() -> str:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@pytest.fixture(scope="module")
def service(
    strace: tuple[str, ...], tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, float] | None]:
    """Folder of a service, and when it coloured a picture: others run until it has reported.

    None where it is not installed.
    """
    if find_spec("uvicorn") is None or find_spec("fastapi") is None:
        yield None
        return
    folder, port = tmp_path_factory.mktemp("service"), _free_port()
    run = [*strace, str(folder / "trace"), sys.executable, "-m", "photochrom", "serve"]
    run += ["--port", port, "--model", str(tiny_model), "--concurrent", "1"]
    url = f"http://127.0.0.1:{port}"
    with serving(run, folder, environment(folder / "home"), f"{url}/readyz"):
        data = write_picture(folder / "a.jpg").read_bytes()
        sent = urllib.request.Request(f"{url}/v1/colorize", data=data)
        assert urllib.request.urlopen(sent, timeout=60).status == 200
        yield folder, time.monotonic()


LIBRARY = """
import sys, photochrom
photochrom.Colorizer(sys.argv[1]).colorize(sys.argv[2]).save("library.jpg")
"""
PROGRAMS = {
    "command line": ["-m", "photochrom", "colorize", "a.jpg", "-m", "MODEL"],
    "library": ["-c", LIBRARY, "MODEL", "a.jpg"],
    "evaluation": ["-m", "photochrom", "evaluate", "set", "--size", "64", "--model", "MODEL"],
}


@pytest.mark.slow
@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, strace: tuple[str, ...], tiny_model: Path, tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg")
    if name == "evaluation":
        from tests.helpers.training_pictures import fill

        fill(tmp_path / "set", 12)
    words = [str(tiny_model) if word == "MODEL" else word for word in PROGRAMS[name]]
    trace = tmp_path / "trace"
    run = [*strace, str(trace), sys.executable, *words]
    done = subprocess.run(
        run, cwd=tmp_path, env=environment(tmp_path / "home"), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert outside(trace) == []
    assert not [path for path in files(tmp_path / "home") if "onnx" in path.lower()]
    if name in ("command line", "library"):
        assert files(tmp_path / "home") == set()


@pytest.mark.slow
def test_the_app(strace: tuple[str, ...], tmp_path: Path) -> None:
    if find_spec("streamlit") is None:
        pytest.skip("needs streamlit")
    port, trace, home = _free_port(), tmp_path / "trace", tmp_path / "home"
    run = [*strace, str(trace), sys.executable, "-m", "photochrom", "app", "--no-browser"]
    with serving([*run, "--port", port], tmp_path, environment(home), f"http://127.0.0.1:{port}/"):
        pass
    assert outside(trace) == []
    assert not _reports(home)


@pytest.mark.slow
def test_the_service(service: tuple[Path, float] | None) -> None:
    if service is None:
        pytest.skip("needs uvicorn and fastapi")
    folder, answered = service
    time.sleep(max(0.0, answered + _TO_REPORT - time.monotonic()))
    assert outside(folder / "trace") == []
    assert not _reports(folder / "home")


def _reports(home: Path) -> list[str]:
    return [path for path in files(home) if "onnx" in path.lower() or "installation" in path]


def test_the_trap_sees_a_look_up(strace: tuple[str, ...], tmp_path: Path) -> None:
    code = "import socket\nsocket.socket(2, socket.SOCK_DGRAM).connect(('192.0.2.1', 53))"
    subprocess.run([*strace, str(tmp_path / "trace"), sys.executable, "-c", code], check=True)
    assert outside(tmp_path / "trace")


def test_what_onnx_runtime_keeps_would_have_been_seen(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code = "import onnxruntime"
    subprocess.run([sys.executable, "-c", code], env=environment(home), check=True)
    if not files(home):
        pytest.skip("this build of ONNX Runtime has no telemetry")
    assert any("onnx" in path.lower() for path in files(home)), files(home)


def test_onnx_runtime_is_imported_in_one_place() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"^\s*(import|from) onnxruntime", path.read_text("utf-8"), re.MULTILINE)
    }
    assert found == {"models/__init__.py"}
