"""``photochrom evaluate-video``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import photochrom.evaluate.films.moving_clips
from tests.helpers import tiny_models
from tests.helpers.cli_model import check_mistake, invoke
from tests.helpers.film_files import colour_frames, write_film

pytest.importorskip("cv2", reason="measures motion with OpenCV (extra video)")

Array = NDArray[Any]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOCHROM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steady result is replaced by one that is known: as each frame alone, but all red."""

    def colorize_frames(frames: Iterable[Array], colorizer: Any, options: Any) -> Iterator[Array]:
        for grey in frames:
            assert colorizer.model.card.name == "tiny"
            assert grey.dtype == np.uint8
            yield np.stack([grey, grey // 2, grey // 2], -1)

    monkeypatch.setattr("photochrom.video.colorize_frames.colorize_frames", colorize_frames)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_film(tmp_path / "film.mkv", colour_frames(7))


@pytest.mark.usefixtures("quick")
def test_table(film: Path, model: Path) -> None:
    done = invoke("evaluate-video", film, "-m", model)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["grey", "each", "frame", "alone", "steady", "truth"]
    (cdc,) = (line for line in lines if line.startswith("CDC"))
    assert all(float(cell) > 0 for cell in cdc.split()[1:])
    assert len(lines) == 2 + 8
    assert done.stderr == "1 clip, 7 frames, 64 x 48 pixels\n"


@pytest.mark.usefixtures("quick")
def test_json_of_several_clips(film: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    for place, rgb in enumerate(colour_frames(5)):
        Image.fromarray(rgb).save(tmp_path / "frames" / f"{place}.png")
    done = invoke("evaluate-video", film, "frames", "--model", model, "--limit", 6, "--json")
    assert done.exit_code == 0, done.stderr
    values = json.loads(done.stdout)
    assert [(c["name"], c["frames"]) for c in values["clips"]] == [(str(film), 6), ("frames", 5)]
    names = ["grey", "each frame alone", "steady", "truth"]
    assert [score["name"] for score in values["mean"]] == names
    alone, steady = values["mean"][1:3]
    assert alone["psnr_ab"] != steady["psnr_ab"]
    assert steady["cf"] > 10
    by_clip = [clip["scores"][2]["psnr"] for clip in values["clips"]]
    assert steady["psnr"] == pytest.approx(sum(by_clip) / 2)


@pytest.mark.usefixtures("quick")
def test_motion_and_strips(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios = photochrom.evaluate.films.moving_clips.SCENARIOS
    monkeypatch.setattr(photochrom.evaluate.films.moving_clips, "SCENARIOS", scenarios[:2])
    (tmp_path / "set").mkdir()
    for place in range(2):
        Image.fromarray(colour_frames(1)[0][:, :: 1 - 2 * place]).save(f"set/{place}.png")
    options = ["--seed", 2, "--limit", 3, "--output", "strips", "-m", model]
    done = invoke("evaluate-video", "--motion", "set", *options)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2 + 8 * 3
    assert lines[3].startswith("    slow pan ")
    assert lines[4].startswith("    fast pan ")
    assert sorted(p.name for p in Path("strips").iterdir()) == ["fast-pan.png", "slow-pan.png"]
    assert done.stderr.startswith("2 clips, 6 frames, 384 x 256 pixels; ")


def test_as_photochrom_colours_films(film: Path, tmp_path: Path) -> None:
    """With the film pipeline itself."""
    model = tiny_models.photochrom(tmp_path / "tiny.onnx")
    done = invoke("evaluate-video", film, "-m", model, "--json")
    assert done.exit_code == 0, done.stderr
    (clip,) = json.loads(done.stdout)["clips"]
    assert clip["frames"] == 7
    _, alone, steady, _ = clip["scores"]
    assert steady["cf"] > 1
    assert steady["psnr"] > 10
    assert alone["warp_ab"] > 0


@pytest.mark.usefixtures("quick")
def test_a_grey_clip_has_no_truth(film: Path, model: Path, tmp_path: Path) -> None:
    grey = [np.repeat(rgb[..., :1], 3, axis=2) for rgb in colour_frames(3)]
    path = write_film(tmp_path / "grey.mkv", grey)
    done = invoke("evaluate-video", path, "-m", model)
    check_mistake(done, "grey.mkv cannot be evaluated on", "truth", "black-and-white")
    both = invoke("evaluate-video", path, film, "-m", model)
    assert both.exit_code == 1
    assert "CDC" in both.stdout
    first, second = both.stderr.splitlines()
    assert first.startswith("1 clip, 7 frames")
    assert second.startswith(f"  {path} cannot be evaluated on")


@pytest.mark.usefixtures("quick")
def test_mistakes(film: Path, model: Path, tmp_path: Path) -> None:
    check_mistake(invoke("evaluate-video", "-m", model), "nothing to measure on", "--motion")
    missing = invoke("evaluate-video", "nowhere.mp4", "-m", model)
    check_mistake(missing, "nowhere.mp4", "no such file or folder")
    (tmp_path / "words.mp4").write_text("words")
    check_mistake(invoke("evaluate-video", "words.mp4", "-m", model), "words.mp4", "a film")
    (tmp_path / "empty").mkdir()
    check_mistake(invoke("evaluate-video", "empty", "-m", model), "there is no picture in empty")
    none = invoke("evaluate-video", "--motion", "empty", "-m", model)
    check_mistake(none, "there is no picture in empty")
    check_mistake(invoke("evaluate-video", film, "-m", "nobody"), "nobody")
    check_mistake(invoke("evaluate-video", film, "-m", model, "--limit", 0), "--limit")
    output = invoke("evaluate-video", film, "-m", model, "-o", "words.mp4")
    check_mistake(output, "words.mp4 cannot be written")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("package", ["av", "cv2"])
def test_without_the_extra(
    film: Path, model: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    done = invoke("evaluate-video", film, "-m", model)
    check_mistake(done, package[:2], 'pip install "photochrom[video]"')
