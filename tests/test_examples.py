"""The scripts of `examples/` do what their first lines say."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers.cli_model import is_coloured, write_picture

Run = Callable[..., None]
EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a script as ``python examples/NAME ARGUMENTS`` does."""

    def run(name: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")

    return run


def test_each_script_is_run_here() -> None:
    named = Path(__file__).read_text(encoding="utf-8")
    scripts = sorted(path.name for path in EXAMPLES.glob("*.py"))
    assert len(scripts) == 6
    assert [name for name in scripts if f'run("{name}"' not in named] == []


def test_one_picture(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_picture(tmp_path / "old.png")
    run("one_picture.py", source, tmp_path / "new.png")
    assert is_coloured(tmp_path / "new.png")
    assert "48 x 32 pixels" in capsys.readouterr().out


def test_hints(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_picture(tmp_path / "old.png", 96, 64)
    run("hints.py", source, tmp_path, "20,20,#a02020", "70,40,#2020a0")
    assert is_coloured(tmp_path / "hints-1.png")
    assert (tmp_path / "hints-1.png").read_bytes() != (tmp_path / "hints-2.png").read_bytes()
    assert capsys.readouterr().out.count("#") >= 2


def test_archive(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_picture(tmp_path / "scans" / "1923" / "a.png")
    write_picture(tmp_path / "scans" / "b.jpg")
    (tmp_path / "scans" / "c.jpg").write_bytes(b"\xff\xd8\xff and nothing")
    run("archive.py", tmp_path / "scans", tmp_path / "color")
    assert is_coloured(tmp_path / "color" / "1923" / "a.png")
    assert is_coloured(tmp_path / "color" / "b.jpg")
    first, *_, last = capsys.readouterr().out.splitlines()
    assert (first, last) == ("3 files to colour", "2 pictures, 0 films, 1 failed")


def test_film(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="needs PyAV (extra video)")
    pytest.importorskip("cv2", reason="needs OpenCV (extra video)")
    from tests.helpers.video_files import Recipe, make_film

    source = make_film(tmp_path / "old.mp4", Recipe(times=tuple(range(0, 4 * 512, 512))))
    run("film.py", source, tmp_path / "new.mp4")
    assert (tmp_path / "new.mp4").stat().st_size > 1000


@pytest.mark.slow
def test_own_training(run: Run, tmp_path: Path) -> None:
    for package in ("torch", "lightning", "onnxscript", "matplotlib", "safetensors"):
        pytest.importorskip(package, reason=f"needs {package} (extra train)")
    from tests.helpers.training_pictures import fill

    fill(tmp_path / "set", 8)
    old = write_picture(tmp_path / "old.jpg")
    run("own_training.py", tmp_path / "set", tmp_path / "mine", old, 1)
    with Image.open(tmp_path / "mine" / "colored.jpg") as image:
        assert image.size == (48, 32)


@pytest.mark.slow
def test_own_network(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for package in ("torch", "torchvision", "lightning", "onnxscript", "matplotlib", "safetensors"):
        pytest.importorskip(package, reason=f"needs {package} (extra train)")
    from tests.helpers.training_pictures import fill

    fill(tmp_path / "set", 8)
    run("own_network.py", tmp_path / "set", tmp_path / "mine", 1)
    printed = capsys.readouterr().out
    assert "middle grey becomes ab [" in printed
    assert printed.splitlines()[-1].endswith("model.onnx is of the family plain")


def test_the_notebook(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its cells in their order, as Jupyter runs them; it is kept without outputs."""
    cells = json.loads((EXAMPLES / "tour.ipynb").read_text("utf-8"))["cells"]
    monkeypatch.chdir(EXAMPLES)
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            exec("".join(cell["source"]), names)
    assert str(names["color"].dtype) == "float16"  # type: ignore[attr-defined]
    out = capsys.readouterr().out
    assert out.count("%") >= 3
    assert out.count("CIEDE2000") == 4
