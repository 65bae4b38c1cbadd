"""``photochrom colorize ARCHIVE -o OUT`` that is stopped: by a kill, a full disk, another run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.helpers.archive_files import make_archive
from tests.helpers.archive_runs import command, kill, states, tree
from tests.helpers.cli_model import check_mistake, invoke, write_picture

pytest.importorskip("onnx", reason="the tests' model is made with onnx")
pytestmark = pytest.mark.usefixtures("model", "own_folder")


# --- what goes wrong -----------------------------------------------------------------------------


def test_two_runs_at_once(tmp_path: Path, model: Path) -> None:
    write_picture(tmp_path / "in" / "a.png")
    (tmp_path / "out" / ".photochrom").mkdir(parents=True)
    with FileLock(tmp_path / "out" / ".photochrom" / "lock"):
        # A process of its own: within one, the lock knows its holder.
        done = subprocess.run(command(model), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "another run at work on it" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert tree(tmp_path / "out") == {}


def test_full_disk(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        write_picture(tmp_path / "in" / f"{number}.png")

    class FullFile:
        """A file on a disk that has no more space."""

        def __init__(self, file: Any) -> None:
            self._file = file

        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

    monkeypatch.setattr("photochrom.archive.workers.cores", lambda: 1)
    with monkeypatch.context() as patch:
        patch.setattr("photochrom.pipeline.save_pages", _full_after(3, FullFile))
        done = invoke("colorize", "in", "-o", "out", "-m", model)
    assert done.exit_code == 1
    assert "stopped" in done.stderr
    assert "No space left" in done.stderr
    assert len(tree(tmp_path / "out")) == 3
    assert "failed" not in states(tmp_path / "out").values()
    done = invoke("colorize", "in", "-o", "out", "-m", model)
    assert done.exit_code == 0, done.stderr
    assert "2 pictures coloured" in done.stderr
    assert len(tree(tmp_path / "out")) == 5


def _full_after(count: int, full: Any) -> Any:
    """`save_pages` on a disk that has space for so many files."""
    from photochrom.picture import save_pages
    from photochrom.picture.codec import encoding

    encode, done = encoding.encode, []

    def save(pages: Any, target: Any, **options: Any) -> str:
        if len(done) < count:
            done.append(target)
            return save_pages(pages, target, **options)
        encoding.encode = lambda picture, file, *rest: encode(picture, full(file), *rest)
        try:
            return save_pages(pages, target, **options)
        finally:
            encoding.encode = encode

    return save


def test_vanished_input(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from photochrom.archive import many_files

    for name in ("a.png", "b.png"):
        write_picture(tmp_path / "in" / name)
    look = many_files.survey

    def survey(*arguments: Any) -> list[str]:
        found = look(*arguments)
        (tmp_path / "in" / "b.png").unlink()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(many_files, "survey", survey)
        done = invoke("colorize", "in", "-o", "out", "-m", model)
    assert done.exit_code == 1
    assert f"{Path('in/b.png')}: No such file or directory" in done.stderr
    assert set(tree(tmp_path / "out")) == {"a.png"}
    write_picture(tmp_path / "in" / "b.png")  # it is back, and is tried without being asked for
    assert invoke("colorize", "in", "-o", "out", "-m", model).exit_code == 0


def test_output_that_cannot_be_made(tmp_path: Path, model: Path) -> None:
    write_picture(tmp_path / "in" / "a.png")
    (tmp_path / "file").write_text("no folder")
    check_mistake(invoke("colorize", "in", "-o", "file/out", "-m", model), "cannot be used")
    (tmp_path / "out" / ".photochrom").mkdir(parents=True)
    (tmp_path / "out" / ".photochrom" / "manifest.sqlite").write_text("no manifest " * 100)
    check_mistake(invoke("colorize", "in", "-o", "out", "-m", model), "not a database")


# --- kill -9 -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9 on Windows")
def test_killed_again_and_again(tmp_path: Path, model: Path) -> None:
    made = make_archive(tmp_path / "in", 30, largest=1, bad=0.1)
    invoke("colorize", "in", "-o", "whole", "-m", model, "--strict")
    whole, out = tree(tmp_path / "whole"), tmp_path / "out"
    assert len(whole) == 27

    def ready(count: int) -> bool:
        manifest = out / ".photochrom" / "manifest.sqlite"
        return manifest.is_file() and sum((out / each.name).is_file() for each in made) >= count

    for count in (0, 4, 14):
        kill(command(model), lambda count=count: ready(count))  # type: ignore[misc]
        for name, digest in tree(out).items():
            if any(part.startswith(".photochrom-") for part in Path(name).parts):
                continue  # removed by the next run
            assert whole[name] == digest  # neither half-written nor another
    done = invoke("colorize", "in", "-o", "out", "-m", model, "--strict")
    assert done.exit_code == 1
    assert tree(out) == whole
    assert sorted(states(out).values()).count("done") == 27
