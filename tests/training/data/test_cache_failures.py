"""What remains when a cache of pictures cannot be built to its end."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom.errors import ArgumentError, PhotochromError
from photochrom.training.data.cache import Cache
from tests.helpers.picture_caches import build, left_over
from tests.helpers.training_pictures import colours, encoded, fill

pytestmark = pytest.mark.usefixtures("exact")


def test_full_disk_leaves_the_earlier_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "pictures", 3)
    folder = tmp_path / "cache"
    build(tmp_path / "pictures", folder)
    normal = Path.open

    class Full:
        def __init__(self, file: Any) -> None:
            self.file, self.room = file, 10_000

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: Any) -> None:
            self.room -= len(bytes(data))
            if self.room < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.file.write(data)

    def opened(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        file = normal(path, mode, *args, **options)
        return Full(file) if path.name == "pictures.bin" and "w" in mode else file

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(PhotochromError, match=r"a disk with room.*No space left.*free some space"):
        build(tmp_path / "pictures", folder, side=38)
    assert left_over(tmp_path) == []
    assert Cache(folder).side == 160
    np.testing.assert_array_equal(Cache(folder)[2], colours(40, 50, 2))


def test_interruption_leaves_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "pictures", 130, height=20, width=20)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "pictures", tmp_path / "cache", progress=interrupt, workers=1)
    assert left_over(tmp_path) == []
    assert not (tmp_path / "cache").exists()


SLOW_BUILD = """
import sys, time
from pathlib import Path
from photochrom.training.data.cache import build_cache
from photochrom.training.data.opening import open_source

def wait(done, total):
    print(done, flush=True)
    time.sleep(600)

if __name__ == "__main__":
    build_cache([open_source(Path(sys.argv[1]))], Path(sys.argv[2]), progress=wait, workers=2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_killed_build_leaves_no_cache(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(200):
            archive.writestr(f"{number}.png", encoded(colours(20, 24, number)))
    script = tmp_path / "build.py"
    script.write_text(SLOW_BUILD)
    command = [sys.executable, str(script), str(tmp_path / "a.zip"), str(tmp_path / "cache")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"64\n"
        children = children_of(process.pid)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "cache").exists()
    assert len(left_over(tmp_path)) == 1
    with pytest.raises(ArgumentError, match="is not a cache"):
        Cache(tmp_path / left_over(tmp_path)[0])
    assert len(build(tmp_path / "a.zip", tmp_path / "cache")) == 200
    assert left_over(tmp_path) == []
    limit = time.monotonic() + 300
    while any(map(alive, children)):  # no process is left waiting for work
        assert time.monotonic() < limit
        time.sleep(0.05)


def children_of(process: int) -> list[int]:
    try:
        listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []  # not Linux
    return [int(number) for number in listed.split()]


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_script_without_a_guard_ends(tmp_path: Path) -> None:
    fill(tmp_path / "pictures", 130, height=20, width=20)
    script = tmp_path / "build.py"
    script.write_text(SLOW_BUILD.replace('if __name__ == "__main__":', "if True:"))
    command = [sys.executable, str(script), str(tmp_path / "pictures"), str(tmp_path / "cache")]
    found = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert found.returncode == 1
    assert "got one that does it whenever it is imported" in found.stderr
    assert "PhotochromError" in found.stderr.splitlines()[-1]
    assert left_over(tmp_path) == []
