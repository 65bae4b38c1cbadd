"""The page on a touch screen of 390 x 844."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("streamlit", reason="needs Streamlit (extra web)")
pytest.importorskip("selenium", reason="drives the browser with Selenium (group dev)")

from tests.helpers.browser import Page, until


def test_a_phone(page: Page) -> None:
    page.phone()
    page.click(page.find("[aria-label='Examples'] button")[0])
    frame = until(lambda: page.find(".frame"))[0]
    until(lambda: frame.size["width"] > 300)
    until(lambda: len(page.versions()) > 1)
    assert page.browser.execute_script("return document.documentElement.scrollWidth") <= 390

    # What is needed is under the thumb, all the time.
    def inside(element: Any) -> bool:
        left, top, right, bottom = page.box(element)
        return left >= 0 and top >= 0 and right <= 390 and bottom <= 844

    assert inside(page.button("Download"))
    for what in ("undo", "redo", "reset"):
        button = page.one(f"[data-do={what}]")
        assert inside(button)
        assert button.size["height"] >= 44

    # A finger that goes up scrolls the page; one that goes sideways moves the divider.
    handle = page.one(".handle")
    page.swipe(frame, 10, -200)
    assert handle.get_attribute("aria-valuenow") == "50"
    page.swipe(frame, 100, 5)
    assert int(handle.get_attribute("aria-valuenow")) > 60
    page.tap(0.25, 0.5)
    swatches = until(lambda: page.find(".swatch"))
    assert all(inside(each) for each in (*swatches, page.one("[data-do=close]")))
