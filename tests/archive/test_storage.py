"""Pictures at URLs: a local S3 store, zip files, and what is said when a package is missing."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from photochrom.archive import storage as places
from photochrom.errors import ArgumentError, MissingExtraError
from tests.helpers.archive_runs import command, kill
from tests.helpers.cli_model import check_mistake, invoke, is_coloured, write_picture

pytest.importorskip("onnx", reason="the tests' model is made with onnx")
fsspec = pytest.importorskip("fsspec", reason="URLs need the extra archive")
pytestmark = pytest.mark.usefixtures("model", "own_folder")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("s3://bucket/folder", True),
        ("zip://::scans.zip", True),
        ("hf://datasets/a/b", True),
        ("C:/scans", False),
        ("C:\\scans", False),
        ("scans/1923: spring", False),
        ("a.jpg", False),
    ],
)
def test_what_is_a_url(text: str, is_one: bool) -> None:
    assert places.is_url(text) is is_one


def test_file_urls_are_paths(tmp_path: Path, model: Path) -> None:
    write_picture(tmp_path / "in" / "a.png")
    done = invoke("colorize", f"file://{tmp_path}/in", "-o", f"file://{tmp_path}/out", "-m", model)
    assert done.exit_code == 0, done.stderr
    assert is_coloured(tmp_path / "out" / "a.png")
    assert (tmp_path / "out" / ".photochrom" / "manifest.sqlite").is_file()


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    for name in ("s3fs", "gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, name, None)
    for registry in ("registry", "_registry"):
        monkeypatch.setattr(importlib.import_module("fsspec.registry"), registry, {})
    for url, package in {"s3://a/b": "s3fs", "gs://a/b": "gcsfs", "az://a/b": "adlfs"}.items():
        with pytest.raises(MissingExtraError, match=f"pip install {package}"):
            places.filesystem(url)
    with pytest.raises(ArgumentError, match="nosuch://a"):
        places.filesystem("nosuch://a")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match=r"photochrom\[archive\]"):
        places.filesystem("s3://a/b")


def test_zip(tmp_path: Path, model: Path) -> None:
    for name in ("a.png", "1923/a.png", "1923/bad.jpg"):
        write_picture(tmp_path / "in" / name)
    (tmp_path / "in" / "1923" / "bad.jpg").write_bytes(b"no picture")
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as file:
        for path in sorted((tmp_path / "in").rglob("*.*")):
            file.write(path, path.relative_to(tmp_path / "in"))
    url = f"zip://::{tmp_path / 'scans.zip'}"
    done = invoke("colorize", url, "-o", "out", "-m", model)
    assert done.exit_code == 1
    assert "2 pictures coloured" in done.stderr
    assert "1923/bad.jpg" in done.stderr.splitlines()[1]
    assert is_coloured(tmp_path / "out" / "a.png")
    assert is_coloured(tmp_path / "out" / "1923" / "a.png")
    again = invoke("colorize", url, "-o", "out", "-m", model)
    assert "2 skipped, done before" in again.stderr
    check_mistake(invoke("colorize", "in", "-o", "zip://::out.zip", "-m", model), "single file")
    check_mistake(invoke("colorize", url, "-m", model), "have no place", "-o")


# --- S3 ------------------------------------------------------------------------------------------


def objects(fs: Any, folder: str) -> dict[str, bytes]:
    return {name.removeprefix(f"{folder}/"): fs.cat_file(name) for name in fs.find(folder)}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 on Windows")
def test_s3_killed_and_gone_on_with(tmp_path: Path, model: Path, s3_store: Any) -> None:
    for number in range(8):
        write_picture(tmp_path / "in" / f"{number % 2}" / f"ü {number}.png", 900, 600)
    (tmp_path / "in" / "bad.jpg").write_bytes(b"no picture")
    s3_store.put(str(tmp_path / "in"), "archive/scans", recursive=True)
    invoke("colorize", "in", "-o", "whole", "-m", model)
    whole = {
        path.relative_to(tmp_path / "whole").as_posix(): path.read_bytes()
        for path in (tmp_path / "whole").rglob("*.png")
    }
    assert len(whole) == 8
    words = command(model, "s3://archive/scans", "s3://archive/color")
    for count in (1, 4):
        kill(words, lambda count=count: len(s3_store.find("archive/color")) >= count)  # type: ignore[misc]
        for name, data in objects(s3_store, "archive/color").items():
            assert whole[name] == data
    options = ("s3://archive/scans", "-o", "s3://archive/color", "-m", model, "--strict")
    done = invoke("colorize", *options, "--json")
    assert done.exit_code == 1, done.stderr
    assert objects(s3_store, "archive/color") == whole
    told = {line["input"]: line["status"] for line in map(json.loads, done.stdout.splitlines())}
    assert told["s3://archive/scans/bad.jpg"] == "failed"
    assert "s3://archive/scans/bad.jpg cannot be read" in done.stderr
    again = invoke("colorize", *options)
    assert "8 skipped, done before" in again.stderr
    check_mistake(invoke("colorize", "s3://nosuch/x", "-o", "out", "-m", model), "s3://nosuch/x")
