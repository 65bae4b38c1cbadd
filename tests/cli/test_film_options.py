"""Options of ``photochrom colorize`` for films, and those that films or pictures do not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from photochrom.cli.colorize_options import seconds
from photochrom.errors import ArgumentError
from tests.helpers.cli_model import check_mistake, invoke, write_picture
from tests.helpers.film_commands import SHORT, film, here
from tests.helpers.video_files import make_film

pytest.importorskip("onnx", reason="the tests' model is made with onnx")

pytestmark = pytest.mark.usefixtures("model", "own_folder", "short_segments")


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
