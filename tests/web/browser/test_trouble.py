"""What goes wrong: reloads, a server that is killed, files that cannot be used."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("streamlit", reason="needs Streamlit (extra web)")
pytest.importorskip("selenium", reason="drives the browser with Selenium (group dev)")

from tests.helpers.browser import Page, Server, downloaded, until, write


def test_a_reload_in_the_middle_loses_nothing(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "a.png"))
    assert not page.asks_before_leaving()
    page.hint(0.25, 0.5, 1)
    page.slide(4)
    until(page.asks_before_leaving)
    after = page.after()
    page.reload()
    until(lambda: page.find(".pin") and page.after() == after)
    assert page.vividness() == pytest.approx(1.2)
    page.changed(page.undo)


def test_a_killed_server_is_told_and_gone_on_with(
    page: Page, server: Server, tmp_path: Path
) -> None:
    page.open(write(tmp_path / "a.png"))
    first = page.after()
    page.hint(0.25, 0.5, 1)
    server.kill()
    until(lambda: page.one(".lost").is_displayed())
    page.undo()  # too early; it is done as soon as somebody answers
    server.start()
    until(lambda: not page.one(".lost").is_displayed())
    until(lambda: page.after() == first and not page.find(".pin"))
    page.rest()
    page.changed(lambda: page.one("[data-do=redo]").click())


def test_many_pictures_and_one_that_is_none(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(write(tmp_path / "whole.png").read_bytes()[:60])
    page.drop(bad, write(tmp_path / "a.png"), write(tmp_path / "b.png", 60, 40))
    until(lambda: "“bad.png” cannot be opened" in page.text())
    assert str(tmp_path.parent) not in page.text()
    page.click(page.one(".step[data-step='1']"))
    until(lambda: page.find(".frame"))
    row = "[aria-label='Your pictures'] button"
    wanted = ["failed", "coloured", "waiting"]
    until(lambda: [b.get_attribute("data-state") for b in page.find(row)] == wanted)
    page.rest()
    page.click(page.button("All 3 pictures in one ZIP"))
    until(lambda: "Download the ZIP" in page.text())
    page.click(page.button("Download the ZIP"))
    with zipfile.ZipFile(io.BytesIO(downloaded(tmp_path, "photochrom.zip"))) as archive:
        assert sorted(archive.namelist()) == ["a-color.png", "b-color.png"]
        assert Image.open(archive.open("b-color.png")).size == (60, 40)


def test_a_file_that_is_no_picture_is_told_in_one_line(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    page.drop(bad)
    until(lambda: "bad.jpg cannot be coloured: it is text" in page.text())
    assert "Traceback" not in page.text()
