"""``photochrom colorize`` from standard input and to standard output."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers.cli_model import (
    check_mistake,
    grey_picture,
    invoke,
    is_coloured,
    launch,
    write_picture,
)

pytest.importorskip("onnx", reason="the tests' model is made with onnx")
pytestmark = pytest.mark.usefixtures("model", "own_folder")


def encoded(format: str) -> bytes:
    buffer = io.BytesIO()
    grey_picture().save(buffer, format)
    return buffer.getvalue()


@pytest.mark.parametrize(("format", "result"), [("PNG", "PNG"), ("JPEG", "JPEG"), ("GIF", "PNG")])
def test_stdin_to_stdout(tmp_path: Path, model: Path, format: str, result: str) -> None:
    done = launch("colorize", "-", "-m", model, stdin=encoded(format))
    assert done.returncode == 0, done.stderr
    with Image.open(io.BytesIO(done.stdout)) as image:  # nothing else is on standard output
        assert (image.format, image.size) == (result, (48, 32))
        image.load()
    assert done.stderr.startswith(b"- -> - (48x32, ")


def test_file_to_stdout_and_stdin_to_file(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "a.png")
    done = launch("colorize", source, "-m", model, "-o", "-")
    assert done.stdout.startswith(b"\x89PNG")
    done = launch("colorize", "-", "-m", model, "-o", "b.jpg", "--json", stdin=encoded("PNG"))
    told = json.loads(done.stdout)
    assert (told["input"], told["output"], told["status"]) == ("-", "b.jpg", "ok")
    assert is_coloured(tmp_path / "b.jpg")


def test_bad_picture_on_stdin(model: Path) -> None:
    done = launch("colorize", "-", "-m", model, stdin=b"no picture")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"cannot be read" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["-", "a.png"], "combined"),
        (["a.png", "b.png", "-o", "-"], "combined"),
        (["-", "-o", "new/"], "name of a file"),
        (["-", "--compare"], "--compare"),
        (["-", "--json"], "--json"),
        ([".", "-o", "-"], "combined"),
    ],
)
def test_impossible_streams(model: Path, arguments: list[str], word: str) -> None:
    check_mistake(invoke("colorize", *arguments, "-m", model, stdin=encoded("PNG")), word)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_no_binary_to_a_terminal(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from photochrom.cli.colorize import _check_streams
    from photochrom.errors import ArgumentError

    monkeypatch.setattr("sys.stdout", Terminal())
    with pytest.raises(ArgumentError, match="not written to a terminal"):
        _check_streams(source=False, target=True, as_json=False)
    monkeypatch.setattr("sys.stdin", Terminal())
    with pytest.raises(ArgumentError, match="no picture on standard input"):
        _check_streams(source=True, target=False, as_json=False)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="streams are closed like this by shells of Unix")
def test_closed_and_full_streams(tmp_path: Path, model: Path) -> None:
    write_picture(tmp_path / "a.png")
    command = f"{sys.executable} -m photochrom colorize"
    for words, expected in {
        f"{command} - -m {model} <&-": "there is no picture on standard input",
        f"{command} a.png -o - -m {model} >&-": "is not written to a terminal",
        f"{command} a.png -o - -m {model} > /dev/full": "No space left on device",
        f"{command} a.png --json --overwrite -m {model} > /dev/full": "No space left on device",
    }.items():
        done = subprocess.run(["sh", "-c", words], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode in (1, 2), (words, done.stderr)
        assert expected in done.stderr, words
        assert "Traceback" not in done.stderr, done.stderr


def test_no_path_and_no_working_folder(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_mistake(invoke("colorize", "", "-m", model), "an empty path cannot be coloured")
    if os.name != "nt":
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        check_mistake(invoke("colorize", "a.png", "-m", model), "folder")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_refused(tmp_path: Path, model: Path) -> None:
    """It can be read once only, and opening it again would wait for ever."""
    os.mkfifo(tmp_path / "pipe.jpg")
    done = invoke("colorize", "pipe.jpg", "-m", model)
    check_mistake(done, "got a pipe or a device", "- < pipe.jpg")
