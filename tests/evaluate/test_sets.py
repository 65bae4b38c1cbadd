"""Several sets in one evaluation: each by itself, in every form of the report."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import ArgumentError
from photochrom.evaluate import Report, evaluate, leaderboard, write_inputs, write_report
from photochrom.evaluate.picture_set import picture_sets
from photochrom.evaluate.report.text_table import overview
from tests.helpers.report_page import parsed
from tests.helpers.training_pictures import colours, encoded, fill


def sepia(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([grey, grey * 0.9, grey * 0.7], -1).astype(np.uint8)


def flat(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([grey] * 3, -1)


@pytest.fixture
def sets(tmp_path: Path) -> list[Path]:
    """A folder, a zip file with pictures of the same names, and two pictures."""
    fill(tmp_path / "press", 4)
    with zipfile.ZipFile(tmp_path / "street.zip", "w") as archive:
        for number in range(3):
            archive.writestr(f"{number:04d}.png", encoded(colours(40, 50, 50 + number)))
    fill(tmp_path / "single", 2)
    return [tmp_path / "press", tmp_path / "street.zip", *(tmp_path / "single").iterdir()]


@pytest.fixture
def reports(sets: list[Path]) -> list[Report]:
    return evaluate(sets, [sepia, flat], size=64, minimum=20)


def untimed(report: Report) -> dict[str, Any]:
    values = report.to_dict()
    for score in values["scores"]:
        score["ms_per_picture"] = score["ms_per_megapixel"] = None
    return values


def test_each_set_has_the_figures_that_it_has_alone(
    reports: list[Report], sets: list[Path]
) -> None:
    assert [(r.name, r.pictures) for r in reports] == [("press", 4), ("street", 3), ("pictures", 2)]
    (alone,) = evaluate(sets[1:2], [sepia, flat], size=64, minimum=20)
    assert untimed(alone) == untimed(reports[1])
    assert {each.comparisons[0].first for each in reports} == {"sepia"}
    assert len({each.comparisons[0].interval for each in reports}) == 3


def test_pooled_they_are_one(reports: list[Report], sets: list[Path]) -> None:
    (pooled,) = evaluate(sets, [sepia], size=64, minimum=20, pool=True)
    assert (pooled.name, pooled.pictures) == ("press + street + pictures", 9)
    means = [(each.scores[2].ciede2000, each.pictures) for each in reports]
    assert pooled.scores[2].ciede2000 == pytest.approx(sum(m * n for m, n in means) / 9)


def test_the_limit_is_of_each(sets: list[Path]) -> None:
    assert [r.pictures for r in evaluate(sets, [flat], size=64, limit=2)] == [2, 2, 2]


def test_the_main_figures_side_by_side(reports: list[Report]) -> None:
    found = overview(reports)
    assert [row.title for row in found[:4]] == [
        "AuC over grey, all pixels",
        "    press",
        "    street",
        "    pictures",
    ]
    assert len(found) == 4 * 4
    (row,) = (row for row in found[8:12] if row.title == "    street")
    assert row.cells[2] == f"{reports[1].scores[2].ciede2000:.2f}"


def test_every_form_has_them_one_by_one(reports: list[Report], tmp_path: Path) -> None:
    for suffix in ("html", "json", "md", "tex"):
        write_report(reports, tmp_path / f"r.{suffix}")
    values = json.loads((tmp_path / "r.json").read_text())["sets"]
    assert [each["name"] for each in values] == ["press", "street", "pictures"]
    lines = (tmp_path / "r.md").read_text("utf-8").splitlines()
    assert [line for line in lines if line[:2] == "##"] == ["## press", "## street", "## pictures"]
    assert (tmp_path / "r.tex").read_text("utf-8").count(r"\begin{tabular}") == 3
    page = parsed((tmp_path / "r.html").read_text("utf-8"))
    assert [h.text for h in page.iter("h2")] == ["press", "street", "pictures"]
    assert len(list(page.iter("table"))) == 1 + 3
    assert len(list(page.iter("img"))) == 9 * 4
    write_report(reports[:1], tmp_path / "one.html")
    one = parsed((tmp_path / "one.html").read_text("utf-8"))
    assert [h.text for h in one.iter("h2")] == ["Is it better?", "Contact sheet"]


def test_a_leaderboard_has_a_table_for_each(reports: list[Report], tmp_path: Path) -> None:
    write_report(reports, tmp_path / "r.json")
    write_report(reports[:1], tmp_path / "again.json")
    boards = leaderboard([tmp_path / "r.json", tmp_path / "again.json"])
    assert [board.title.split(",")[0] for board in boards] == ["press", "street", "pictures"]


def test_results_of_pictures_with_the_same_names(sets: list[Path], tmp_path: Path) -> None:
    """They go out, and come back, in a folder for each set."""
    assert write_inputs(sets[:2], tmp_path / "grey", size=64) == 7
    for path in (tmp_path / "grey").rglob("*.png"):
        target = tmp_path / "theirs" / path.relative_to(tmp_path / "grey")
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sepia(np.asarray(Image.open(path)))).save(target)
    for report in evaluate(sets[:2], [sepia], results=[tmp_path / "theirs"], size=64):
        function, results = report.scores[2:]
        assert results.ciede2000 == function.ciede2000
    (tmp_path / "theirs" / "street" / "0001.png").unlink()
    with pytest.raises(ArgumentError, match="got none for 1 of them"):
        evaluate(sets[:2], [sepia], results=[tmp_path / "theirs"], size=64)


def test_names_of_sets(sets: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "other" / "press", 1)
    both = picture_sets([sets[0], tmp_path / "other" / "press", sets[0]])
    assert len({each.name for each in both}) == 2
    assert not any("/" in each.name for each in both)
    monkeypatch.chdir(sets[0])
    (here,) = picture_sets(".")
    assert (here.name, len(here.items)) == ("press", 4)


def test_a_set_without_pictures_is_named(sets: list[Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArgumentError, match=r"there is no picture in .*empty"):
        evaluate([sets[0], tmp_path / "empty"], [flat], size=64)
    Image.new("L", (50, 50), 7).save(tmp_path / "empty" / "a.png")
    with pytest.raises(ArgumentError, match=r"no colour picture to evaluate on in .*empty"):
        evaluate([sets[0], tmp_path / "empty"], [flat], size=64)
