"""``photochrom colorize`` on folders and many files."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from photochrom.archive.events import Task
from photochrom.archive.find.search import Search
from photochrom.archive.work import Work
from tests.helpers.cli_model import (
    check_mistake,
    invoke,
    is_coloured,
    launch,
    pixels,
    write_picture,
)

pytest.importorskip("onnx", reason="the tests' model is made with onnx")
pytestmark = pytest.mark.usefixtures("model", "own_folder")


def tree(folder: Path) -> set[str]:
    """Every file under ``folder``, hidden ones too, but for an archive's own folder."""
    files = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    own = {".photochrom", "photochrom-report.html"}
    return {str(file) for file in files if not own & set(file.parts)}


def test_the_tree_is_mirrored(tmp_path: Path, model: Path) -> None:
    album = tmp_path / "my album"
    for name in ("top.png", "1923/a.jpg", "1924/a.jpg", "1924/Öl Ü/祖母.JPG", "1924/x.gif"):
        write_picture(album / name)
    for name in (".hidden.png", ".trash/a.png", "notes.txt", "1923/model.onnx"):
        (album / name).parent.mkdir(exist_ok=True)
        (album / name).write_text("no picture")
    done = invoke("colorize", album, "-m", model, "-o", "out/color")
    assert done.exit_code == 0, done.stderr
    result = {"top.png", "1923/a.jpg", "1924/a.jpg", "1924/Öl Ü/祖母.JPG", "1924/x.png"}
    assert tree(tmp_path / "out" / "color") == result
    assert all(is_coloured(tmp_path / "out" / "color" / name) for name in result)
    assert done.stderr.startswith("5 pictures coloured in ")
    assert len(done.stderr.splitlines()) == 1


def test_in_place_twice(tmp_path: Path, model: Path) -> None:
    for name in ("a.png", "sub/a.png"):
        write_picture(tmp_path / "in" / name)
    assert invoke("colorize", "in", "-m", model, "--compare").exit_code == 0
    expected = {f"{d}a{k}.png" for d in ("", "sub/") for k in ("", "-color", "-compare")}
    assert tree(tmp_path / "in") == expected
    write_picture(tmp_path / "in" / "b.png")
    done = invoke("colorize", "in", "-m", model)  # goes on; results are not coloured again
    assert done.exit_code == 0
    assert "1 picture coloured" in done.stderr
    assert "2 skipped" in done.stderr
    assert tree(tmp_path / "in") == expected | {"b.png", "b-color.png"}


def test_results_among_named_files(tmp_path: Path, model: Path) -> None:
    write_picture(tmp_path / "a.png")
    write_picture(tmp_path / "a-color.png")
    done = invoke("colorize", "a.png", "a-color.png", "-m", model, "--json")
    assert done.exit_code == 0
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(t["input"], t["status"]) for t in told] == [
        ("a.png", "skipped"),
        ("a-color.png", "skipped"),
    ]
    assert "1 left out" in done.stderr
    assert not (tmp_path / "a-color-color.png").exists()
    # Alone it is a picture like any other.
    assert invoke("colorize", "a-color.png", "-m", model).exit_code == 0
    assert is_coloured(tmp_path / "a-color-color.png")


def test_output_inside_the_input(tmp_path: Path, model: Path) -> None:
    write_picture(tmp_path / "in" / "a.png")
    for _ in range(2):
        assert invoke("colorize", "in", "-m", model, "-o", "in/out").exit_code == 0
    assert tree(tmp_path / "in") == {"a.png", "out/a.png"}
    check_mistake(invoke("colorize", "in", "-m", model, "-o", "in"), "cannot be used")


def test_bad_file_in_the_middle(tmp_path: Path, model: Path) -> None:
    for name in ("a.png", "c.png"):
        write_picture(tmp_path / "in" / name)
    (tmp_path / "in" / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    done = invoke("colorize", "in", "-m", model, "-o", "out", "--json")
    assert done.exit_code == 1
    assert tree(tmp_path / "out") == {"a.png", "c.png"}
    told = sorted(map(json.loads, done.stdout.splitlines()), key=lambda line: line["input"])
    assert [t["status"] for t in told] == ["ok", "failed", "ok"]
    assert told[1]["input"] == str(Path("in/b.png"))
    assert "b.png" in told[1]["error"]
    assert told[0]["error"] is None
    assert (told[0]["width"], told[0]["height"], told[0]["pages"]) == (48, 32, 1)
    assert told[0]["seconds"] > 0
    assert told[0]["model"] == "tiny"
    assert "CPUExecutionProvider" in told[0]["providers"]
    summary, failure, report = done.stderr.splitlines()
    assert "2 pictures coloured" in summary
    assert summary.endswith("1 failed:")
    assert "b.png" in failure
    assert report == f"report in {Path('out/photochrom-report.html')}"


def test_unexpected_error_of_one_file(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from photochrom import Colorizer

    prepare = Colorizer.prepare

    def fail_on_wide(self: Colorizer, source: Any, *options: Any) -> Any:
        if source.width == 99:
            raise ZeroDivisionError("a bug\nof two lines")
        return prepare(self, source, *options)

    monkeypatch.setattr(Colorizer, "prepare", fail_on_wide)
    write_picture(tmp_path / "in" / "a.png", 99)
    write_picture(tmp_path / "in" / "b.png")
    done = invoke("colorize", "in", "-m", model)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[1] == (
        f"  {Path('in/a.png')}: internal error: ZeroDivisionError: a bug of two lines; "
        "please report it together with the picture"
    )
    assert tree(tmp_path / "in") == {"a.png", "b.png", "b-color.png"}


def test_existing_outputs(tmp_path: Path, model: Path) -> None:
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / name)
    (tmp_path / "a-color.png").write_text("precious")
    done = invoke("colorize", "a.png", "b.png", "-m", model)
    assert done.exit_code == 0
    assert "1 skipped, whose output exists (--overwrite replaces it)" in done.stderr
    assert (tmp_path / "a-color.png").read_text() == "precious"
    done = invoke("colorize", "a.png", "b.png", "-m", model, "--overwrite")
    assert "2 pictures" in done.stderr
    assert is_coloured(tmp_path / "a-color.png")


def test_nothing_left_to_do_loads_no_model(tmp_path: Path, model: Path) -> None:
    write_picture(tmp_path / "in" / "a.png")
    write_picture(tmp_path / "in" / "a-color.png")
    model.write_bytes(b"no model")
    assert invoke("colorize", "in", "-m", model).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "results"),
    [
        (["one/a.png", "two/a.png", "-o", "out"], {"out/a.png", "out/a-2.png"}),
        (["one", "two", "-o", "out"], {"out/a.png", "out/a-2.png"}),
        (["three", "-o", "out"], {"out/b.png", "out/b-2.png"}),
        (["three"], {"three/b-color.png", "three/b-2-color.png"}),
        (
            ["four", "five", "-o", "out", "--compare"],
            {"out/x.png", "out/x-compare.png", "out/x-compare-2.png",
             "out/x-compare-2-compare.png"},
        ),
    ],
)  # fmt: skip
def test_names_that_are_taken_are_numbered(
    tmp_path: Path, model: Path, arguments: list[str], results: set[str]
) -> None:
    for name in ("one/a.png", "two/a.png", "three/b.png", "three/b.gif", "four/x.png"):
        write_picture(tmp_path / name)
    write_picture(tmp_path / "five" / "x-compare.png")
    before = tree(tmp_path)
    done = invoke("colorize", *arguments, "-m", model)
    assert done.exit_code == 0, done.stderr
    assert tree(tmp_path) - before == results
    assert "2 pictures coloured" in done.stderr
    assert "is another file's" in done.stderr
    again = invoke("colorize", *arguments, "-m", model)
    assert again.exit_code == 0, again.stderr
    assert tree(tmp_path) - before == results
    assert "2 skipped" in again.stderr


def test_a_number_is_kept(tmp_path: Path, model: Path) -> None:
    write_picture(tmp_path / "in" / "b.gif")
    write_picture(tmp_path / "in" / "b.png")
    assert invoke("colorize", "in", "-o", "out", "-m", model).exit_code == 0
    (tmp_path / "in" / "b.gif").unlink()
    write_picture(tmp_path / "in" / "b.bmp").rename(tmp_path / "in" / "a.bmp")
    done = invoke("colorize", "in", "-o", "out", "-m", model)
    assert "1 picture coloured" in done.stderr
    assert "1 skipped, done before" in done.stderr
    assert tree(tmp_path / "out") == {"a.bmp", "b.png", "b-2.png"}


def test_the_same_picture_twice(tmp_path: Path, model: Path) -> None:
    write_picture(tmp_path / "in" / "a.png")
    done = invoke("colorize", "in", "in/a.png", "in/../in/a.png", "-m", model, "-o", "out")
    assert done.exit_code == 0, done.stderr
    assert "1 picture coloured" in done.stderr
    done = invoke("colorize", "in/a.png", "in/../in/a.png", "in", "-m", model)
    assert "1 picture coloured" in done.stderr
    assert tree(tmp_path / "in") == {"a.png", "a-color.png"}


def test_links_and_loops(tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "z" / "a.png")
    write_picture(tmp_path / "elsewhere" / "b.png")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "alias").symlink_to(tmp_path / "in" / "z")  # comes before z in the alphabet
    (tmp_path / "in" / "far").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "broken.png").symlink_to(tmp_path / "nothing.png")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "in")
    found = [each.relative for each in Search([str(tmp_path / "in")])]
    assert found == ["z/a.png", "far/b.png"]


def test_unreadable_folder_is_a_failure(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "locked").mkdir()
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    done = invoke("colorize", "in", "-m", model, "--json")
    assert done.exit_code == 1
    statuses = {
        Path(t["input"]).name: t["status"] for t in map(json.loads, done.stdout.splitlines())
    }
    assert statuses == {"a.png": "ok", "locked": "failed"}
    assert f"  {Path('in/locked')}: Permission denied" in done.stderr


def test_dry_run_changes_nothing(tmp_path: Path, model: Path) -> None:
    write_picture(tmp_path / "in" / "a.png")
    before = tree(tmp_path)
    done = invoke("colorize", "in", "-m", model, "-o", "out/", "--compare", "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("1 pictures to colour")
    assert tree(tmp_path) == before
    assert not (tmp_path / "out").exists()


# --- Ctrl-C --------------------------------------------------------------------------------------

INTERRUPTED = """
import os, signal, sys, time
from photochrom.cli import main
from photochrom import Colorizer

render = Colorizer.render
calls = []

def interrupted(self, *args, **options):
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)  # the main thread meets the signal before this page is finished
    return render(self, *args, **options)

Colorizer.render = interrupted
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="there are no signals like this on Windows")
def test_ctrl_c(tmp_path: Path, model: Path) -> None:
    from PIL import Image

    write_picture(tmp_path / "in" / "a.png")
    pages = [Image.new("L", (30, 20), 128) for _ in range(3)]
    pages[0].save(tmp_path / "in" / "b.tif", save_all=True, append_images=pages[1:])
    write_picture(tmp_path / "in" / "c.png")
    arguments = ["colorize", "in", "-m", model, "-o", "out", "--compare"]
    done = launch(*arguments, code=INTERRUPTED)
    assert done.returncode == 130
    (line,) = done.stderr.decode().splitlines()
    assert re.fullmatch(
        "photochrom: stopped after [01] of 3 pictures; the same command goes on from there", line
    )
    # Two are coloured at a time on two cores, in any order; what is finished is whole, and nothing
    # else is there.
    finished = tree(tmp_path / "out")
    rows = {"a.png": 32, "a-compare.png": 32, "b.tif": 20, "b-compare.png": 20}
    rows |= {"c.png": 32, "c-compare.png": 32}
    assert {
        name: pixels(tmp_path / "out" / name).shape[0] for name in finished
    }.items() <= rows.items()
    assert len(finished) < len(rows)
    done = invoke(*arguments)
    assert done.exit_code == 0
    assert len(tree(tmp_path / "out")) == 6


def test_ctrl_c_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("photochrom.models.registry.Registry.entries", stop)
    check_mistake(invoke("models", "list"), "stopped", code=130)


def test_work_never_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: Work, kind: str = "picture") -> Any:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Work, "load", load)
    source = write_picture(tmp_path / "a.png")
    outcome = Work(tmp_path / "m.onnx")(Task(1, str(source), str(tmp_path / "b.png")))
    assert outcome.state == "failed"
    assert "internal error: ZeroDivisionError: a bug" in str(outcome.error)
