"""Accessibility: WCAG 2.2 AA by axe-core, 200 % zoom, and the keyboard alone."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("streamlit", reason="needs Streamlit (extra web)")
pytest.importorskip("selenium", reason="drives the browser with Selenium (group dev)")

from selenium.webdriver.common.keys import Keys

from tests.helpers.browser import Page, downloaded, until, write

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, { runOnly: arguments[0], resultTypes: ["violations"] }).then(
  ({ violations }) => done(violations.map(({ id, impact, nodes }) => [
    id, impact, nodes.map((node) => [node.target.flat().join(" "), node.failureSummary]),
  ])),
  (error) => done([["axe", "critical", String(error)]]),
);
"""


def faults(page: Page) -> list[Any]:
    """What axe-core calls serious or critical."""
    axe = pytest.importorskip("axe_playwright_python", reason="brings axe-core (group dev)")
    page.browser.execute_script((files(axe) / "axe.min.js").read_text(encoding="utf-8"))
    found = page.browser.execute_async_script(RUN, RULES)
    return [each for each in found if each[1] in ("serious", "critical")]


def test_axe_finds_nothing_serious(page: Page, tmp_path: Path) -> None:
    page.rest()
    assert faults(page) == []
    page.open(write(tmp_path / "a.png"), write(tmp_path / "b.png"))
    page.rest()
    page.hint(0.25, 0.5, 1)
    page.rest()
    assert faults(page) == []
    for look in (page.dark, page.phone):
        look()
        page.reload()
        until(lambda: page.find(".pin"))
        page.rest()
        assert faults(page) == [], look.__name__


def test_everything_is_there_at_200_percent(page: Page, tmp_path: Path) -> None:
    size = {"width": 640, "height": 450, "deviceScaleFactor": 2, "mobile": False}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.open(write(tmp_path / "a.png"))
    script = "return document.documentElement.scrollWidth"
    assert page.browser.execute_script(script) <= 640
    page.hint(0.25, 0.5, 1)
    close = page.show(page.one("[data-do=close]"))
    left, top, right, bottom = page.box(close)
    assert 0 <= left < right <= 640
    assert 0 <= top < bottom <= 450
    close.click()
    left, top, right, bottom = page.box(page.button("Download"))
    assert 0 <= left < right <= 640
    assert bottom <= 450


def focused(page: Page) -> Any:
    """The element with the focus, also inside of components."""
    script = "let e = document.activeElement; "
    script += "while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement; return e"
    return page.browser.execute_script(script)


def tab_to(page: Page, done: str) -> None:
    """Press Tab until the name or text of the focused element is `done`."""
    for _ in range(60):
        page.keys(Keys.TAB)
        element = focused(page)
        name = element.get_attribute("aria-label") or element.get_attribute("textContent") or ""
        if re.match(f"[a-z_]*{done}", name.strip()):  # an icon's name may stand before it
            return
    raise AssertionError(f"Tab never reaches {done}")


def test_the_keyboard_alone(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "a.png"))
    page.rest()
    page.browser.execute_script("document.activeElement?.blur()")
    tab_to(page, "Mark a place")
    page.keys(Keys.ENTER)
    until(lambda: page.find(".swatch") and "pin" in focused(page).get_attribute("class"))
    page.keys(Keys.TAB)
    assert focused(page).get_attribute("data-do") == "close"  # the palette follows the place
    page.keys(Keys.TAB)
    page.changed(lambda: page.keys(Keys.ENTER))
    page.keys(Keys.ESCAPE)
    until(lambda: not page.one(".palette").is_displayed())
    tab_to(page, "First colours")
    page.keys(Keys.ARROW_RIGHT)
    page.changed(lambda: page.keys(Keys.ENTER))
    page.rest()
    tab_to(page, "Vividness")
    page.changed(lambda: page.keys(Keys.ARROW_RIGHT))
    page.rest()
    tab_to(page, "Download")
    page.keys(Keys.ENTER)
    assert downloaded(tmp_path, "a-color.png")
