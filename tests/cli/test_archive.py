"""``photochrom colorize ARCHIVE -o OUT``: every good file once, every bad one named; --watch."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.archive_files import make_archive
from tests.helpers.archive_runs import command, states, tree
from tests.helpers.cli_model import check_mistake, invoke, is_coloured, write_model, write_picture

pytest.importorskip("onnx", reason="the tests' model is made with onnx")
pytestmark = pytest.mark.usefixtures("model", "own_folder")


def told(done: Any) -> dict[str, str]:
    """Input and status of every line of --json."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({line["input"] for line in lines}) == len(lines)
    return {line["input"].replace(os.sep, "/"): line["status"] for line in lines}


@pytest.mark.slow
def test_a_mixed_archive(tmp_path: Path, model: Path) -> None:
    made = make_archive(tmp_path / "in", 60, largest=0.3)
    before = tree(tmp_path / "in")
    done = invoke("colorize", "in", "-o", "out", "-m", model, "--strict", "--json")
    assert done.exit_code == 1
    good = {Path("out", each.name) for each in made if each.good}
    assert {Path("out", name) for name in tree(tmp_path / "out")} == good
    assert all(is_coloured(path) for path in good)
    status = {f"in/{each.name}": "ok" if each.good else "failed" for each in made}
    assert told(done) == status
    assert tree(tmp_path / "in") == before
    page = (tmp_path / "out" / "photochrom-report.html").read_text(encoding="utf-8")
    assert page.index("<h2>Failed: 3</h2>") < page.index("<h2>Figures</h2>")
    assert page.count("<li>") == 3
    assert page.count("<figure>") == 24
    again = invoke("colorize", "in", "-o", "out", "-m", model, "--strict")
    assert again.exit_code == 1  # an archive with failures is not done
    assert "57 skipped, done before" in again.stderr
    assert "3 failed" in again.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are not Unicode")
def test_a_name_that_is_not_unicode(tmp_path: Path, model: Path) -> None:
    names = {os.fsdecode(b"gro\xdfmutter.png"), "a.png"}
    for name in names:
        write_picture(tmp_path / "in" / name)
    done = invoke("colorize", "in", "-o", "out", "-m", model, "--compare", "--json")
    assert done.exit_code == 0, done.stderr
    assert told(done) == {f"in/{name}": "ok" for name in names}
    assert names <= tree(tmp_path / "out").keys()
    assert set(states(tmp_path / "out").values()) == {"done"}
    again = invoke("colorize", "in", "-o", "out", "-m", model, "--compare")
    assert again.exit_code == 0
    assert "2 skipped, done before" in again.stderr
    (tmp_path / "in" / os.fsdecode(b"gro\xdfmutter.png")).write_bytes(b"no picture")
    assert invoke("colorize", "in", "-o", "out", "-m", model, "--overwrite").exit_code == 1


def test_done_again_only_if_something_changed(tmp_path: Path, model: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        write_picture(tmp_path / "in" / name)

    def coloured(*options: object) -> set[str]:
        done = invoke("colorize", "in", "-o", "out", "-m", model, "--json", *options)
        assert done.exit_code == 0, done.stderr
        return {Path(name).name for name, status in told(done).items() if status == "ok"}

    assert coloured() == {"a.png", "b.png", "c.png"}
    assert coloured() == set()
    write_picture(tmp_path / "in" / "b.png", 60)
    (tmp_path / "out" / "c.png").unlink()
    assert coloured() == {"b.png", "c.png"}
    assert coloured("--vividness", 0.5) == {"a.png", "b.png", "c.png"}
    assert coloured("--vividness", 0.5, "--compare") == {"a.png", "b.png", "c.png"}
    (tmp_path / "out" / "a-compare.png").unlink()
    assert coloured("--vividness", 0.5, "--compare") == {"a.png"}
    write_model(model, bias=(0.1, 0.3))
    assert coloured("--vividness", 0.5, "--compare") == {"a.png", "b.png", "c.png"}
    assert coloured("--vividness", 0.5, "--compare", "--overwrite") == {"a.png", "b.png", "c.png"}


def test_what_others_wrote_is_not_replaced(tmp_path: Path, model: Path) -> None:
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / "in" / name)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_text("precious")
    assert invoke("colorize", "in", "-o", "out", "-m", model).exit_code == 0
    (tmp_path / "out" / "b.png").write_text("retouched")
    done = invoke("colorize", "in", "-o", "out", "-m", model, "--vividness", 2)
    assert "1 skipped, whose output exists" in done.stderr
    assert "1 skipped, whose output was changed since" in done.stderr
    assert (tmp_path / "out" / "a.png").read_text() == "precious"
    assert (tmp_path / "out" / "b.png").read_text() == "retouched"


def test_a_source_is_never_written_over(tmp_path: Path, model: Path) -> None:
    write_picture(tmp_path / "a" / "a.png")
    write_picture(tmp_path / "a" / "a" / "a.png")
    before = tree(tmp_path)
    for output in ("a", "."):
        result = invoke("colorize", "a", "-o", output, "-m", model, "--overwrite")
        check_mistake(result, "a picture that is to be read")
    assert tree(tmp_path) == before


def test_failures_are_tried_again_when_asked(tmp_path: Path, model: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"no picture")
    write_picture(tmp_path / "in" / "b.png")
    assert invoke("colorize", "in", "-o", "out", "-m", model).exit_code == 1
    done = invoke("colorize", "in", "-o", "out", "-m", model)
    assert done.exit_code == 1
    assert "0 pictures coloured" in done.stderr
    assert "(before; --retry-failed tries it again)" in done.stderr
    done = invoke("colorize", "in", "-o", "out", "-m", model, "--retry-failed")
    assert "1 failed" in done.stderr
    assert "(before;" not in done.stderr
    write_picture(tmp_path / "in" / "a.png")  # another file now: no need to ask
    assert invoke("colorize", "in", "-o", "out", "-m", model).exit_code == 0
    assert set(states(tmp_path / "out").values()) == {"done"}


def test_limit_and_patterns(tmp_path: Path, model: Path) -> None:
    for name in ("1/a.png", "1/b.jpg", "2/a.png", "2/b.jpg", "2/x/a.png"):
        write_picture(tmp_path / "in" / name)

    def outputs(*options: object) -> set[str]:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        done = invoke("colorize", "in", "-o", "out", "-m", model, *options)
        assert done.exit_code == 0, done.stderr
        return set(tree(tmp_path / "out"))

    assert outputs("--include", "*.jpg") == {"1/b.jpg", "2/b.jpg"}
    assert outputs("--include", "2/*", "--exclude", "b.*") == {"2/a.png", "2/x/a.png"}
    assert outputs("--exclude", "*/x/*", "--include", "a.png") == {"1/a.png", "2/a.png"}
    assert len(outputs("--limit", 2)) == 2
    invoke("colorize", "in", "-o", "out", "-m", model, "--limit", 2)
    assert len(tree(tmp_path / "out")) == 4
    check_mistake(invoke("colorize", "in/1/a.png", "-m", model, "--limit", 2), "--limit")


def test_dry_run(tmp_path: Path, model: Path) -> None:
    for number in range(12):
        write_picture(tmp_path / "in" / f"{number}.jpg", 200, 100)
    done = invoke("colorize", "in", "-o", "out", "-m", model, "--dry-run", "--json")
    told = json.loads(done.stdout)
    assert (told["pictures"], told["measured"], told["before"]) == (12, 8, False)
    assert not (tmp_path / "out").exists()
    invoke("colorize", "in", "-o", "out", "-m", model)
    size = sum(p.stat().st_size for p in (tmp_path / "out").glob("*.jpg"))
    assert told["written"] == pytest.approx(size, rel=0.05)
    assert told["seconds"] > 0
    before = (tmp_path / "out" / ".photochrom" / "manifest.sqlite").read_bytes()
    done = invoke("colorize", "in", "-o", "out", "-m", model, "--dry-run")
    assert done.stdout == "0 pictures to colour (0 B); 12 done before\n"
    assert (tmp_path / "out" / ".photochrom" / "manifest.sqlite").read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="there are no signals like this on Windows")
def test_watch(tmp_path: Path, model: Path) -> None:
    (tmp_path / "in").mkdir()
    code = "from photochrom.archive import many_files; many_files._POLL = 0.3; "
    code += "from photochrom.cli import main; main()"
    words = [sys.executable, "-c", code, *command(model)[3:], "--watch"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(1)
        picture = write_picture(tmp_path / "a.png").read_bytes()
        with (tmp_path / "in" / "a.png").open("wb", buffering=0) as slow:
            for part in range(0, len(picture), len(picture) // 8 + 1):
                slow.write(picture[part : part + len(picture) // 8 + 1])
                time.sleep(0.1)
        deadline = time.monotonic() + 60
        while not (tmp_path / "out" / "a.png").is_file() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert is_coloured(tmp_path / "out" / "a.png")
        time.sleep(0.5)
    finally:
        process.send_signal(signal.SIGINT)
    _, words_ = process.communicate(timeout=60)
    assert process.returncode == 0, words_
    assert "watching in" in words_
    assert re.search(r"in/a\.png -> .*out/a\.png \(", words_)
    assert "1 picture coloured" in words_
