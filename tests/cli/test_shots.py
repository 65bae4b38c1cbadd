"""``photochrom shots``, and films made of its lists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.cli_model import check_mistake, invoke, write_model
from tests.helpers.video_files import Recipe, Sound, make_film

pytest.importorskip("onnx", reason="the tests' model is made with onnx")

TIMES = tuple(range(0, 20 * 512, 512))


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTOCHROM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return write_model(tmp_path / "tiny.onnx")


@pytest.fixture(autouse=True)
def film(model: Path) -> Path:
    return make_film(Path("a.mp4"), Recipe(times=TIMES, sounds=(Sound(),)))


def test_a_sheet_and_a_film_of_its_list(model: Path) -> None:
    done = invoke("shots", "a.mp4", "-o", "sheet", "-m", model)
    assert done.exit_code == 0, done.stderr
    assert "a.mp4 -> sheet/shots.html (1 shot)" in done.stderr
    data = json.loads(Path("sheet/shots.json").read_text())
    (shot,) = data["shots"]
    assert Path("sheet", shot["picture"]).is_file()
    assert shot["colors"]
    assert shot["confidence"] is None  # this model does not tell
    page = Path("sheet/shots.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 1
    assert "http" not in page.replace("https://", "http")
    check_mistake(invoke("shots", "a.mp4", "-o", "sheet", "-m", model), "--overwrite")

    command = ("colorize", "a.mp4", "-m", model, "--shots", "sheet/shots.json", "--overwrite")
    assert invoke(*command).exit_code == 0
    before = Path("a-color.mp4").read_bytes()
    assert Path(".a-color.mp4.shots.parts").is_dir()
    again = invoke(*command)
    assert "20 of 20 frames, of shots that did not change" in again.stderr
    assert Path("a-color.mp4").read_bytes() == before
    shot["hints"] = [{"x": 30, "y": 20, "color": "red"}]
    Path("sheet/shots.json").write_text(json.dumps(data))
    assert invoke(*command).exit_code == 0
    assert Path("a-color.mp4").read_bytes() != before
    look = invoke("shots", "a.mp4", "-o", "look", "-m", model, "--shots", "sheet/shots.json")
    assert look.exit_code == 0
    assert "<dt>hints</dt><dd>1</dd>" in Path("look/shots.html").read_text()
    assert json.loads(Path("look/shots.json").read_text())["shots"][0]["hints"]
    assert invoke("colorize", "a.mp4", "-m", model, "--overwrite").exit_code == 0
    assert not Path(".a-color.mp4.shots.parts").exists()


def test_hints_with_a_time(model: Path) -> None:
    Path("hints.json").write_text('[{"x": 30, "y": 20, "color": "red", "time": "2f"}]')
    for name, hint in (("one.mp4", "2f:30,20,red"), ("two.mp4", "hints.json")):
        done = invoke("colorize", "a.mp4", "-m", model, "-o", name, "--hint", hint)
        assert done.exit_code == 0, done.stderr
    assert Path("one.mp4").read_bytes() == Path("two.mp4").read_bytes()


def test_dry_run(model: Path) -> None:
    before = sorted(Path().iterdir())
    done = invoke("colorize", "a.mp4", "-m", model, "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert "a.mp4 -> a-color.mp4\n  20 frames, 64x48, 24 frames/s\n  copied: audio" in done.stdout
    told = json.loads(invoke("colorize", "a.mp4", "-m", model, "--dry-run", "--json").stdout)
    assert (told["frames"], told["output"], told["shots"]) == (20, "a-color.mp4", 1)
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--hint", "30,20,red"), "the time"),
        (("--hint", "later:30,20,red"), "300f"),
        (("--hint", "none.json"), "none.json"),
        (("--shots", "none.json"), "none.json"),
        (("--shots", "a.mp4"), "photochrom shots"),
    ],
)
def test_mistakes(model: Path, arguments: tuple[str, ...], words: str) -> None:
    check_mistake(invoke("colorize", "a.mp4", "-m", model, *arguments), words)
    assert not Path("a-color.mp4").exists()


def test_times_are_for_one_film(model: Path) -> None:
    make_film(Path("b.mp4"), Recipe(times=TIMES))
    done = invoke("colorize", "a.mp4", "b.mp4", "-o", "out", "-m", model, "--hint", "1:3,3,red")
    check_mistake(done, "one film")
