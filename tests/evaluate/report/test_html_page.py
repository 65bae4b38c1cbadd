"""The page of a report."""

from __future__ import annotations

from dataclasses import replace

from photochrom.evaluate import Report
from photochrom.evaluate.report.html_page import page
from tests.helpers.report_page import parsed


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
