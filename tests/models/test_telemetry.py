"""Nothing is reported to anybody: ONNX Runtime's telemetry is off before it is loaded."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import photochrom
from tests.helpers.cli_model import write_model, write_picture

pytest.importorskip("onnx", reason="the tests' model is made with onnx")

PACKAGE = Path(photochrom.__file__).parent


def cache_after(folder: Path, *command: str, trace: Path | None = None) -> set[str]:
    """Run Python with a new home, as somebody who never said anything about telemetry.

    Args:
        folder: new; the home.
        command: arguments of Python.
        trace: where strace writes the network's system calls.

    Returns:
        The files in the home afterwards.
    """
    folder.mkdir()
    unset = {"CI", "ORT_DISABLE_TELEMETRY"}  # with either, it is off already
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    words = [sys.executable, *command]
    if trace is not None:
        words = ["strace", "-f", "-e", "trace=network", "-o", str(trace), *words]
    subprocess.run(words, env=environment, check=True, capture_output=True, timeout=120)
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_kept_or_looked_up(tmp_path: Path) -> None:
    model = write_model(tmp_path / "tiny.onnx")
    source = write_picture(tmp_path / "a.jpg")
    trace = tmp_path / "trace" if shutil.which("strace") else None
    words = ("-m", "photochrom", "colorize", str(source), "-m", str(model))
    assert cache_after(tmp_path / "home", *words, trace=trace) == set()
    assert (tmp_path / "a-color.jpg").is_file()
    if trace is not None:
        assert re.findall("AF_INET.*", trace.read_text()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the files lie in other places")
def test_it_would_have_been_seen(tmp_path: Path) -> None:
    model = write_model(tmp_path / "tiny.onnx")
    code = "import onnxruntime, sys; onnxruntime.InferenceSession(sys.argv[1])"
    found = cache_after(tmp_path / "home", "-c", code, str(model))
    if not found:
        pytest.skip("this build of ONNX Runtime has no telemetry")
    assert "deviceid" in found


def test_onnx_runtime_is_imported_in_one_place() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"^\s*(import|from) onnxruntime", path.read_text("utf-8"), re.MULTILINE)
    }
    assert found == {"models/session.py"}
