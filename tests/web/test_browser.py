"""The page in a real browser: headless Chromium, as Debian packages it, driven by Selenium."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("streamlit", reason="needs Streamlit (extra web)")
pytest.importorskip("selenium", reason="drives the browser with Selenium (group dev)")

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not BROWSER or not DRIVER, reason="needs chromium and chromedriver (Debian: chromium-driver)"
)
FLAGS = (
    *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
    *("disable-dev-shm-usage", "window-size=1280,900"),
)
PATIENCE = 60.0  # seconds; the machine may be busy

# Streamlit puts components into shadow trees, which ordinary selectors do not enter.
DEEP = """
const found = [];
const walk = (root) => {
  found.push(...root.querySelectorAll(arguments[0]));
  for (const each of root.querySelectorAll("*")) if (each.shadowRoot) walk(each.shadowRoot);
};
walk(document);
return found;
"""


CUT_OFF = b"\x89PNG\r\n\x1a\n" + bytes(40)
"""A picture by its first bytes, which cannot be read."""


def until(done: Callable[[], Any]) -> Any:
    """What `done` returns, as soon as it is true."""
    end, problem = time.monotonic() + PATIENCE, "never came true"
    while time.monotonic() < end:
        try:
            if result := done():
                return result
        except Exception as error:  # elements come and go while the page is made
            problem = repr(error)
        time.sleep(0.1)
    raise AssertionError(problem)


def write(path: Path, width: int = 300, height: int = 200) -> Path:
    """Dark on the left, bright on the right."""
    grey = np.full((height, width), 90, np.uint8)
    grey[:, width // 2 :] = 180
    grey[::7] += 5
    Image.fromarray(grey).save(path)
    return path


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``photochrom app``, served on a free port."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = "from photochrom.cli.web_app import open_page; "
    start += f"open_page('127.0.0.1', {port}, True)"
    log = (home / "log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-c", start],
        stdout=log,
        stderr=log,
        env=os.environ | {"PHOTOCHROM_HOME": str(home), "TMPDIR": str(home)},
    )
    url = f"http://127.0.0.1:{port}"
    until(lambda: urllib.request.urlopen(f"{url}/_stcore/health").status == 200)
    yield url
    server.terminate()
    server.wait(20)
    log.close()
    # Nothing of what was uploaded is left.
    assert not list(home.glob("photochrom-app-*"))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for flag in (*FLAGS, f"user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(f"--{flag}")
    downloads = {"download.default_directory": str(tmp_path / "downloads")}
    options.add_experimental_option("prefs", downloads)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    severe = [line for line in driver.get_log("browser") if line["level"] == "SEVERE"]
    driver.quit()
    assert not severe


class Page:
    """The page, in the words of its user."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser = browser
        browser.get(address)
        until(lambda: self.find(".strip button"))

    def find(self, selector: str) -> list[Any]:
        return list(self.browser.execute_script(DEEP, selector))

    def one(self, selector: str) -> Any:
        return until(lambda: self.find(selector))[0]

    def text(self) -> str:
        return str(self.browser.find_element(By.TAG_NAME, "body").text)

    def show(self, element: Any) -> Any:
        script = "arguments[0].scrollIntoView({block: 'center'})"
        self.browser.execute_script(script, element)
        return element

    def click(self, element: Any) -> None:
        self.show(element).click()

    def rest(self) -> None:
        """Wait until the page is made; its buttons are new each time."""
        state = "[data-testid=stApp][data-test-script-state=notRunning]"
        until(lambda: self.browser.find_elements(By.CSS_SELECTOR, state))
        time.sleep(0.5)
        until(lambda: self.browser.find_elements(By.CSS_SELECTOR, state))

    def button(self, label: str) -> Any:
        path = f"//button[contains(normalize-space(.), '{label}')]"
        return until(lambda: self.browser.find_elements(By.XPATH, path))[0]

    def drop(self, *paths: Path) -> None:
        box = until(lambda: self.browser.find_elements(By.CSS_SELECTOR, "input[type=file]"))[0]
        box.send_keys("\n".join(map(str, paths)))

    def open(self, *paths: Path) -> None:
        """Drop pictures and wait for the result."""
        self.drop(*paths)
        until(lambda: self.find(".frame"))
        until(lambda: len(self.find(".strip button")) == 6)

    def after(self) -> str:
        return str(self.one("img.after").get_attribute("src"))

    def changed(self, act: Callable[[], Any]) -> float:
        """Do something that changes the picture; returns the seconds it took."""
        before, start = self.after(), time.monotonic()
        act()
        until(lambda: self.after() != before)
        return time.monotonic() - start

    def tap(self, x: float, y: float) -> None:
        frame = self.show(self.one(".frame"))
        size = frame.size
        offset = int((x - 0.5) * size["width"]), int((y - 0.5) * size["height"])
        ActionChains(self.browser).move_to_element_with_offset(frame, *offset).click().perform()

    def hint(self, x: float, y: float, swatch: int = 0) -> None:
        self.tap(x, y)
        until(lambda: len(self.find(".swatch")) > swatch)
        self.changed(lambda: self.find(".swatch")[swatch].click())


@pytest.fixture
def page(browser: Any, address: str) -> Page:
    return Page(browser, address)


def downloaded(tmp_path: Path, name: str) -> bytes:
    file = tmp_path / "downloads" / name
    until(lambda: file.is_file() and file.stat().st_size)
    return file.read_bytes()


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
    page.tap(0.25, 0.5)
    swatches = until(lambda: page.find(".swatch"))
    assert len(swatches) >= 2
    assert "%" in swatches[0].get_attribute("aria-label")
    assert page.one(".free input").get_attribute("type") == "color"
    page.changed(swatches[1].click)
    (pin,) = page.find(".pin")
    assert pin.get_attribute("aria-label").startswith("Hint 1, ")

    # It is moved and deleted by keyboard; undo brings it back.
    page.changed(lambda: pin.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN))
    assert "27 % from the left, 51 % from the top" in pin.get_attribute("aria-label")
    page.changed(lambda: pin.send_keys(Keys.DELETE))
    assert not page.find(".pin")
    page.changed(page.one("[data-do=undo]").click)
    assert len(until(lambda: page.find(".pin"))) == 1

    # Vividness and another version.
    slider = page.one("input[type=range][aria-label='Vividness']")
    page.browser.execute_script("arguments[0].focus()", slider)
    keys = ActionChains(page.browser).send_keys(*[Keys.ARROW_RIGHT] * 8)
    page.changed(keys.perform)
    page.changed(lambda: page.click(page.find(".strip button")[3]))
    until(lambda: page.find(".strip button")[3].get_attribute("aria-checked") == "true")

    page.rest()
    page.click(page.button("Download"))
    result = Image.open(io.BytesIO(downloaded(tmp_path, "grandma-color.png")))
    assert result.size == (300, 200)
    assert np.ptp(np.asarray(result).astype(int), axis=2).max() > 20
    page.click(page.button("Before and after"))
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
    until(lambda: "1 hint" in page.one(".say").text)


def test_many_pictures_and_one_that_is_none(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(CUT_OFF)
    page.drop(bad, write(tmp_path / "a.png"), write(tmp_path / "b.png", 60, 40))
    until(lambda: page.find(".frame"))
    page.click(page.button("Colour all 3 pictures"))
    until(lambda: "Download the ZIP" in page.text())
    assert "bad.png" in page.text()
    page.click(page.button("Download the ZIP"))
    with zipfile.ZipFile(io.BytesIO(downloaded(tmp_path, "photochrom.zip"))) as archive:
        assert sorted(archive.namelist()) == ["a-color.png", "b-color.png"]
        assert Image.open(archive.open("b-color.png")).size == (60, 40)


def test_a_bad_file_is_told_in_one_line(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(CUT_OFF)
    page.drop(bad)
    until(lambda: "bad.jpg cannot be read" in page.text())
    assert "Traceback" not in page.text()


def test_a_film_with_progress(page: Page, tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="writes a film with PyAV (extra video)")
    pytest.importorskip("cv2", reason="colours films with OpenCV (extra video)")
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(12):
            grey = np.full((64, 96), 60 + 5 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, "gray").reformat(format="yuv420p")
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    page.drop(path)
    page.rest()
    page.click(page.button("Colour the film"))
    until(lambda: "Done." in page.text())
    page.rest()
    page.click(page.button("Download the film"))
    with av.open(io.BytesIO(downloaded(tmp_path, "clip-color.mp4"))) as film:
        assert sum(1 for _ in film.decode(video=0)) == 12


def test_an_example_and_a_phone(page: Page) -> None:
    size = {"width": 375, "height": 812, "deviceScaleFactor": 2, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.click(page.find(".strip button")[-1])
    frame = until(lambda: page.find(".frame"))[0]
    until(lambda: frame.size["width"] > 300)
    assert frame.size["width"] <= 375
    wide = "return document.documentElement.scrollWidth"
    assert page.browser.execute_script(wide) <= 375
    for label in ("Add a hint", "Undo", "Remove all hints"):
        (button,) = [b for b in page.find(".bar button") if b.text == label]
        assert button.size["height"] >= 36
