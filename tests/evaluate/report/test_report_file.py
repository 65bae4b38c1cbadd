"""Reports as JSON, Markdown, LaTeX and tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from photochrom import ArgumentError
from photochrom.evaluate import Report, write_report
from photochrom.evaluate.report.text_table import heads, rows
from tests.helpers.report_page import parsed


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
