"""The app in a real browser: headless Chromium, as Debian packages it, driven by Selenium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from photochrom.cli.web_app import script

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
    *("disable-dev-shm-usage", "window-size=1280,900"),
)
PATIENCE = 120.0  # seconds; the machine may be busy

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


_APP = """
import sys
from photochrom.cli.web_app import open_page
from photochrom.web.page import choosing

choosing.BUNDLED = "tiny"
open_page("127.0.0.1", int(sys.argv[1]), True)
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
    """The app on a free port; it can be killed and started again.

    Args:
        home: its home folder, and that for temporary files. The page uses the model
            ``models/tiny.onnx`` in it in place of the bundled one.
        by_streamlit: started by ``streamlit run``, with the bundled model, not by
            ``photochrom app``.
    """

    def __init__(self, home: Path, *, by_streamlit: bool = False) -> None:
        self.home, self.by_streamlit = home, by_streamlit
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        if self.by_streamlit:
            where = ["--server.address", "127.0.0.1", "--server.port", str(self.port)]
            command = ["-m", "streamlit", "run", str(script()), *where, "--server.headless", "true"]
        else:
            command = ["-c", _APP, str(self.port)]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=self.home,
                stdout=log,
                stderr=log,
                env=os.environ | {"PHOTOCHROM_HOME": str(self.home), "TMPDIR": str(self.home)},
            )
        until(lambda: urllib.request.urlopen(f"{self.address}/_stcore/health").status == 200)

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(20)


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
        """What can be seen; Selenium's own way takes forty times as long."""
        return str(self.browser.execute_script("return document.body.innerText"))

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

    def dark(self) -> None:
        """Ask for dark colours, as the system does."""
        scheme = {"name": "prefers-color-scheme", "value": "dark"}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def reload(self) -> None:
        """Reload the page without being asked."""
        script = "window.photochromReloads = true; location.reload()"
        self.browser.execute_script(script)

    def look_at(self, name: str) -> None:
        """Go to a picture by its thumbnail."""
        label = f"[aria-label='Your pictures'] [title='{name}']"
        self.click(self.one(label))
        until(lambda: self.one("img.after").get_attribute("alt") == f"{name}, in colour")
        self.rest()

    def button(self, label: str) -> Any:
        """The first button with a text that can be seen."""
        path = f"//button[contains(normalize-space(.), '{label}')]"

        def shown() -> list[Any]:
            return [b for b in self.browser.find_elements(By.XPATH, path) if b.is_displayed()]

        return until(shown)[0]

    def press(self, label: str) -> None:
        """Press a button, which the page may make anew meanwhile."""
        until(lambda: self.click(self.button(label)) is None)

    def unfold(self, label: str) -> None:
        """Open what is folded under a line."""
        path = f"//summary[contains(normalize-space(.), '{label}')]"
        until(lambda: self.click(self.browser.find_element(By.XPATH, path)) is None)

    def drop(self, *paths: Path, into: str = "[class*=st-key-drop]") -> None:
        """Put files into the first place for them inside of what `into` selects."""
        selector = f"{into} input[type=file]"
        box = until(lambda: self.browser.find_elements(By.CSS_SELECTOR, selector))[0]
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


def downloaded(tmp_path: Path, name: str) -> bytes:
    file = tmp_path / "downloads" / name
    until(lambda: file.is_file() and file.stat().st_size)
    return file.read_bytes()
