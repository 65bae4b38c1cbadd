"""Models measured on a small set."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photochrom import ArgumentError, Colorizer, ColorOptions, ModelNotFoundError
from photochrom.color import srgb_to_lab
from photochrom.evaluate import Report, Score, evaluate
from photochrom.evaluate.report.html_page import page
from photochrom.evaluate.report.text_table import heads, rows
from tests.helpers.evaluated_set import COUNT


def by_name(report: Report) -> dict[str, Score]:
    return {score.name: score for score in report.scores}


def untimed(report: Report) -> dict[str, Any]:
    values = report.to_dict()
    for score in values["scores"]:
        score["ms_per_picture"] = score["ms_per_megapixel"] = None
    return values


# --- the figures ---------------------------------------------------------------------------------


def test_what_was_compared(report: Report, folder: Path) -> None:
    assert report.pictures == COUNT + 1
    assert report.near_grey == 1
    assert report.sources == (str(folder),)
    ((name, why),) = report.unreadable
    assert name == str(folder / "broken.jpg")
    assert "cannot be read" in why
    assert 3 <= report.bins <= 20
    assert len(report.samples) == 12


def test_baselines(report: Report) -> None:
    assert [score.name for score in report.scores[:2]] == ["grey", "mean colour"]
    assert [score.kind for score in report.scores[:3]] == ["baseline", "baseline", "model"]
    grey, mean = report.scores[:2]
    assert grey.auc_gain == grey.auc_balanced_gain == grey.cf == grey.cf_abs == 0
    assert grey.cf_delta_of_means == pytest.approx(report.truth_cf)
    assert grey.ms_per_picture is None
    assert grey.confidence is None
    assert mean.auc_gain == pytest.approx(mean.auc - grey.auc)
    assert mean.cf > 0


def test_the_mean_colour_is_that_of_the_set(report: Report, folder: Path) -> None:
    files = list(folder.rglob("*.png"))
    side = Image.Resampling.BICUBIC
    squares = [np.asarray(Image.open(path).resize((64, 64), side)) for path in files]
    ab = np.stack([srgb_to_lab(square)[::4, ::4, 1:] for square in squares]).mean((0, 1, 2))
    assert report.mean_ab == pytest.approx(tuple(ab), abs=1e-3)


def test_grey_auc_by_hand(report: Report, folder: Path) -> None:
    errors = []
    for path in folder.rglob("*.png"):
        square = np.asarray(Image.open(path).resize((64, 64), Image.Resampling.BICUBIC))
        errors.append(np.hypot(*np.moveaxis(srgb_to_lab(square)[::4, ::4, 1:], -1, 0)))
    all_errors = np.concatenate(errors, None)
    area = 100 * np.mean([(all_errors <= t).mean() for t in range(151)])
    assert report.scores[0].auc == pytest.approx(area, abs=0.02)


def test_a_model_that_fits_beats_the_baselines(report: Report) -> None:
    """The tiny network gives brown to dark and blue to bright, as the set has it."""
    spread = by_name(report)["spread"]
    assert spread.auc_gain > 5
    assert spread.auc_balanced_gain is not None
    assert spread.auc_balanced_gain > 3
    grey = report.scores[0]
    assert spread.ciede2000 < grey.ciede2000
    assert spread.psnr_ab > grey.psnr_ab
    assert spread.ms_per_picture is not None
    assert spread.ms_per_picture > 0
    assert spread.ms_per_megapixel == pytest.approx(spread.ms_per_picture * 1e6 / 64**2)


def test_the_truth_as_prediction(folder: Path) -> None:
    score = evaluate([folder], [], results=[folder], size=64, minimum=1)[0].scores[2]
    assert score.auc == score.auc_balanced == 100
    assert score.psnr == score.psnr_ab == 100
    assert score.ciede2000 == score.cf_delta_of_means == score.cf_mean_delta == 0


def test_confidence(report: Report) -> None:
    scores = by_name(report)
    assert scores["plain"].confidence is None
    confidence = scores["spread"].confidence
    assert confidence is not None
    assert sum(decile.share for decile in confidence.deciles) == pytest.approx(1)
    assert -1 <= confidence.spearman <= 1


@pytest.mark.parametrize("name", ["spread", "plain"])
def test_hints_help(report: Report, name: str) -> None:
    score = by_name(report)[name]
    assert score.hint_pictures == 4
    assert [step.hints for step in score.hints] == [0, 1, 2, 5, 10, 20, 50]
    curve = [step.psnr_ab for step in score.hints]
    assert curve[6] > curve[3] + 0.5 > curve[0] + 1
    assert score.hints[6].psnr > score.hints[0].psnr + 1
    assert report.scores[0].hints == ()


def test_steering(report: Report) -> None:
    scores = by_name(report)
    for name in ("spread", "plain"):
        steering = scores[name].steering
        assert steering is not None
        assert steering.pictures == 4
        assert steering.spread is not None
        assert 0 < steering.spread <= 1
        assert steering.click_off is not None
        assert steering.click_off < 3
        assert steering.drift_ab is None  # these networks take no hints themselves
    assert scores["grey"].steering is None
    assert any("contrary click" in row.title for row in rows(report))


def test_a_network_that_takes_hints_is_given_them(
    folder: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    render = Colorizer.render

    def counting(
        self: Colorizer,
        prepared: Any,
        options: ColorOptions = ColorOptions(),  # noqa: B008
    ) -> Any:
        counts.append(len(options.hints))
        return render(self, prepared, options)

    monkeypatch.setattr(Colorizer, "render", counting)
    score = evaluate([folder], models[:1], size=64, limit=3, hints=1)[0].scores[2]
    assert len({step.psnr_ab for step in score.hints}) == 7
    assert sorted(counts)[-7:] == [1, 1, 2, 5, 10, 20, 50]
    assert len(counts) <= 1 + 3 + 6 + 1  # one contrary click


@pytest.mark.slow
def test_the_same_again_but_for_times(report: Report, folder: Path, models: list[Path]) -> None:
    """Also where hints are drawn; `test_limit_and_seed` compares whole reports."""
    (again,) = evaluate([folder], models[:1], size=64, minimum=20, hints=4)
    first, second = ({s["name"]: s for s in untimed(r)["scores"]} for r in (report, again))
    assert set(second) == {"grey", "mean colour", "hinted"}
    assert {name: first[name] for name in second} == second


def test_limit_and_seed(folder: Path, models: list[Path]) -> None:
    some = [evaluate([folder], models[2:], size=64, limit=6, seed=n)[0] for n in (0, 0, 1)]
    assert untimed(some[0]) == untimed(some[1])
    assert some[0].samples == some[1].samples
    assert some[0].truth_cf != some[2].truth_cf
    assert some[0].pictures + len(some[0].unreadable) == 6


def test_no_bin_with_enough_pixels(folder: Path, models: list[Path]) -> None:
    (found,) = evaluate([folder], models[2:], size=64, minimum=10**6)
    assert found.bins == 0
    assert found.scores[2].auc_balanced is found.scores[2].auc_balanced_gain is None
    assert "–" in next(row for row in rows(found) if row.title == "AuC, class-balanced").cells
    assert "–" in page([found])


def test_progress(folder: Path, models: list[Path]) -> None:
    seen: list[tuple[int, int]] = []
    evaluate([folder], models[2:], size=32, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert {total for _, total in seen} == {2 * (COUNT + 2)}


def test_a_picture_that_vanishes(
    folder: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from photochrom import PictureError
    from photochrom.evaluate import set_run as run

    squares, passes = run.squares, []

    def fail(items: Any, size: int) -> Any:
        passes.append(size)  # the first one surveys the set
        for place, square in squares(items, size):
            gone = PictureError("it", expected="a file", got="none", fix="look")
            yield place, gone if place == 2 and len(passes) == 2 else square

    monkeypatch.setattr(run, "squares", fail)
    (found,) = evaluate([folder], models[2:], size=64)
    assert found.pictures == COUNT
    assert [why for _, why in found.unreadable][1:] == ["it: expected a file, got none; look"]


# --- names, mistakes -----------------------------------------------------------------------------


def test_names(tmp_path: Path, folder: Path, models: list[Path]) -> None:
    plain = models[2]
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "plain.onnx"
    other.write_bytes(plain.read_bytes())
    (found,) = evaluate([folder], [plain, plain, other], size=32)
    assert heads(found) == ["grey", "mean colour", str(plain), str(other), "truth"]
    grey = tmp_path / "grey.onnx"
    grey.write_bytes(plain.read_bytes())
    assert heads(evaluate([folder], [grey], size=32)[0])[2] == str(grey)


def test_mistakes(tmp_path: Path, folder: Path, models: list[Path]) -> None:
    with pytest.raises(ArgumentError, match="size of the compared pictures"):
        evaluate([folder], models, size=16)
    with pytest.raises(ArgumentError, match="number of pictures for hints"):
        evaluate([folder], models, hints=-1)
    with pytest.raises(ModelNotFoundError):
        evaluate([folder], ["no-such-model"])
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(ArgumentError, match=r"no colour picture.*1 unreadable and 0 without"):
        evaluate([tmp_path], models)
    Image.new("L", (50, 50), 7).save(tmp_path / "b.png")
    with pytest.raises(ArgumentError, match="1 unreadable and 1 without colour"):
        evaluate([tmp_path], models)


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, photochrom.evaluate; print([m for m in HEAVY if m in sys.modules])"
    code = f"HEAVY = ['torch', 'torchmetrics', 'onnxruntime', 'rich']; {code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
