"""``photochrom evaluate``."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.cli_model import check_mistake, invoke, write_model

pytest.importorskip("onnx", reason="the tests' model is made with onnx")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOCHROM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four colour pictures in two folders."""
    for number in range(4):
        place = tmp_path / "set" / ("inner" if number % 2 else ".")
        place.mkdir(parents=True, exist_ok=True)
        y, x = np.mgrid[0:60, 0:80]
        rgb = np.stack([3 * x, 4 * y, (x + y * number) % 256], -1).astype(np.uint8)
        Image.fromarray(rgb).save(place / f"{number}.png")
    return tmp_path / "set"


def test_table(folder: Path, model: Path) -> None:
    done = invoke("evaluate", folder, "-m", model, "--size", 64)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    (head,) = (line for line in lines if "truth" in line)
    assert head.split() == ["grey", "mean", "colour", "tiny", "truth"]
    (balanced,) = (line for line in lines if line.startswith("AuC, class-balanced"))
    assert len(balanced.split()) == 6
    assert sum("gain over grey" in line for line in lines) == 2
    assert done.stderr.startswith("set: 4 pictures at 64 x 64 pixels; ")
    assert done.stderr.splitlines()[1].startswith("by CIEDE2000, ")


def test_a_broken_picture_is_named(folder: Path, model: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff and nothing")
    Image.new("L", (40, 40), 80).save(folder / "grey.png")
    done = invoke("evaluate", folder, "-m", model, "--size", 64)
    assert done.exit_code == 1
    assert "AuC, all pixels" in done.stdout
    first, _, second, third = done.stderr.splitlines()
    assert "5 pictures" in first
    assert "1 of them nearly grey" in first
    assert second == "1 picture could not be read:"
    assert third.startswith(f"  {folder / 'broken.jpg'} cannot be read: expected ")


def test_json(folder: Path, model: Path) -> None:
    options = ["--json", "--limit", 3, "--seed", 5, "--hints", 1, "--size", 64]
    done = invoke("evaluate", folder, "--model", model, *options)
    assert done.exit_code == 0, done.stderr
    (values,) = json.loads(done.stdout)["sets"]
    assert values["pictures"] == 3
    assert values["seed"] == 5
    assert [score["name"] for score in values["scores"]] == ["grey", "mean colour", "tiny"]
    assert [step["hints"] for step in values["scores"][2]["hints"]] == [0, 1, 2, 5, 10, 20, 50]


@pytest.fixture
def zipped(folder: Path, tmp_path: Path) -> Path:
    """The two pictures of the upper folder."""
    with zipfile.ZipFile(tmp_path / "half.zip", "w") as archive:
        for path in folder.glob("*.png"):
            archive.write(path, path.name)
    return tmp_path / "half.zip"


def test_two_models_on_two_sets_one_by_one(folder: Path, zipped: Path, model: Path) -> None:
    other = write_model(folder.parent / "other.onnx", bias=(-0.2, 0.1))
    options = ["-m", model, "-m", other, "--size", 64, "-o", "page.html", "-o", "sets.json"]
    done = invoke("evaluate", folder, zipped, *options)
    assert done.exit_code == 0, done.stderr
    heads = [line.split()[:2] for line in done.stdout.splitlines() if "truth" in line]
    assert heads == [["set", "grey"], ["half", "grey"], ["set", "by"]]
    beside = done.stdout.partition("set by set")[2].splitlines()[1:]
    assert [line.split()[0] for line in beside if line.startswith("    ")] == ["set", "half"] * 4
    told = done.stderr.splitlines()
    assert told[0].startswith("set: 4 pictures")
    assert told[1].startswith("set: by CIEDE2000, ")
    assert told[2].startswith("half: 2 pictures")
    text = Path("page.html").read_text(encoding="utf-8")
    assert text.count("<img ") == (4 + 2) * 4
    assert "http://" not in text
    sets = json.loads(Path("sets.json").read_text())["sets"]
    assert [(each["name"], each["pictures"]) for each in sets] == [("set", 4), ("half", 2)]


def test_sets_are_pooled_only_if_that_is_asked_for(folder: Path, zipped: Path, model: Path) -> None:
    done = invoke("evaluate", folder, zipped, "--pool", "-m", model, "--size", 64, "--json")
    assert done.exit_code == 0, done.stderr
    (values,) = json.loads(done.stdout)["sets"]
    assert (values["name"], values["pictures"]) == ("set + half", 6)


def test_perceptual_without_the_extra(
    folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    done = invoke("evaluate", folder, "-m", model, "--perceptual")
    check_mistake(done, "torchmetrics", 'pip install "photochrom[evaluate]"')


def test_another_tool(folder: Path, tmp_path: Path) -> None:
    done = invoke("evaluate", folder, "--size", 64, "--inputs", "grey")
    assert done.exit_code == 0, done.stderr
    assert done.stderr == "4 grey squares are in grey; colour them, then give --results\n"
    done = invoke("evaluate", folder, "--size", 64, "--results", "grey", "-o", "r.md")
    assert done.exit_code == 0, done.stderr
    (head,) = (line for line in done.stdout.splitlines() if "truth" in line)
    assert head.split() == ["grey", "mean", "colour", "grey", "2", "truth"]
    assert "| CIEDE2000 |" in (tmp_path / "r.md").read_text("utf-8")


def test_mistakes(folder: Path, model: Path, tmp_path: Path) -> None:
    check_mistake(invoke("evaluate"), "FOLDER", "--help")
    check_mistake(invoke("evaluate", "nowhere", "-m", model), "nowhere does not exist")
    check_mistake(invoke("evaluate", folder, "-m", "nobody"), "nobody")
    check_mistake(invoke("evaluate", folder, "-m", model, "--size", 8), "32 to 2048 pixels")
    check_mistake(invoke("evaluate", folder, "-m", model, "--limit", 0), "--limit")
    page = invoke("evaluate", folder, "-m", model, "-o", "no/page.html")
    check_mistake(page, "page.html cannot be written", "folder does not exist")
    (tmp_path / "empty").mkdir()
    check_mistake(invoke("evaluate", "empty", "-m", model), "there is no picture in empty")
    Image.new("L", (40, 40), 80).save(tmp_path / "empty" / "a.png")
    check_mistake(invoke("evaluate", "empty", "-m", model), "no colour picture")
