"""Leaderboards of several reports in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from photochrom import ArgumentError
from photochrom.evaluate import leaderboard, write_leaderboard
from tests.helpers.cli_model import check_mistake, invoke
from tests.helpers.report_page import parsed


def score(name: str, ciede2000: float | None, psnr: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "ciede2000": ciede2000, "psnr": psnr, "lpips": None} | more


def written(path: Path, *scores: dict[str, Any], names: str = "set", size: int = 256) -> Path:
    report = {
        "name": "coco-val5k" if names == "coco" else "my <set>",
        "names_sha256": names,
        "size": size,
        "pictures": 5000,
        "scores": scores,
    }
    path.write_text(json.dumps({"sets": [report]}))
    return path


@pytest.fixture
def reports(tmp_path: Path) -> list[Path]:
    interval = {"intervals": {"ciede2000": [9.5, 10.5]}}
    return [
        written(tmp_path / "1.json", score("grey", 12, 22), score("a|b", 10, 24.5, **interval)),
        written(tmp_path / "2.json", score("grey", 12, 22), score("<mine>", 9, 24.5)),
        written(tmp_path / "3.json", score("grey", 11, 21), names="coco"),
        written(tmp_path / "4.json", score("large", 8, 25), size=512),
    ]


def test_methods_of_one_set_go_together_the_best_first(reports: list[Path]) -> None:
    boards = leaderboard(reports)
    assert [board.title for board in boards] == [
        "my <set>, 5,000 pictures at 256 x 256",
        "coco-val5k, 5,000 pictures at 256 x 256",
        "my <set>, 5,000 pictures at 512 x 512",
    ]
    assert [each["name"] for each in boards[0].scores] == ["<mine>", "a|b", "grey"]
    assert [each["name"] for each in leaderboard(reports, "psnr")[0].scores] == [
        "a|b",
        "<mine>",
        "grey",
    ]


def test_what_was_not_measured_is_last_and_has_no_column(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", score("unknown", None, 1), score("known", 3, 1))
    (board,) = leaderboard([path])
    assert [each["name"] for each in board.scores] == ["known", "unknown"]
    write_leaderboard([path], tmp_path / "b.md")
    assert "LPIPS" not in (tmp_path / "b.md").read_text()


def test_markdown(reports: list[Path], tmp_path: Path) -> None:
    write_leaderboard(reports, tmp_path / "board.md")
    lines = (tmp_path / "board.md").read_text().splitlines()
    assert lines[:3] == [
        "## my <set>, 5,000 pictures at 256 x 256",
        "",
        "| method | CIEDE2000 | PSNR of RGB, dB |",
    ]
    assert lines[4] == "| \\<mine> | **9.00** | **24.50** |"
    assert lines[5] == "| a\\|b | 10.00 (9.50 to 10.50) | **24.50** |"


def test_page(reports: list[Path], tmp_path: Path) -> None:
    done = invoke("leaderboard", *reports, "-o", tmp_path / "board.html")
    assert done.exit_code == 0, done.stderr
    text = (tmp_path / "board.html").read_text("utf-8")
    page = parsed(text)
    assert len(page.findall(".//table")) == 3
    assert "&lt;mine&gt;" in text
    assert "<mine>" not in text
    assert [cell.text for cell in page.findall(".//td[@class='best']")][:1] == ["9.00"]


def test_mistakes(reports: list[Path], tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[]")
    (tmp_path / "y.json").write_text("{")
    with pytest.raises(ArgumentError, match=r"x.json is no report.*got JSON of another kind"):
        leaderboard([tmp_path / "x.json"])
    with pytest.raises(ArgumentError, match=r"y.json cannot be read"):
        leaderboard([tmp_path / "y.json"])
    with pytest.raises(ArgumentError, match="did you mean psnr"):
        leaderboard(reports, "psrn")
    check_mistake(invoke("leaderboard", *reports, "-o", tmp_path / "a.tex"), "suffix", ".html")
