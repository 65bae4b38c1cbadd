"""``photochrom models``, and Caffe's files as a model of ``photochrom colorize``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom.errors import DownloadError
from photochrom.models import Model
from photochrom.models.card import FAMILIES
from photochrom.models.catalogue import CATALOGUE
from photochrom.models.registry import Registry
from tests.helpers.cli_model import (
    CARD,
    check_mistake,
    invoke,
    is_coloured,
    write_model,
    write_picture,
)

pytest.importorskip("onnx", reason="the tests' model is made with onnx")
SHARED = Path(__file__).parents[4] / "shared" / "fixtures" / "zhang16"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTOCHROM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


# --- list, info, pull ----------------------------------------------------------------------------


def test_list(home: Path) -> None:
    (home / "models").mkdir(parents=True)
    write_model(home / "models" / "mine.onnx")
    lines = invoke("models", "list").stdout.splitlines()
    assert " ".join(lines[:2]).split() == ["NAME", "WHERE", "SIZE", "TITLE", "LICENCE"]
    place = next(number for number, line in enumerate(lines) if line.startswith("mine "))
    mine = " ".join(lines[place : place + 2])
    assert mine.split() == ["mine", "user", "0.0", "MB", "A", "test", "CC0-1.0"]
    assert max(map(len, lines)) <= 80
    told = json.loads(invoke("models", "list", "--json").stdout)
    by_name = {entry["name"]: entry for entry in told}
    assert by_name["mine"]["path"] == str(home / "models" / "mine.onnx")
    assert by_name["zhang16"] == {
        "name": "zhang16",
        "where": "download",
        "path": None,
        "title": CATALOGUE["zhang16"].title,
        "licence": "BSD-2-Clause",
        "size": CATALOGUE["zhang16"].size,
    }


def test_info_of_a_file(tmp_path: Path) -> None:
    model = write_model(tmp_path / "tiny.onnx")
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    lines = invoke("models", "info", model).stdout.splitlines()
    text = "\n".join(lines).replace("\n ", " ")  # continued lines
    facts = dict(line.split(maxsplit=1) for line in text.splitlines())
    assert max(len(line) for line in lines if str(model) not in line) <= 80
    assert facts["name"] == "tiny"
    assert facts["sha256"] == digest
    assert facts["bytes"].startswith(f"{model.stat().st_size:,} ")
    assert facts["hints"] == "carried over surfaces by Photochrom"
    assert facts["distribution"] == "no"
    assert "CPUExecutionProvider" in facts["providers"]
    assert "scale" not in facts  # of no meaning to this family
    told = json.loads(invoke("models", "info", model, "--json").stdout)
    assert (told["sha256"], told["size"], told["fixed"]) == (digest, 64, None)


def test_info_of_a_model_to_download() -> None:
    text = invoke("models", "info", "zhang16").stdout
    assert "photochrom models pull zhang16" in text
    assert "BSD-2-Clause" in text
    told = json.loads(invoke("models", "info", "zhang16", "--json").stdout)
    assert {file["name"] for file in told["files"]} == {
        file.filename for file in CATALOGUE["zhang16"].files
    }


def test_info_of_nothing() -> None:
    check_mistake(invoke("models", "info", "zhang61"), "did you mean zhang16?")


def test_pull(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pull(self: Registry, name: str, *, offline: bool, progress: Any) -> Path:
        assert (name, offline) == ("zhang16", True)
        progress(0, 100)
        progress(100, 100)
        return self.user_dir / "zhang16.onnx"

    monkeypatch.setattr(Registry, "pull", pull)
    done = invoke("models", "pull", "zhang16", "--offline")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert str(home / "models" / "zhang16.onnx") in done.stderr
    assert "--model zhang16" in done.stderr


def test_pull_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    check_mistake(invoke("models", "pull", "nosuch"), "no model 'nosuch'")

    def fail(*args: Any, **options: Any) -> None:
        raise DownloadError("it failed", expected="a network", got="none", fix="go online")

    monkeypatch.setattr(Registry, "pull", fail)
    check_mistake(invoke("models", "pull", "zhang16"), "it failed", "go online", code=1)


# --- import of ONNX files ------------------------------------------------------------------------


def test_import_by_name(tmp_path: Path, home: Path) -> None:
    bare = write_model(tmp_path / "My Net_v2.onnx", None)
    before = bare.read_bytes()
    done = invoke("models", "import", bare, "--family", "plain")
    assert done.exit_code == 0, done.stderr
    target = home / "models" / "my-net_v2.onnx"
    told = f"{target} is a model of the family plain (lightness 0...100 -> ab / 128); use it with"
    assert f"{told} --model my-net_v2" in done.stderr
    card = Model(target).card
    assert (card.name, card.family, card.size, card.multiple) == ("my-net_v2", "plain", 256, 32)
    assert (card.fixed, card.hints) == (None, False)
    assert bare.read_bytes() == before
    assert target.read_bytes().startswith(before)
    assert [p.name for p in target.parent.iterdir()] == [target.name]
    write_picture(tmp_path / "a.png")
    assert invoke("colorize", "a.png", "--model", "my-net_v2").exit_code == 0
    assert is_coloured(tmp_path / "a-color.png")
    assert "my-net_v2" in invoke("models", "list").stdout


def test_import_reads_the_fixed_size(tmp_path: Path) -> None:
    bare = write_model(tmp_path / "bare.onnx", None, shape=(1, 1, 48, 64))
    options = ["--family", "plain", "-o", "out/b.onnx", "--name", "other"]
    assert invoke("models", "import", bare, *options).exit_code == 0
    card = Model(tmp_path / "out" / "b.onnx").card
    assert (card.name, card.fixed, card.size) == ("other", (48, 64), 64)


def test_import_settings(tmp_path: Path) -> None:
    bare = write_model(tmp_path / "bare.onnx", None)
    options = ["--size", 512, "--multiple", 16, "-o", "b.onnx"]
    assert invoke("models", "import", bare, "--family", "siggraph17", *options).exit_code == 0
    card = Model(tmp_path / "b.onnx").card
    assert (card.family, card.size, card.multiple) == ("siggraph17", 512, 16)


@pytest.mark.parametrize("scale", [1, 255])
def test_import_finds_the_scale_of_deoldify(tmp_path: Path, scale: int) -> None:
    grey = 0.5 * scale  # whatever goes in, mid-grey comes out
    bare = write_model(
        tmp_path / "bare.onnx", None, outputs=3, bias=(grey,), shape=("n", 3, "h", "w")
    )
    done = invoke("models", "import", bare, "--family", "deoldify", "-o", "b.onnx")
    assert done.exit_code == 0, done.stderr
    assert Model(tmp_path / "b.onnx").card.scale == scale
    wrong = ["--family", "deoldify", "--scale", 256 - scale, "-o", "c.onnx"]
    check_mistake(invoke("models", "import", bare, *wrong), f"{bare} works in another range")


def test_import_of_a_file_with_a_card(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny.onnx")
    assert invoke("models", "import", "tiny.onnx", "-o", "copy.onnx").exit_code == 0
    assert Model(tmp_path / "copy.onnx").card == CARD
    bare = write_model(tmp_path / "beside.onnx", None)
    bare.with_suffix(".toml").write_text('name = "b"\nfamily = "plain"\nsize = 32\n')
    assert invoke("models", "import", bare, "-o", "copy2.onnx").exit_code == 0
    assert Model(tmp_path / "copy2.onnx").card.size == 32
    check_mistake(
        invoke("models", "import", "tiny.onnx", "--family", "plain"),
        "tiny.onnx says itself what it is",
        "--family",
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["nothing to import"]),
        (["bare.onnx", "--prototxt", "x"], ["two models"]),
        (["bare.onnx"], ["bare.onnx does not say what it is", *FAMILIES]),
        (["bare.onnx", "--family", "plane"], ["--family", "plane", "did you mean plain?"]),
        (["bare.onnx", "--family", "deoldify"], ["bare.onnx is not of the family deoldify"]),
        (["bare.onnx", "--family", "plain", "--name", "Über"], ["name cannot be used"]),
        (["bare.onnx", "--family", "plain", "--name", "bundled"], ["name cannot be used"]),
        (["bare.onnx", "--family", "plain", "--scale", "255"], ["scale", "deoldify"]),
        (["bare.onnx", "--family", "deoldify", "--scale", "7"], ["--scale", "1 or 255"]),
        (["bare.onnx", "--family", "plain", "-o", "x.bin"], [".onnx"]),
        (["bare.onnx", "--family", "plain", "-o", "bare.onnx"], ["exists already"]),
        (["bare.onnx", "--family", "plain", "--size", "0"], ["--size"]),
        (["missing.onnx", "--family", "plain"], ["missing.onnx", "does not exist"]),
        (["broken.onnx", "--family", "plain"], ["broken.onnx cannot be read"]),
        (["nan.onnx", "--family", "plain"], ["the model nan", "not finite"]),
        (["--prototxt", "p", "--points", "q"], ["three files", "2 of them"]),
    ],
)
def test_import_mistakes(
    tmp_path: Path, home: Path, arguments: list[str], words: list[str]
) -> None:
    write_model(tmp_path / "bare.onnx", None)
    write_model(tmp_path / "nan.onnx", None, bias=(float("nan"),))
    (tmp_path / "broken.onnx").write_bytes(b"\0" * 100)
    check_mistake(invoke("models", "import", *arguments), *words)
    left = [p for p in home.rglob("*") if p.is_file()]
    assert left == []
    assert len(list(tmp_path.glob("*.onnx"))) == 3


def test_import_replaces_only_when_told(tmp_path: Path, home: Path) -> None:
    bare = write_model(tmp_path / "bare.onnx", None)
    for expected in (0, 2):
        assert invoke("models", "import", bare, "--family", "plain").exit_code == expected
    broken = write_model(tmp_path / "bare2.onnx", None, outputs=3)
    before = (home / "models" / "bare.onnx").read_bytes()
    options = ["--family", "plain", "--name", "bare", "--overwrite"]
    check_mistake(invoke("models", "import", broken, *options), "does not fit any family")
    assert (home / "models" / "bare.onnx").read_bytes() == before
    assert invoke("models", "import", bare, *options, "--size", 64).exit_code == 0
    assert Model(home / "models" / "bare.onnx").card.size == 64


# --- Caffe ---------------------------------------------------------------------------------------


@pytest.fixture
def caffe(tmp_path: Path) -> list[object]:
    pytest.importorskip("google.protobuf", reason="Caffe's files are read with protobuf")
    from tests.helpers.caffe_small import small_files

    files = small_files(tmp_path)
    return ["--prototxt", files.prototxt, "--model", files.caffemodel, "--points", files.points]


def test_students_command_line(tmp_path: Path, home: Path, caffe: list[object]) -> None:
    source = write_picture(tmp_path / "grandma.jpg")
    done = invoke("colorize", "--image", source, *caffe)
    assert done.exit_code == 0, done.stderr
    note, line = done.stderr.splitlines()
    (kept,) = (home / "caffe").iterdir()
    assert note == f"imported a.caffemodel, once for all: {kept}"
    assert line.startswith(f"{source} -> {tmp_path / 'grandma-color.jpg'} (48x32")
    assert is_coloured(tmp_path / "grandma-color.jpg")

    again = invoke("colorize", "--image", source, *caffe, "--overwrite", "--json")
    assert len(again.stderr.splitlines()) == 1  # not imported again
    assert json.loads(again.stdout)["model"] == "zhang16"


def test_short_names_of_the_flags(tmp_path: Path, caffe: list[object]) -> None:
    short = {"--prototxt": "-p", "--model": "-m", "--points": "-c"}
    write_picture(tmp_path / "a.png")
    done = invoke("colorize", "-i", "a.png", *(short.get(str(word), word) for word in caffe))
    assert done.exit_code == 0, done.stderr


def test_other_files_are_imported_anew(tmp_path: Path, home: Path, caffe: list[object]) -> None:
    write_picture(tmp_path / "a.png")
    invoke("colorize", "a.png", *caffe)
    (first,) = (home / "caffe").iterdir()
    outdated = first.with_name(first.name.split("-")[0] + "-0.0.1.onnx")
    first.rename(outdated)
    invoke("colorize", "a.png", *caffe, "--overwrite")
    assert list((home / "caffe").iterdir()) == [first]  # another version's has gone
    points = Path(str(caffe[-1]))
    np.save(points, np.load(points)[::-1])
    invoke("colorize", "a.png", *caffe, "--overwrite")
    assert len(list((home / "caffe").iterdir())) == 2


def test_caffe_mistakes(tmp_path: Path, home: Path, caffe: list[object]) -> None:
    write_picture(tmp_path / "a.png")
    check_mistake(invoke("colorize", "a.png", *caffe[:4]), "three files", "no --points")
    check_mistake(invoke("colorize", "a.png", *caffe[2:4]), "no --prototxt FILE and no --points")
    wrong = [*caffe[:5], "missing.npy"]
    check_mistake(invoke("colorize", "a.png", *wrong), "missing.npy", "No such file", code=1)
    swapped = [*caffe[:1], caffe[5], *caffe[2:5], caffe[1]]
    check_mistake(invoke("colorize", "a.png", *swapped), code=1)
    assert not (home / "caffe").exists() or list((home / "caffe").iterdir()) == []


def test_import_caffe(tmp_path: Path, home: Path, caffe: list[object]) -> None:
    words = ["--caffemodel" if word == "--model" else word for word in caffe]
    done = invoke("models", "import", *words)
    assert done.exit_code == 0, done.stderr
    assert Model(home / "models" / "zhang16.onnx").card.family == "zhang16"
    write_picture(tmp_path / "a.png")
    assert invoke("colorize", "a.png", "--model", "zhang16").exit_code == 0
    assert invoke("models", "import", *words, "-o", "z.onnx").exit_code == 0
    assert (tmp_path / "z.onnx").is_file()
    check_mistake(invoke("models", "import", *words, "--size", 64, "-o", "y.onnx"), "--size")


@pytest.mark.slow
def test_published_prototxt(tmp_path: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip("the published prototxt is not in ../shared")
    pytest.importorskip("google.protobuf", reason="Caffe's files are read with protobuf")
    from tests.helpers import caffe_writer as writer

    prototxt, points = SHARED / "colorization_deploy_v2.prototxt", SHARED / "pts_in_hull.npy"
    net = writer.read_net(prototxt)
    weights = writer.caffemodel_bytes(net, writer.zhang16_weights(net, 1))
    (tmp_path / "w.caffemodel").write_bytes(weights)
    write_picture(tmp_path / "a.png")
    flags = ["--prototxt", prototxt, "--model", "w.caffemodel", "--points", points]
    done = invoke("colorize", "--image", "a.png", *flags)
    assert done.exit_code == 0, done.stderr
    assert is_coloured(tmp_path / "a-color.png")
