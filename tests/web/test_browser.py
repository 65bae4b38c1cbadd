"""The page in a real browser: headless Chromium, as Debian packages it, driven by Selenium."""

from __future__ import annotations

import io
import os
import re
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


class Server:
    """``photochrom app`` on a free port; it can be killed and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        code = "from photochrom.cli.web_app import open_page; "
        code += f"open_page('127.0.0.1', {self.port}, True)"
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                stdout=log,
                stderr=log,
                env=os.environ | {"PHOTOCHROM_HOME": str(self.home), "TMPDIR": str(self.home)},
            )
        until(lambda: urllib.request.urlopen(f"{self.address}/_stcore/health").status == 200)

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("home"))
    yield made
    made.process.terminate()
    made.process.wait(20)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for flag in (*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver: Any, tmp_path: Path) -> Iterator[Any]:
    """The one browser of the module, at its usual size, with a folder for this test's files."""
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    folder = {"behavior": "allow", "downloadPath": str(tmp_path / "downloads")}
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", folder)
    driver.get("about:blank")
    driver.get_log("browser")
    yield driver
    severe = [line for line in driver.get_log("browser") if line["level"] == "SEVERE"]
    driver.execute_script("window.photochromReloads = true")  # leave without being asked
    assert not [
        line
        for line in severe
        if not re.search("_stcore|disconnected|not responding", line["message"])
    ]


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

    def versions(self) -> list[Any]:
        return self.find("[aria-label='Other versions'] button")

    def keys(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        ActionChains(self.browser).send_keys(*keys).perform()

    def undo(self) -> None:
        chain = ActionChains(self.browser).key_down(Keys.CONTROL)
        chain.send_keys("z").key_up(Keys.CONTROL).perform()

    def slider(self) -> Any:
        return self.one("input[type=range][aria-label='Vividness']")

    def vividness(self) -> float:
        return float(self.slider().get_property("value"))

    def slide(self, steps: int) -> None:
        """Move the slider of vividness by keyboard."""
        self.browser.execute_script("arguments[0].focus()", self.slider())
        self.changed(lambda: self.keys(*[Keys.ARROW_RIGHT] * steps))

    def asks_before_leaving(self) -> bool:
        script = """
        const event = new Event("beforeunload", { cancelable: true });
        window.dispatchEvent(event);
        return event.defaultPrevented;
        """
        return bool(self.browser.execute_script(script))

    def phone(self) -> None:
        """Become a touch screen of 390 x 844."""
        size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})

    def box(self, element: Any) -> list[float]:
        """Left, top, right and bottom in the window."""
        script = "const { left, top, right, bottom } = arguments[0].getBoundingClientRect();"
        found = self.browser.execute_script(script + "return [left, top, right, bottom]", element)
        return list(found)

    def swipe(self, element: Any, x: int, y: int) -> None:
        """Put a finger on the middle of an element, pull it and lift it."""
        left, top, right, bottom = self.box(element)
        left, top = (left + right) / 2, (top + bottom) / 2

        def touch(kind: str, *points: dict[str, float]) -> None:
            event = {"type": kind, "touchPoints": list(points)}
            self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", event)

        touch("touchStart", {"x": left, "y": top})
        for step in range(1, 9):
            touch("touchMove", {"x": left + x * step / 8, "y": top + y * step / 8})
        touch("touchEnd")

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
        until(lambda: len(self.versions()) > 1)

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
        until(lambda: self.find(".swatch")[swatch].is_displayed())
        self.changed(lambda: self.find(".swatch")[swatch].click())


@pytest.fixture
def page(browser: Any, server: Server) -> Page:
    return Page(browser, server.address)


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
    page.click(page.button("Download"))
    result = Image.open(io.BytesIO(downloaded(tmp_path, "grandma-color.png")))
    assert result.size == (300, 200)
    assert np.ptp(np.asarray(result).astype(int), axis=2).max() > 20
    until(lambda: not page.asks_before_leaving())
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


def test_keys_work_after_the_mouse_and_undo_knows_sliders(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "a.png"))
    page.tap(0.25, 0.5)
    until(lambda: page.find(".swatch"))
    page.keys(Keys.ESCAPE)
    until(lambda: not page.one(".palette").is_displayed())
    page.slide(4)
    assert page.vividness() == pytest.approx(1.2)
    page.hint(0.75, 0.5, 1)
    page.changed(page.undo)
    page.changed(page.undo)
    until(lambda: page.vividness() == 1)


def test_a_reload_in_the_middle_loses_nothing(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "a.png"))
    assert not page.asks_before_leaving()
    page.hint(0.25, 0.5, 1)
    page.slide(4)
    until(page.asks_before_leaving)
    after = page.after()
    page.browser.execute_script("window.photochromReloads = true; location.reload()")
    until(lambda: page.find(".pin") and page.after() == after)
    assert page.vividness() == pytest.approx(1.2)
    page.changed(page.undo)


def test_a_killed_server_is_told_and_gone_on_with(
    page: Page, server: Server, tmp_path: Path
) -> None:
    page.open(write(tmp_path / "a.png"))
    page.hint(0.25, 0.5, 1)
    server.kill()
    until(lambda: page.one(".lost").is_displayed())
    server.start()
    until(lambda: not page.one(".lost").is_displayed())
    page.rest()
    until(lambda: page.undo() or not page.find(".pin"))  # keys too early are lost


def test_many_pictures_and_one_that_is_none(page: Page, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(write(tmp_path / "whole.png").read_bytes()[:60])
    page.drop(bad, write(tmp_path / "a.png"), write(tmp_path / "b.png", 60, 40))
    until(lambda: "“bad.png” cannot be opened" in page.text())
    assert str(tmp_path.parent) not in page.text()
    page.click(page.button("Next"))
    until(lambda: page.find(".frame"))
    states = [
        b.get_attribute("data-state") for b in page.find("[aria-label='Your pictures'] button")
    ]
    assert states == ["failed", "coloured", "waiting"]
    page.rest()
    page.click(page.button("Colour all 3 pictures"))
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
    page.button("Preview three seconds")
    page.rest()
    assert page.one(".compare img.after").get_attribute("alt") == "clip.mp4, in colour"
    page.click(page.button("Preview three seconds"))
    until(lambda: "Download the preview" in page.text())
    page.rest()
    page.click(page.button("Colour the film"))
    until(lambda: "Download the film" in page.text())
    page.rest()
    page.click(page.button("Download the film"))
    with av.open(io.BytesIO(downloaded(tmp_path, "clip-color.mp4"))) as film:
        assert sum(1 for _ in film.decode(video=0)) == 12


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
