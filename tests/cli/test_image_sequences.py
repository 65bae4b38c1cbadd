"""``photochrom colorize --fps`` on folders of numbered pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.cli_model import check_mistake, invoke, is_coloured, write_picture
from tests.helpers.film_commands import SHORT, here
from tests.helpers.video_files import make_film

pytest.importorskip("onnx", reason="the tests' model is made with onnx")

pytestmark = pytest.mark.usefixtures("model", "own_folder", "short_segments")


def write_frames(folder: Path, count: int = 3) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        write_picture(folder / f"f{number}.png")


def test_image_sequences(model: Path) -> None:
    write_frames(Path("reels/one"))
    write_frames(Path("reels/deep/two"))
    done = invoke("colorize", "reels/one", "--fps", "24", "-m", model)
    assert done.exit_code == 0, done.stderr
    assert "3 frames" in done.stderr
    assert {path.name for path in Path("reels/one-color").iterdir()} == {
        "f0.png",
        "f1.png",
        "f2.png",
    }
    shutil.rmtree("reels/one-color")
    done = invoke("colorize", "reels", "--fps", "24", "-m", model, "-o", "out")
    assert "2 films coloured" in done.stderr
    assert is_coloured(Path("out/deep/two/f2.png"))
    assert is_coloured(Path("out/one/f0.png"))
    again = invoke("colorize", "reels", "--fps", "24", "-m", model, "-o", "out")
    assert "2 " in again.stderr
    assert again.exit_code == 0


def test_what_image_sequences_do_not_take(model: Path) -> None:
    write_frames(Path("one"))
    make_film(Path("a.mp4"), SHORT)
    for arguments, words in (
        (["one", "-o", "a.mkv"], "frames stay frames"),
        (["one", "--codec", "hevc"], "--codec"),
        (["a.mp4"], "folder of numbered pictures"),
        (["one", "--fps", "-3"], "fps"),
    ):
        check_mistake(invoke("colorize", "--fps", "24", *arguments, "-m", model), words)
    assert here() == {"one/f0.png", "one/f1.png", "one/f2.png", "a.mp4"}
