"""A picture on a desktop: from the drop to the download, by mouse and by keyboard."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("streamlit", reason="needs Streamlit (extra web)")
pytest.importorskip("selenium", reason="drives the browser with Selenium (group dev)")

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.helpers.browser import Page, downloaded, until, write


def test_a_picture_from_the_drop_to_the_download(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "grandma.png"))
    assert "plausible, not evidence" in page.text()

    # The divider, by keyboard and by mouse.
    handle = page.show(page.one(".handle"))
    assert handle.get_attribute("role") == "slider"
    assert handle.get_attribute("aria-valuenow") == "50"
    handle.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert handle.get_attribute("aria-valuenow") == "46"
    handle.send_keys(Keys.HOME)
    assert "inset(0px 100% 0px 0px)" in page.one("img.before").get_attribute("style")
    width = page.one(".frame").size["width"]
    ActionChains(page.browser).drag_and_drop_by_offset(handle, width // 4, 0).perform()
    assert 22 <= int(handle.get_attribute("aria-valuenow")) <= 28
    assert not page.find(".pin")

    # A hint by a click: the model's own colours come first.
    page.tap(0.45, 0.5)
    swatches = until(lambda: page.find(".swatch"))
    assert len(swatches) >= 2
    assert "%" in swatches[0].get_attribute("aria-label")
    assert page.one(".free input").get_attribute("type") == "color"
    page.changed(swatches[1].click)
    (pin,) = page.find(".pin")
    assert pin.get_attribute("aria-label").startswith("Place 1, ")

    # It is moved, into the bright half, and deleted by keyboard; undo brings it back.
    far = (Keys.SHIFT, Keys.ARROW_RIGHT, Keys.NULL)
    page.changed(lambda: pin.send_keys(*far, *[Keys.ARROW_RIGHT] * 2, Keys.ARROW_DOWN))
    assert "52 % from the left, 51 % from the top" in pin.get_attribute("aria-label")
    page.changed(lambda: pin.send_keys(Keys.DELETE))
    assert not page.find(".pin")
    page.changed(page.one("[data-do=undo]").click)
    assert len(until(lambda: page.find(".pin"))) == 1

    # Zoomed in, a part is shown in full size.
    page.one("[data-do=zoom]").click()
    until(lambda: page.one(".details.after-side img").is_displayed())
    page.one("[data-do=zoom]").click()
    until(lambda: not page.one(".details.after-side img").is_displayed())

    # Vividness and another version.
    page.slide(8)
    page.changed(lambda: page.click(page.versions()[1]))
    until(lambda: page.versions()[1].get_attribute("aria-checked") == "true")

    page.rest()
    page.press("Download")
    result = Image.open(io.BytesIO(downloaded(tmp_path, "grandma-color.png")))
    assert result.size == (300, 200)
    assert np.ptp(np.asarray(result).astype(int), axis=2).max() > 20
    until(lambda: not page.asks_before_leaving())
    page.press("Before and after")
    assert downloaded(tmp_path, "grandma-compare.jpg")[:2] == b"\xff\xd8"


def test_hints_are_dragged_by_the_pointer(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "a.png"))
    page.hint(0.25, 0.5)
    (pin,) = page.find(".pin")
    frame = page.one(".frame").size
    page.changed(
        lambda: (
            ActionChains(page.browser)
            .drag_and_drop_by_offset(pin, frame["width"] // 2, frame["height"] // 4)
            .perform()
        )
    )
    label = pin.get_attribute("aria-label")
    assert "75 % from the left" in label or "74 % from the left" in label
    # The divider did not follow, and no other hint was put.
    assert page.one(".handle").get_attribute("aria-valuenow") == "50"
    assert len(page.find(".pin")) == 1


def test_a_hint_without_a_mouse(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "a.png"))
    page.show(page.one("[data-do=add]")).send_keys(Keys.ENTER)
    until(lambda: page.find(".swatch"))
    active = "let e = document.activeElement; while (e.shadowRoot) e = e.shadowRoot.activeElement;"
    until(lambda: "pin" in page.browser.execute_script(active + "return e.className"))
    page.changed(lambda: page.find(".swatch")[0].send_keys(Keys.ENTER))
    page.one("[data-do=close]").send_keys(Keys.ENTER)
    until(lambda: "1 place changed" in page.one(".say").text)


def test_keys_work_after_the_mouse_and_undo_knows_sliders(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "a.png"))
    page.tap(0.25, 0.5)
    until(lambda: page.find(".swatch"))
    page.keys(Keys.ESCAPE)
    until(lambda: not page.one(".palette").is_displayed())
    page.slide(4)
    until(lambda: page.vividness() == pytest.approx(1.2))
    page.hint(0.75, 0.5, 1)
    page.changed(page.undo)
    page.changed(page.undo)
    until(lambda: page.vividness() == 1)
