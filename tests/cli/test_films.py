"""``photochrom colorize`` on films."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.cli_model import check_mistake, invoke, is_coloured, write_picture
from tests.helpers.film_commands import LONG, SHORT, film, here
from tests.helpers.film_scenes import planes_of, shown
from tests.helpers.video_files import Recipe, Sound, av, make_film

pytest.importorskip("onnx", reason="the tests' model is made with onnx")

pytestmark = pytest.mark.usefixtures("model", "own_folder", "short_segments")


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


def test_a_film_from_standard_input_is_refused(model: Path) -> None:
    make_film(Path("a.mp4"), SHORT)
    command = [sys.executable, "-m", "photochrom", "colorize", "-", "-m", str(model)]
    with Path("a.mp4").open("rb") as film:
        done = subprocess.run(command, stdin=film, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"got a film (MP4); name a film's file" in done.stderr
