"""Models measured on a small set, the page, and LPIPS and FID with stand-ins for their weights."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import (
    ArgumentError,
    Colorizer,
    ColorOptions,
    MissingExtraError,
    ModelNotFoundError,
)
from photochrom.color import lab_to_srgb, srgb_to_lab
from photochrom.evaluate import Report, Score, evaluate, write_inputs, write_report
from photochrom.evaluate.report.html_page import page
from photochrom.evaluate.report.text_table import heads, rows, verdicts
from photochrom.models import Card
from tests.helpers import tiny_models as tiny

Array = NDArray[Any]
COUNT = 14


def scene(number: int, side: int = 96) -> Array:
    """Dark brown on the left, bright blue on the right, and a green patch that moves."""
    rng = np.random.default_rng(number)
    lab = np.empty((side, side, 3), np.float32)
    lab[:, : side // 2] = 35, 22, 28
    lab[:, side // 2 :] = 72, -6, -32
    lab[8 + number : 40 + number, 20:44] = 55, -38, 36
    lab[..., 0] += rng.normal(0, 1.5, (side, side))
    return np.asarray(lab_to_srgb(lab))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("set") / 'odd "name" & <more>'
    (top / "inner").mkdir(parents=True)
    for number in range(COUNT):
        place = top / "inner" if number % 2 else top
        Image.fromarray(scene(number)).save(place / f"{number:02}.png")
    Image.new("RGB", (60, 60), (90, 90, 92)).save(top / "grey.png")
    (top / "broken.jpg").write_bytes(b"\xff\xd8\xff not much of a JPEG")
    return top


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    top = tmp_path_factory.mktemp("models")
    card = Card(name="plain", family="plain", size=64, multiple=4)
    return [
        tiny.photochrom(top / "hinted.onnx", hints=True),
        tiny.photochrom(top / "spread.onnx"),
        tiny.save(top / "plain.onnx", tiny.PLAIN, card),
    ]


@pytest.fixture(scope="module")
def report(folder: Path, models: list[Path]) -> Report:
    (found,) = evaluate([folder], models, size=64, minimum=20, hints=4)
    return found


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


# --- the report ----------------------------------------------------------------------------------


def test_json(report: Report) -> None:
    values = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert "samples" not in values
    assert values["unreadable"][0]["name"].endswith("broken.jpg")
    assert values["scores"][2]["confidence"]["rises"] in (True, False)
    assert len(values["scores"][2]["hints"]) == 7


def test_table(report: Report) -> None:
    found = rows(report)
    assert {len(row.cells) for row in found} == {len(heads(report))}
    titles = [row.title.strip() for row in found]
    assert "LPIPS" not in titles
    assert "AuC, class-balanced" in titles
    assert "with 50 hints" in titles
    auc = found[0]
    numbers = [float(cell) for cell in auc.cells[:-1]]
    assert auc.best == {place for place, n in enumerate(numbers) if n == max(numbers)}
    assert auc.cells[-1] == "100.00"


def parsed(text: str) -> ElementTree.Element:
    assert text.startswith("<!DOCTYPE html>\n")
    return ElementTree.fromstring(text.split("\n", 1)[1])


def test_page(report: Report) -> None:
    text = page([report])
    top = parsed(text)
    assert top.tag == "html"
    assert top.get("lang") == "en"
    words = " ".join(" ".join(top.itertext()).split())
    for expected in ("mean colour", "broken.jpg", "Contact sheet", 'odd "name" & <more>'):
        assert expected in words
    images = list(top.iter("img"))
    assert len(images) == 12 * 5  # grey, three models, truth
    assert all(image.get("alt") for image in images)
    for table in top.iter("table"):
        assert table.find("caption") is not None
        assert all(th.get("scope") in ("row", "col") for th in table.iter("th"))
    charts = list(top.iter("svg"))
    assert len(charts) == 2 + 3  # confidence of two models, hints of three
    assert all(chart.get("role") == "img" and chart.get("aria-label") for chart in charts)
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_page_needs_nothing_else(report: Report) -> None:
    text = page([report])
    for forbidden in ("http://", "https://", "<script", "<link", "url(", "@import"):
        assert forbidden not in text
    for element in parsed(text).iter():
        for name in ("src", "href", "srcset", "data"):
            assert (element.get(name) or "data:").startswith("data:")


def test_page_of_a_model_with_a_nasty_name(report: Report) -> None:
    score = replace(report.scores[2], name='<script>"&')
    nasty = replace(report, scores=(*report.scores[:2], score), notes=("<b>",))
    assert "<script" not in page([nasty])
    assert "<b>" in " ".join(parsed(page([nasty])).itertext())


def test_write_report(tmp_path: Path, report: Report) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    write_report([report], target)
    assert parsed(target.read_text(encoding="utf-8")) is not None
    assert list(tmp_path.iterdir()) == [target]
    for wrong, why in (
        (tmp_path / "no" / "r.html", "cannot be written: its folder does not exist"),
        (tmp_path, "cannot be written: it is a folder"),
        (tmp_path / "r.htm", "did you mean .html"),
    ):
        with pytest.raises(ArgumentError, match=why):
            write_report([report], wrong)


def test_json_markdown_and_latex(tmp_path: Path, report: Report) -> None:
    for suffix in ("json", "md", "tex"):
        write_report([report], tmp_path / f"r.{suffix}")
    (values,) = json.loads((tmp_path / "r.json").read_text())["sets"]
    assert values["comparisons"][0]["first"] == "hinted"
    assert len(values["scores"][2]["intervals"]["ciede2000"]) == 2
    table = [
        line for line in (tmp_path / "r.md").read_text("utf-8").splitlines() if line[:1] == "|"
    ]
    assert len(table) == 2 + len(rows(report))
    assert {line.count("|") for line in table} == {len(heads(report)) + 2}
    text = (tmp_path / "r.tex").read_text("utf-8")
    assert text.count(r"\\") == 1 + len(rows(report))
    assert rf"\begin{{tabular}}{{l{'r' * len(heads(report))}}}" in text
    assert r"\textbf{" in text


# --- other tools ---------------------------------------------------------------------------------


def sepia(grey: Array) -> Array:
    """What another tool might do."""
    return np.stack([grey, grey * 0.9, grey * 0.7], -1).astype(np.uint8)


def test_results_made_elsewhere_count_as_the_function_that_made_them(
    folder: Path, tmp_path: Path
) -> None:
    assert write_inputs([folder], tmp_path / "inputs", size=64) == COUNT + 1
    for path in (tmp_path / "inputs").rglob("*.png"):
        grey = np.asarray(Image.open(path))
        assert grey.shape == (64, 64)
        target = tmp_path / "results" / path.relative_to(tmp_path / "inputs")
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sepia(grey)).save(target.with_stem(f"{target.stem}-color"))
    (found,) = evaluate([folder], [sepia], results=[tmp_path / "results"], size=64, minimum=20)
    function, results = found.scores[2:]
    assert (function.name, function.kind) == ("sepia", "function")
    assert (results.name, results.kind) == ("results", "results")
    assert function.ms_per_picture is not None
    assert results.ms_per_picture is None
    same = replace(function, name="results", kind="results", ms_per_picture=None)
    assert replace(same, ms_per_megapixel=None) == results
    assert {each.better for each in found.comparisons} == {None}
    assert "cannot be told apart" in verdicts(found)[0]


def test_results_count_as_the_model_that_made_them(
    folder: Path, models: list[Path], tmp_path: Path
) -> None:
    """Another program is given the grey squares, and what it writes is measured."""
    write_inputs([folder], tmp_path / "grey", size=64)
    colorizer = Colorizer(models[1])
    for path in (tmp_path / "grey").rglob("*.png"):
        target = tmp_path / "theirs" / path.relative_to(tmp_path / "grey")
        target.parent.mkdir(parents=True, exist_ok=True)
        colorizer.colorize(path).save(target)
    (found,) = evaluate([folder], [models[1]], results=[tmp_path / "theirs"], size=64, minimum=20)
    model, results = found.scores[2:]
    untold = {"ms_per_picture": None, "ms_per_megapixel": None, "confidence": None}
    assert replace(model, name="theirs", kind="results", **untold) == results


def test_a_result_is_found_by_its_file_name_alone(folder: Path, tmp_path: Path) -> None:
    for path in folder.rglob("*.png"):
        Image.open(path).convert("RGB").save(tmp_path / f"{path.stem}.webp", lossless=True)
    (found,) = evaluate([folder], [], results=[tmp_path], size=64)
    assert found.scores[2].ciede2000 < 0.5
    (tmp_path / "03.webp").unlink()
    with pytest.raises(ArgumentError, match=r"got none for 1 of them, .*03\.png"):
        evaluate([folder], [], results=[tmp_path], size=64)


def test_a_function_that_gives_something_else(folder: Path) -> None:
    with pytest.raises(ArgumentError, match=r"expected uint8 \(64, 64, 3\), got uint8 \(64, 64\)"):
        evaluate([folder], [lambda grey: grey], size=64, limit=2)


def test_what_is_clearly_better_is_called_so(folder: Path) -> None:
    def flat(picture: Array) -> Array:
        return np.stack([picture] * 3, -1)

    (found,) = evaluate([folder], [sepia, flat], size=64)
    (each,) = (each for each in found.comparisons if each.figure == "ciede2000")
    means = {score.name: score.ciede2000 for score in found.scores[2:]}
    assert each.difference == pytest.approx(means["sepia"] - means["flat"])
    assert each.interval[0] < each.difference < each.interval[1]
    assert each.better == min(means, key=lambda name: means[name])


# --- LPIPS and FID -------------------------------------------------------------------------------


def test_without_torchmetrics(
    folder: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(MissingExtraError, match=r"photochrom\[evaluate\]"):
        evaluate([folder], models[2:], size=32, perceptual=True)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights."""
    pytest.importorskip("torchmetrics", reason="the extra evaluate is not installed")
    pytest.importorskip("torchvision", reason="the extra evaluate is not installed")
    import torch

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def test_without_weights(folder: Path, models: list[Path], weights: Path) -> None:
    (found,) = evaluate([folder], models[2:], size=32, perceptual=True)
    assert found.scores[2].lpips is found.scores[2].fid is None
    lpips, fid = found.notes
    assert lpips.startswith("LPIPS is not measured, because its weights are missing")
    assert "download.pytorch.org/models/alexnet-owt-7be5be79.pth" in lpips
    assert str(weights) in lpips
    assert "weights-inception-2015-12-05-6726825d.pth" in fid
    assert "LPIPS is not measured" in page([found])
    assert "https://" not in page([found])


def test_damaged_weights(folder: Path, models: list[Path], weights: Path) -> None:
    for name in ("alexnet-owt-7be5be79.pth", "weights-inception-2015-12-05-6726825d.pth"):
        (weights / name).write_bytes(b"<html>not found</html>")
    (found,) = evaluate([folder], models[2:], size=32, perceptual=True)
    assert found.scores[2].lpips is None
    assert len(found.notes) == 2
    assert all("cannot be used" in note for note in found.notes)


def test_weights_of_a_folder_that_is_named(
    folder: Path, models: list[Path], weights: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    (found,) = evaluate([folder], models[2:], size=32, limit=1, perceptual=True, weights=mine)
    assert all(str(mine) in note for note in found.notes)


def test_lpips_takes_the_weights_that_are_named(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    import torchmetrics.image.lpip

    from photochrom.evaluate import perceptual

    monkeypatch.undo()
    before, seen = torch.hub.get_dir(), list[bytes]()

    def made(net_type: str) -> str:
        path = Path(torch.hub.get_dir()) / "checkpoints" / perceptual.LPIPS_WEIGHTS
        seen.append(path.read_bytes())
        return net_type

    name = "LearnedPerceptualImagePatchSimilarity"
    monkeypatch.setattr(torchmetrics.image.lpip, name, made)
    (tmp_path / perceptual.LPIPS_WEIGHTS).write_bytes(b"mine")
    assert perceptual._lpips(tmp_path / perceptual.LPIPS_WEIGHTS) == "alex"
    assert (seen, torch.hub.get_dir()) == ([b"mine"], before)


def test_weights_are_pulled_by_their_hash(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from photochrom.evaluate import perceptual

    asked: list[tuple[str, int, str]] = []

    def download(urls: Sequence[str], target: Path, *, size: int, sha256: str) -> Path:
        assert target.name == urls[0].rpartition("/")[2]
        asked.append((target.name, size, sha256))
        return target

    monkeypatch.setattr(perceptual, "download", download)
    perceptual.Perceptual(["one"], tmp_path / "there", pull=True)
    assert [name for name, _, _ in asked] == [perceptual.LPIPS_WEIGHTS, perceptual.FID_WEIGHTS]
    for name, size, sha256 in asked:
        assert re.fullmatch(r"[0-9a-f]{64}", sha256)
        assert sha256[:8] in name
        assert size > 1e6


def test_with_weights(
    folder: Path, models: list[Path], weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With stand-ins for the networks: who is compared with whom, and means over pictures."""
    import torch
    from torchmetrics.image.fid import FrechetInceptionDistance

    from photochrom.evaluate import perceptual

    class Means(torch.nn.Module):
        num_features = 3

        def forward(self, x: Any) -> Any:
            assert x.dtype == torch.uint8
            return x.float().mean((2, 3))

    class Distance:
        def update(self, truth: Any, other: Any) -> None:
            assert -1 <= float(truth.min()) <= float(truth.max()) <= 1
            self.value = (truth - other).abs().mean()

        def compute(self) -> Any:
            return self.value

        def reset(self) -> None:
            del self.value

    for name in (perceptual.LPIPS_WEIGHTS, perceptual.FID_WEIGHTS):
        (weights / name).touch()
    monkeypatch.setattr(perceptual, "_fid", lambda path: FrechetInceptionDistance(feature=Means()))
    monkeypatch.setattr(perceptual, "_lpips", lambda path: Distance())
    judge = perceptual.Perceptual(["first", "second"])
    truths = [scene(number, 48) for number in range(6)]
    results = {
        "first": [np.roll(truth, 9, axis=0) // 2 for truth in truths],
        "second": [255 - truth for truth in truths],
    }
    for number, truth in enumerate(truths):
        for name, rgb in results.items():
            judge.add(name, truth, rgb[number])
    assert judge.missing == []
    for name, rgb in results.items():
        alone = FrechetInceptionDistance(feature=Means())
        for pictures, real in ((truths, True), (rgb, False)):
            stacked = torch.tensor(np.stack(pictures)).permute(0, 3, 1, 2)
            alone.update(stacked, real=real)
        pairs = zip(truths, rgb, strict=True)
        distances = [np.abs(a.astype(float) - b).mean() / 127.5 for a, b in pairs]
        lpips, fid = judge.scores(name)
        assert lpips == pytest.approx(np.mean(distances), rel=1e-5)
        assert fid == pytest.approx(float(alone.compute()), rel=1e-4)
    (found,) = evaluate([folder], models[2:], size=32, perceptual=True)
    assert found.scores[2].lpips is not None
    assert found.scores[2].fid is not None
    assert "LPIPS" in [row.title for row in rows(found)]
