"""``photochrom colorize`` on single pictures, its options and its mistakes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photochrom.picture import MAX_PIXELS
from tests.helpers import tiny_models as tiny
from tests.helpers.cli_model import (
    check_mistake,
    grey_picture,
    invoke,
    is_coloured,
    launch,
    pixels,
    write_picture,
)

pytest.importorskip("onnx", reason="the tests' model is made with onnx")
BUNDLED = Path(__file__).parents[2] / "src" / "photochrom" / "models" / "bundled"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTOCHROM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


# --- one picture ---------------------------------------------------------------------------------


def test_beside_the_input(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "grandma.jpg")
    before = source.read_bytes()
    result = invoke("colorize", source, "--model", model)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    line = f"{source} -> {tmp_path / 'grandma-color.jpg'} (48x32, "
    assert result.stderr.startswith(line)
    assert len(result.stderr.splitlines()) == 1
    assert is_coloured(tmp_path / "grandma-color.jpg")
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("a.JPEG", "a-color.JPEG"),
        ("b c.tif", "b c-color.tif"),
        ("Großmutter 1.png", "Großmutter 1-color.png"),
        ("祖母.webp", "祖母-color.webp"),
        ("old.gif", "old-color.png"),
        ("scan.1923", "scan.1923-color.png"),
        ("plain", "plain-color.png"),
    ],
)
def test_names(tmp_path: Path, model: Path, name: str, result: str) -> None:
    format = {"a.JPEG": "JPEG", "scan.1923": "PNG", "plain": "PNG"}.get(name)
    write_picture(tmp_path / "in" / name, format=format)
    done = invoke("colorize", tmp_path / "in" / name, "-m", model)
    assert done.exit_code == 0, done.stderr
    assert {p.name for p in (tmp_path / "in").iterdir()} == {name, result}
    assert is_coloured(tmp_path / "in" / result)


def test_output_file_folder_and_new_folder(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "a.png")
    (tmp_path / "there").mkdir()
    for output, result in {
        "b.webp": "b.webp",
        "there": "there/a.png",
        "new/deep/": "new/deep/a.png",
        "new/other/c.tif": "new/other/c.tif",
    }.items():
        done = invoke("colorize", source, "-m", model, "-o", output)
        assert done.exit_code == 0, done.stderr
        assert is_coloured(tmp_path / result)


def test_every_page(tmp_path: Path, model: Path) -> None:
    pages = [grey_picture(), grey_picture(30, 60), grey_picture(20, 20)]
    pages[0].save(tmp_path / "album.tif", save_all=True, append_images=pages[1:])
    done = invoke("colorize", tmp_path / "album.tif", "-m", model, "--json")
    assert json.loads(done.stdout)["pages"] == 3
    assert "(3 pages, 48x32, " in done.stderr
    with Image.open(tmp_path / "album-color.tif") as image:
        assert image.n_frames == 3  # type: ignore[attr-defined]
        for number, page in enumerate(pages):
            image.seek(number)
            assert image.size == page.size
            assert np.ptp(np.asarray(image.convert("RGB")).astype(int), axis=2).max() > 20


def test_existing_output(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "a.png")
    (tmp_path / "a-color.png").write_text("precious")
    check_mistake(invoke("colorize", source, "-m", model), "a-color.png exists", "--overwrite")
    assert (tmp_path / "a-color.png").read_text() == "precious"
    assert invoke("colorize", source, "-m", model, "--overwrite").exit_code == 0
    assert is_coloured(tmp_path / "a-color.png")


def test_the_input_is_never_overwritten(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "a.png")
    (tmp_path / "link.png").symlink_to(source)
    before = source.read_bytes()
    for output in ("a.png", "link.png", "."):
        result = invoke("colorize", source, "-m", model, "-o", output, "--overwrite")
        check_mistake(result, "cannot be used", "picture that is to be read")
    assert source.read_bytes() == before


def test_compare(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "wide.png", 3000, 300)
    done = invoke("colorize", source, "-m", model, "--compare", "--json")
    assert json.loads(done.stdout)["compare"] == str(tmp_path / "wide-compare.png")
    both = pixels(tmp_path / "wide-compare.png")
    assert both.shape[1] <= 2000
    assert both.dtype == int
    assert abs(both.shape[1] / both.shape[0] - 5) < 0.1  # 10:1 above 10:1
    half = both.shape[0] // 2
    assert (both[half - 1 : half + 1] == 255).all()
    assert np.ptp(both[: half - 3], axis=2).max() == 0
    assert np.ptp(both[half + 3 :], axis=2).min() > 5


def test_compare_beside_a_named_output(tmp_path: Path, model: Path) -> None:
    Image.fromarray(np.full((20, 30), 30000, np.uint16)).save(tmp_path / "deep.tif")
    done = invoke("colorize", "deep.tif", "-m", model, "--compare", "-o", "x/y.tif")
    assert done.exit_code == 0, done.stderr
    assert {p.name for p in (tmp_path / "x").iterdir()} == {"y.tif", "y-compare.png"}
    with Image.open(tmp_path / "x" / "y-compare.png") as image:
        assert image.mode == "RGB"  # 8 bits


def test_hint_colours_its_place(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "a.png", 200, 100)
    invoke("colorize", source, "-m", model, "-o", "plain.png")
    hints = ["--hint", "20,50,#0000ff,12", "--hint", "180,50,#00c000"]
    assert invoke("colorize", source, "-m", model, "-o", "hinted.png", *hints).exit_code == 0
    change = pixels(tmp_path / "hinted.png") - pixels(tmp_path / "plain.png")
    assert change[50, 20, 2] > 40
    assert change[50, 180, 1] > change[50, 180, 2]


def test_vividness_and_size(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "a.png")
    spreads = []
    for vividness in (0, 0.5, 1):
        name = tmp_path / f"{vividness}.png"
        done = invoke("colorize", source, "-m", model, "--vividness", vividness, "-o", name)
        assert done.exit_code == 0
        spreads.append(np.ptp(pixels(name), axis=2).mean())
    assert spreads[0] == 0
    assert 5 < spreads[1] < 0.8 * spreads[2]
    done = invoke("colorize", source, "-m", model, "--size", 128, "-o", "sized.png")
    assert done.exit_code == 0


def test_quality(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "a.png", 300, 300)
    for quality in (30, 98):
        invoke("colorize", source, "-m", model, "--quality", quality, "-o", f"{quality}.webp")
    assert (tmp_path / "30.webp").stat().st_size * 2 < (tmp_path / "98.webp").stat().st_size


def test_max_pixels(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "a.png")
    check_mistake(invoke("colorize", source, "-m", model, "--max-pixels", 1000), "1,536", code=1)
    assert not (tmp_path / "a-color.png").exists()
    assert invoke("colorize", source, "-m", model, "--max-pixels", 1536).exit_code == 0
    assert MAX_PIXELS == 500_000_000  # as the help says


def test_note_in_the_metadata(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "a.jpg")
    invoke("colorize", source, "-m", model)
    assert b"Photochrom, model tiny" in (tmp_path / "a-color.jpg").read_bytes()


def test_versions(tmp_path: Path) -> None:
    model = tiny.photochrom(tmp_path / "tiny.onnx")
    source = write_picture(tmp_path / "a.png")
    result = invoke("colorize", source, "--versions", "2", "-m", model, "-o", "out")
    assert result.exit_code == 0, result.stderr
    lines = result.stderr.splitlines()
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files == [f"a-version-{n}.png" for n in range(1, len(lines) + 1)]
    assert 1 <= len(lines) <= 2
    assert all(" -> " in line and ": " in line for line in lines)
    check_mistake(invoke("colorize", "no.png", "--versions", "2", "-m", model), "no.png")
    check_mistake(invoke("colorize", model, "--versions", "2", "-m", model), "expected a picture")


def test_a_reference(tmp_path: Path) -> None:
    model = tiny.photochrom(tmp_path / "tiny.onnx", features=True)
    source = write_picture(tmp_path / "a.png")
    grey = np.asarray(Image.open(source).convert("L"))
    Image.fromarray(np.stack([grey // k for k in (1, 2, 3)], 2)).save("reference.png")
    plain = invoke("colorize", source, "-m", model, "-o", "plain.png")
    lent = invoke("colorize", source, "-m", model, "-o", "lent.png", "--reference", "reference.png")
    assert plain.exit_code == lent.exit_code == 0, lent.stderr
    assert not np.array_equal(pixels(tmp_path / "plain.png"), pixels(tmp_path / "lent.png"))
    failed = invoke("colorize", source, "-m", model, "-o", "b.png", "--reference", "no.png")
    assert failed.exit_code != 0
    assert "no.png" in failed.stderr


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["nothing to colour"]),
        (["missing.jpg"], ["missing.jpg", "no such file"]),
        (["a.png", "-m", "nosuch"], ["no model 'nosuch'", "bundled"]),
        (["a.png", "-m", "nosuch.onnx"], ["nosuch.onnx does not exist"]),
        (["a.png", "-m", "a.png/x"], ["does not exist"]),
        (["a.png", "--vividness", "5"], ["vividness", "0...4", "got 5"]),
        (["a.png", "--vividness", "nan"], ["vividness"]),
        (["a.png", "--vividness", "much"], ["--vividness"]),
        (["a.png", "--size", "100000"], ["input size", "4096"]),
        (["a.png", "--quality", "101"], ["--quality", "100"]),
        (["a.png", "--max-pixels", "0"], ["--max-pixels"]),
        (["a.png", "--hint", "3,4,redish"], ["hint", "x,y,COLOUR"]),
        (["a.png", "--hint", "48,4,#ff0000"], ["outside", "0...47"]),
        (["a.png", "--no-such-option"], ["--no-such-option"]),
        (["a.png", "-o", "b.gif"], ["b.gif", ".png"]),
        (["a.png", "-o", "b"], ["no suffix", "b/"]),
        (["a.png", "b.png", "-o", "c.png"], ["c.png", "a folder"]),
        (["a.png", "b.png", "-o", "tiny.onnx"], ["tiny.onnx", "a folder"]),
        (["empty"], ["nothing to colour", "none in empty"]),
        (["a.png", "--prototxt", "p"], ["three files", "no --model", "no --points"]),
    ],
)
def test_mistakes(tmp_path: Path, model: Path, arguments: list[str], words: list[str]) -> None:
    write_picture(tmp_path / "a.png")
    write_picture(tmp_path / "b.png")
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.iterdir())
    if "-m" not in arguments:
        arguments = [*arguments, "-m", str(model)]
    check_mistake(invoke("colorize", *arguments), *words)
    assert sorted(tmp_path.iterdir()) == before


def test_model_that_is_none(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    (tmp_path / "broken.onnx").write_bytes(b"\0" * 100)
    check_mistake(invoke("colorize", "a.png", "-m", "broken.onnx"), "broken.onnx cannot be read")


def test_unknown_commands_and_no_command() -> None:
    check_mistake(invoke("colourise"), "No such command")
    assert "colorize" in invoke().stdout
    assert "import" in invoke("models").stdout


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only to root"
)
def test_read_only_folder(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "in" / "a.png")
    (tmp_path / "in").chmod(0o555)
    try:
        check_mistake(invoke("colorize", source, "-m", model), "cannot be written", code=1)
    finally:
        (tmp_path / "in").chmod(0o755)


def test_full_disk(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("photochrom.pipeline.save_pages", full)
    source = write_picture(tmp_path / "in" / "a.png")
    check_mistake(invoke("colorize", source, "-m", model), "No space left", code=1)
    assert [p.name for p in (tmp_path / "in").iterdir()] == ["a.png"]


# --- the whole -----------------------------------------------------------------------------------


HEAVY = ["onnxruntime", "onnx", "torch", "google.protobuf", "pillow_heif", "av", "fastapi", "ray"]


def test_help_loads_nothing_heavy() -> None:
    code = f"""
import sys
from photochrom.cli import main
sys.argv[1:] = ["colorize", "--help"]
try:
    main()
except SystemExit as error:
    assert error.code == 0
print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
"""
    done = launch(code=code)
    assert done.stderr.decode().strip() == "[]"
    assert b"--vividness" in done.stdout


def test_version() -> None:
    from photochrom import __version__

    assert launch("--version").stdout.decode().strip() == f"photochrom {__version__}"


@pytest.mark.skipif(
    not (BUNDLED / "photochrom.onnx").is_file(), reason="the bundled model is not in the tree"
)
def test_bundled_model(tmp_path: Path) -> None:
    source = write_picture(tmp_path / "a.jpg", 320, 240)
    done = invoke("colorize", source, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "ok"
    with Image.open(tmp_path / "a-color.jpg") as image:
        assert (image.mode, image.size) == ("RGB", (320, 240))
