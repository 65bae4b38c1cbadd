"""What goes wrong: reloads, a server that is killed, files that cannot be used."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("streamlit", reason="needs Streamlit (extra web)")
pytest.importorskip("selenium", reason="drives the browser with Selenium (group dev)")

from tests.helpers.browser import Page, Server, downloaded, until, write
from tests.helpers.caffe_small import small_files


def test_a_reload_in_the_middle_loses_nothing(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "a.png"))
    assert not page.asks_before_leaving()
    page.hint(0.25, 0.5, 1)
    page.slide(4)
    until(page.asks_before_leaving)
    page.rest()
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
    page.press("All 3 pictures in one ZIP")
    until(lambda: "Download the ZIP" in page.text())
    page.press("Download the ZIP")
    with zipfile.ZipFile(io.BytesIO(downloaded(tmp_path, "photochrom.zip"))) as archive:
        assert sorted(archive.namelist()) == ["a-color.png", "b-color.png"]
        assert Image.open(archive.open("b-color.png")).size == (60, 40)


def test_a_file_that_is_no_picture_is_told_in_one_line(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    page.drop(bad)
    until(lambda: "bad.jpg cannot be coloured: it is text" in page.text())
    assert "Traceback" not in page.text()


def test_the_three_caffe_files_are_refused_in_words(page: Page, tmp_path: Path) -> None:
    page.unfold("Advanced")
    files = small_files(tmp_path)
    broken = tmp_path / "broken.caffemodel"
    broken.write_bytes(b"nonsense")
    page.drop(files.prototxt, broken, files.points, into="[class*=st-key-caffe]")
    until(lambda: page.button("Import").is_enabled())
    page.rest()
    page.press("Import")
    until(lambda: "This model cannot be used" in page.text())
    for word in ("Traceback", str(tmp_path), str(Path(__file__).parents[3]), ".py"):
        assert word not in page.text()
    assert not page.browser.find_elements("css selector", "a[href^=http]")


@pytest.mark.slow
def test_streamlit_run_shows_the_same(browser: Any, tmp_path: Path) -> None:
    server = Server(tmp_path, by_streamlit=True)
    try:
        page = Page(browser, server.address)
        page.rest()
        # Streamlit's header does not lie over the title.
        title = page.one("h1")
        left, top, _, bottom = page.box(title)
        assert top >= 0
        script = "return arguments[0].contains(document.elementFromPoint(...arguments[1]))"
        assert page.browser.execute_script(script, title, [left + 40, (top + bottom) / 2])
        page.open(write(tmp_path / "a.png"))
    finally:
        browser.execute_script("window.photochromReloads = true")
        browser.get("about:blank")
        server.process.terminate()
        server.process.wait(20)
