"""``photochrom colorize`` on films that cannot be read or written, and stopped by Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import photochrom.video.colorize_video as module
from tests.helpers.cli_model import check_mistake, invoke, launch, write_picture
from tests.helpers.film_commands import LONG, film, here
from tests.helpers.film_scenes import shown
from tests.helpers.video_files import Recipe

pytest.importorskip("onnx", reason="the tests' model is made with onnx")

pytestmark = pytest.mark.usefixtures("model", "own_folder", "short_segments")


@pytest.mark.parametrize("content", ["empty", "words", "beginning"])
def test_what_cannot_be_read(model: Path, content: str) -> None:
    data = {"empty": b"", "words": b"not a film at all\n" * 99}.get(content)
    if data is None:
        data = film("whole.mp4").read_bytes()[:300]
        Path("whole.mp4").unlink()
    Path("a.mp4").write_bytes(data)
    check_mistake(invoke("colorize", "a.mp4", "-m", model), "a.mp4", code=1)
    assert here() == {"a.mp4"}


def test_a_truncated_film(model: Path) -> None:
    """What is there is coloured, and that the rest is missing is told."""
    film("whole.mkv", Recipe(codec="mjpeg", pixel_format="yuvj420p", times=LONG.times))
    data = Path("whole.mkv").read_bytes()
    Path("a.mkv").write_bytes(data[: len(data) * 2 // 3])
    done = invoke("colorize", "a.mkv", "-m", model)
    assert done.exit_code == 0, done.stderr
    assert 20 < len(shown("a-color.mkv")) < 60
    first, note = done.stderr.splitlines()
    assert first.startswith("a.mkv -> a-color.mkv (")
    assert note.startswith("photochrom: a-color.mkv holds what could be read of the source: ")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_no_permission(model: Path) -> None:
    film("in/a.mp4")
    Path("in").chmod(0o555)
    try:
        check_mistake(invoke("colorize", "in/a.mp4", "-m", model), "in/a-color.mp4", code=1)
        assert here() == {"in/a.mp4"}
    finally:
        Path("in").chmod(0o755)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    mount, folder = shutil.which("mount"), tmp_path / "small"
    folder.mkdir()
    command = [str(mount), "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if not mount or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(model: Path, small_disk: Path) -> None:
    film("a.mp4", LONG)
    output = small_disk / "out.mkv"
    done = invoke("colorize", "a.mp4", "-m", model, "-o", output, "--codec", "ffv1")
    check_mistake(done, "out.mkv", "cannot be written", "o space left on device", code=1)
    assert not output.exists()
    assert not list(small_disk.rglob("*.part"))


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
from photochrom.cli import main
main()
"""


def test_a_file_that_cannot_grow(model: Path) -> None:
    pytest.importorskip("resource", reason="this system has no such limits")
    film("a.mp4", LONG)
    done = launch("colorize", "a.mp4", "-m", model, code=LIMITED)
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("photochrom: ")
    assert "cannot be written" in line
    assert "ile too large" in line
    assert "a-color.mp4" not in here()
    assert not [name for name in here() if name.endswith(".part")]
    done = invoke("colorize", "a.mp4", "-m", model)  # with room for it
    assert done.exit_code == 0, done.stderr
    assert here() == {"a.mp4", "a-color.mp4"}


SLOWLY = """
import time
from photochrom.video.segments import segmented_work
from photochrom.video.segments.segment_file import SegmentWriter
segmented_work._SEGMENT = 12
write = SegmentWriter.write
def slowly(*arguments):
    time.sleep(0.03)
    write(*arguments)
SegmentWriter.write = slowly
from photochrom.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to all processes")
@pytest.mark.parametrize("several", [False, True])
def test_ctrl_c(model: Path, several: bool) -> None:
    film("a.mp4", LONG)
    names = ["a.mp4"]
    if several:
        write_picture(Path("b.png"))
        names.append("b.png")
    process = subprocess.Popen(
        [sys.executable, "-c", SLOWLY, "colorize", *names, "-m", str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    end = time.monotonic() + 60
    while not list(Path().glob(".a-color.mp4.*.parts/00000.npz")):
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    (line,) = err.decode().splitlines()
    assert line.startswith("photochrom: stopped")
    assert "the same command goes on" in line
    assert "a-color.mp4" not in here()
    assert len(list(Path().glob(".a-color.mp4.*.parts/*.npz"))) >= 1

    told: dict[str, Any] = {}

    def keep(*arguments: Any, **options: Any) -> Any:
        told["film"] = colour(*arguments, **options)
        return told["film"]

    colour, module.colorize_video = module.colorize_video, keep  # type: ignore[assignment]
    try:
        done = invoke("colorize", *names, "-m", model)
    finally:
        module.colorize_video = colour
    assert done.exit_code == 0, done.stderr
    assert told["film"].resumed > 0
    assert invoke("colorize", "a.mp4", "-m", model, "-o", "whole.mp4").exit_code == 0
    assert shown("a-color.mp4") == shown("whole.mp4")
    assert not list(Path().glob(".a-color.mp4*"))
