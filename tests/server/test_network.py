"""The service sends nothing: it is run under strace, which sees every connection and datagram."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.server_running import picture, process, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]
_CALL = re.compile(r"\b(connect|sendto|sendmsg|sendmmsg)\(.*sa_family=(AF_INET6?)")
_REPORT = 10.0  # seconds; ONNX Runtime's telemetry looked its host up nine seconds after the start


def _may_trace() -> bool:
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True)
    return done.returncode == 0


def outside(trace: str) -> list[str]:
    """The calls of a trace that concern other machines."""
    calls = [line for line in trace.splitlines() if _CALL.search(line)]
    return [line for line in calls if "127.0.0.1" not in line and '"::1"' not in line]


def test_the_trap_sees_a_look_up(tmp_path: Path) -> None:
    if not _may_trace():
        pytest.skip("strace may not trace here")
    code = (
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 53))"
    )
    trace = tmp_path / "trace"
    subprocess.run(["strace", "-f", "-o", trace, sys.executable, "-c", code], check=True)
    assert outside(trace.read_text())


def test_nothing_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not _may_trace():
        pytest.skip("strace may not trace here")
    home, trace = tmp_path / "home", tmp_path / "trace"
    home.mkdir()
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "ORT_DISABLE_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    wrapper = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", calls, "-o", str(trace))
    with process(tmp_path, wrapper=wrapper) as live:
        start = time.monotonic()
        jpeg = picture()
        assert live.client.post("/v1/colorize", content=jpeg).status_code == 200
        job = live.client.post("/v1/jobs", content=jpeg).json()
        wait_for(lambda: live.client.get(job["links"]["self"]).json()["state"] == "done")
        time.sleep(max(0, start + _REPORT - time.monotonic()))
    assert outside(trace.read_text()) == []
    assert list(home.rglob("*")) == []
