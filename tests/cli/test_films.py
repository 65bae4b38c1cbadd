"""``photochrom colorize`` on films."""

from __future__ import annotations

import json
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
from photochrom.cli.colorize_options import seconds
from photochrom.errors import ArgumentError
from photochrom.video.segments import segmented_work
from tests.helpers.cli_model import (
    check_mistake,
    invoke,
    is_coloured,
    launch,
    write_picture,
)
from tests.helpers.film_scenes import planes_of, shown
from tests.helpers.video_files import Recipe, Sound, av, make_film

pytest.importorskip("onnx", reason="the tests' model is made with onnx")

SHORT = Recipe(times=tuple(range(0, 12 * 512, 512)))
LONG = Recipe(times=tuple(range(0, 60 * 512, 512)))
pytestmark = pytest.mark.usefixtures("model", "own_folder")


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmented_work, "_SEGMENT", 12)


def film(path: str, recipe: Recipe = SHORT) -> Path:
    """A film of that name, whatever kind of file the name stands for."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    usual = target.suffix in (".mp4", ".mkv", ".avi", ".mov", ".webm")
    made = make_film(target if usual else target.with_name("made.mp4"), recipe)
    return made if usual else made.replace(target)


def here() -> set[str]:
    """Every file, hidden ones too, but for the model and what an archive keeps for itself."""
    files = {p.as_posix() for p in Path().rglob("*") if p.is_file()}
    return {f for f in files if not f.startswith(("home/", "tiny")) and ".photochrom/" not in f}


def chroma(path: str | Path) -> float:
    """How far Cb is from grey in the first frame."""
    with av.open(str(path)) as source:
        return abs(float(planes_of(next(source.decode(video=0)))[1].mean()) - 128)


def test_a_film(model: Path) -> None:
    film("film.mp4", Recipe(times=SHORT.times, sounds=(Sound(),)))
    done = invoke("colorize", "film.mp4", "-m", model)
    assert (done.exit_code, done.stdout) == (0, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("film.mp4 -> film-color.mp4 (12 frames, 64x48, ")
    assert here() == {"film.mp4", "film-color.mp4"}
    assert len(shown("film-color.mp4")) == 12
    assert chroma("film-color.mp4") > 5 > 1 > chroma("film.mp4")


def test_films_are_told_by_their_content(model: Path) -> None:
    film("film.jpg")
    write_picture(Path("made.png")).replace("picture.mp4")
    done = invoke("colorize", "film.jpg", "-m", model)
    assert done.exit_code == 0, done.stderr
    assert "film.jpg -> film-color.mp4 (12 frames" in done.stderr
    assert len(shown("film-color.mp4")) == 12
    done = invoke("colorize", "picture.mp4", "-m", model)
    assert done.exit_code == 0, done.stderr
    assert is_coloured(Path("picture.mp4-color.png"))


@pytest.mark.parametrize(
    ("source", "arguments", "result"),
    [
        ("a.mp4", [], "a-color.mp4"),
        ("a.mkv", [], "a-color.mkv"),
        ("a.MP4", [], "a-color.MP4"),
        ("a.avi", [], "a-color.mkv"),
        ("folder/a.b.mp4", [], "folder/a.b-color.mp4"),
        ("a.mp4", ["-o", "new.mkv"], "new.mkv"),
        ("a.mp4", ["-o", "new/"], "new/a.mp4"),
        ("a.avi", ["-o", "new/"], "new/a.mkv"),
        ("a.mp4", ["-o", "new/deep/b.mov"], "new/deep/b.mov"),
        ("a.mp4", ["--codec", "hevc"], "a-color.mp4"),
    ],
)
def test_names(model: Path, source: str, arguments: list[str], result: str) -> None:
    if source.endswith("avi"):
        film(source, Recipe(codec="mpeg4", times=SHORT.times))
    else:
        film(source)
    done = invoke("colorize", source, *arguments, "-m", model)
    assert done.exit_code == 0, done.stderr
    assert here() == {source, result}
    assert len(shown(result)) == 12


def test_a_part(model: Path) -> None:
    film("a.mp4", LONG)
    done = invoke("colorize", "a.mp4", "-m", model, "--start", "0.5", "--end", "0:01.5")
    assert done.exit_code == 0, done.stderr
    assert len(shown("a-color.mp4")) == 24


def test_a_preview(model: Path) -> None:
    film("a.mp4", LONG)
    done = invoke("colorize", "a.mp4", "-m", model, "--preview", "1", "--start", "0.5")
    assert done.exit_code == 0, done.stderr
    assert "a.mp4 -> a-preview.mp4 (24 frames, 128x48, " in done.stderr
    assert here() == {"a.mp4", "a-preview.mp4"}
    with av.open("a-preview.mp4") as source:
        frames = list(source.decode(video=0))
    assert len(frames) == 24
    assert (frames[0].width, frames[0].height) == (128, 48)


def test_what_exists_is_not_replaced(model: Path) -> None:
    film("a.mp4")
    Path("a-color.mp4").write_bytes(b"an older one")
    check_mistake(invoke("colorize", "a.mp4", "-m", model), "a-color.mp4", "--overwrite")
    assert Path("a-color.mp4").read_bytes() == b"an older one"
    assert invoke("colorize", "a.mp4", "-m", model, "--overwrite").exit_code == 0
    assert len(shown("a-color.mp4")) == 12
    check_mistake(invoke("colorize", "a.mp4", "-m", model, "-o", "a.mp4", "--overwrite"), "a.mp4")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--codec", "mpeg1"], ["mpeg1", "h264"]),
        (["--codec", "ffv1"], ["ffv1", ".mkv"]),
        (["--crf", "99"], ["51"]),
        (["--preset", "hurry"], ["hurry", "veryfast"]),
        (["-o", "out.avi"], ["out.avi", ".mkv"]),
        (["--start", "x"], ["'x'", "1:30"]),
        (["--start", "9"], ["start before its end"]),
        (["--start", "0.4", "--end", "0.2"], ["start before its end"]),
        (["--preview", "1", "--end", "2"], ["--preview", "--end"]),
        (["--hint", "1,2,#ff0000"], ["--hint", "a film"]),
        (["--compare"], ["--compare", "--preview"]),
        (["-m", "nobody"], ["nobody"]),
    ],
)
def test_mistakes(model: Path, arguments: list[str], words: list[str]) -> None:
    film("a.mp4")
    before = here()
    check_mistake(invoke("colorize", "a.mp4", "-m", model, *arguments), *words)
    assert here() == before


@pytest.mark.parametrize(
    "option",
    [["--codec", "h264"], ["--crf", "20"], ["--preset", "fast"], ["--start", "1"], ["--end", "1"],
     ["--preview", "1"]],
)  # fmt: skip
def test_options_of_films_are_not_for_pictures(model: Path, option: list[str]) -> None:
    write_picture(Path("a.png"))
    check_mistake(invoke("colorize", "a.png", "-m", model, *option), option[0], "a film")
    assert here() == {"a.png"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.5", 12.5),
        ("1:30", 90),
        ("1:02:03.5", 3723.5),
        (" 0 ", 0),
        ("90:00", 5400),
        (None, None),
    ],
)
def test_times(text: str | None, value: float | None) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "x", "-1", "1:2:3:4", "1:", ":1", "1.5:00", "nan", "1e3"])
def test_no_times(text: str) -> None:
    with pytest.raises(ArgumentError, match="1:30"):
        seconds(text)


def test_json(model: Path) -> None:
    film("a.mp4")
    done = invoke("colorize", "a.mp4", "-m", model, "--json")
    assert done.exit_code == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert told.pop("seconds") > 0
    assert told.pop("providers")
    expected = {"input": "a.mp4", "output": "a-color.mp4", "compare": None, "status": "ok",
                "width": 64, "height": 48, "pages": None, "frames": 12, "notes": [],
                "model": "tiny", "error": None}  # fmt: skip
    assert told == expected


def test_what_is_left_out_is_told(model: Path) -> None:
    font = ("a.ttf", "font/ttf", b"not really a font")
    film("a.mkv", Recipe(times=SHORT.times, attachments=(font,)))
    done = invoke("colorize", "a.mkv", "-m", model, "-o", "a.mp4", "--json")
    assert done.exit_code == 0, done.stderr
    (note,) = json.loads(done.stdout)["notes"]
    assert "was left out" in note
    assert f"photochrom: {note}" in done.stderr.splitlines()


def test_films_and_pictures(model: Path) -> None:
    film("a.mp4")
    film("folder/b.mkv")
    write_picture(Path("c.png"))
    done = invoke("colorize", "a.mp4", "folder/b.mkv", "c.png", "-m", model, "--json")
    assert done.exit_code == 0, done.stderr
    told = {each["input"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert {k: (v["status"], v.get("frames")) for k, v in told.items()} == {
        "a.mp4": ("ok", 12), "folder/b.mkv": ("ok", 12), "c.png": ("ok", None)
    }  # fmt: skip
    assert {"a-color.mp4", "folder/b-color.mkv", "c-color.png"} <= here()
    again = invoke("colorize", "a.mp4", "folder/b.mkv", "c.png", "-m", model)
    assert again.exit_code == 0, again.stderr
    assert "skipped" in again.stderr


def test_one_bad_film_does_not_end_the_others(model: Path) -> None:
    film("a.mp4")
    Path("b.mp4").write_bytes(b"")
    film("c.mp4")
    done = invoke("colorize", "a.mp4", "b.mp4", "c.mp4", "-m", model)
    assert done.exit_code == 1
    assert "b.mp4" in done.stderr
    assert {"a-color.mp4", "c-color.mp4"} <= here()
    assert "b-color.mp4" not in here()


def test_a_folder_of_films(model: Path) -> None:
    film("in/1950/a.mp4")
    film("in/b.avi", Recipe(codec="mpeg4", times=SHORT.times))
    write_picture(Path("in/c.png"))
    Path("in/code.ts").write_text("export const a = 1;")
    Path("in/broken.mov").write_bytes(b"")
    done = invoke("colorize", "in", "-m", model, "-o", "out", "--crf", 20)
    assert done.exit_code == 1, done.stderr
    assert "1 picture and 2 films coloured" in done.stderr
    assert "passed over: 1 .ts" in done.stderr
    assert "broken.mov" in done.stderr
    results = {f for f in here() if f.startswith("out/")}
    assert results == {"out/1950/a.mp4", "out/b.mkv", "out/c.png", "out/photochrom-report.html"}
    assert len(shown("out/1950/a.mp4")) == 12
    again = invoke("colorize", "in", "-m", model, "-o", "out", "--crf", 20)
    assert "3 skipped, done before" in again.stderr
    other = invoke("colorize", "in", "-m", model, "-o", "out", "--crf", 30)  # films only
    assert "2 films coloured" in other.stderr
    assert "1 skipped, done before" in other.stderr


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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--quality", "90"], ["--quality", "--crf"]),
        (["--format", "png"], ["--format", "-o"]),
        (["--page", "2"], ["--page"]),
    ],
)
def test_options_of_pictures_are_refused(
    model: Path, arguments: list[str], words: list[str]
) -> None:
    make_film(Path("a.mp4"), SHORT)
    check_mistake(invoke("colorize", "a.mp4", *arguments, "-m", model), *words, "got a film")
    assert here() == {"a.mp4"}


def test_a_film_from_standard_input_is_refused(model: Path) -> None:
    make_film(Path("a.mp4"), SHORT)
    command = [sys.executable, "-m", "photochrom", "colorize", "-", "-m", str(model)]
    with Path("a.mp4").open("rb") as film:
        done = subprocess.run(command, stdin=film, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"got a film (MP4); name a film's file" in done.stderr
