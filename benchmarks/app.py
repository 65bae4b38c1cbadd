"""The app in a browser: how fast it redraws, and what memory it gives back.

    python -m benchmarks.app [--repeats 15] [--pictures 20] [--megapixels 24]

Starts `photochrom app` and drives headless Chromium with Selenium, as the tests do. Printed are the
medians from a move of the slider, and from a click on a colour, to the new picture of 1200 pixels
being loaded by the browser (measured in the browser); and the memory of the process at its start
(with one example coloured), with all pictures looked at, and after the tab was closed. Linux only;
needs Chromium with its driver.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import photochrom.web.page
from benchmarks.server_load import resident
from tests.helpers.browser import BROWSER, DRIVER, FLAGS, Page, Server, until

EXAMPLE = Path(photochrom.web.page.__file__).parent / "assets" / "examples" / "astronaut.jpg"
SLIDER_MS, HINT_MS, BACK_MB = 300, 400, 300
CLOSED = 150.0  # seconds in which memory is to be back

# Notes when a key, or a click on a colour, came, and when the picture after it was loaded.
WATCH = """
const picture = arguments[0];
window.times = [];
let began = null;
const begin = () => { began = performance.now(); };
document.addEventListener("keydown", begin, true);
picture.getRootNode().addEventListener("click", begin, true);
picture.addEventListener("load", () => {
  if (began !== null) window.times.push(performance.now() - began);
  began = null;
});
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--megapixels", type=float, default=24)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="photochrom-benchmark-") as name:
        folder = Path(name)
        server, driver = Server(folder), browser(folder)
        try:
            redraws(Page(driver, server.address), folder, given.repeats)
            memory(server, driver, folder, given.pictures, given.megapixels)
        finally:
            driver.quit()
            server.process.terminate()
            server.process.wait(20)


def browser(folder: Path) -> Any:
    """A headless Chromium."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for flag in (*FLAGS, f"user-data-dir={folder / 'profile'}"):
        options.add_argument(f"--{flag}")
    return webdriver.Chrome(options, webdriver.ChromeService(DRIVER))


def redraws(page: Page, folder: Path, repeats: int) -> None:
    """Print how long a slider and a hint take."""
    path = folder / "1200.png"
    with Image.open(EXAMPLE) as image:
        image.convert("L").crop((0, 0, 510, 340)).resize((1200, 800)).save(path)
    page.open(path)
    page.rest()
    page.browser.execute_script(WATCH, page.one("img.after"))
    slider: list[float] = []
    for _ in range(repeats):
        page.browser.execute_script("arguments[0].focus()", page.slider())
        slider.append(timed(page, lambda: page.keys(Keys.ARROW_RIGHT)))
    page.tap(0.3, 0.8)
    until(lambda: len(page.find(".swatch")) > 1)
    page.rest()
    hint = [timed(page, page.find(".swatch")[number % 2].click) for number in range(repeats)]
    for what, times, aim in (("slider", slider, SLIDER_MS), ("hint", hint, HINT_MS)):
        print(
            f"{what}: median {statistics.median(times):.0f} ms (aim {aim}), "
            f"{min(times):.0f} to {max(times):.0f}"
        )


def timed(page: Page, act: Any) -> float:
    """Milliseconds that the browser noted for one change."""
    count = len(page.browser.execute_script("return window.times"))
    act()
    until(lambda: len(page.browser.execute_script("return window.times")) > count)
    page.rest()
    return float(page.browser.execute_script("return window.times.at(-1)"))


def memory(server: Server, driver: Any, folder: Path, pictures: int, megapixels: float) -> None:
    """Print the memory at the start, with all pictures, and after the tab was closed."""
    start = resident(server.process.pid)
    width = int((megapixels * 1e6 * 1.5) ** 0.5)
    rng = np.random.default_rng(0)
    with Image.open(EXAMPLE) as image:
        grey = np.asarray(image.convert("L").crop((0, 0, 510, 340)).resize((width, width * 2 // 3)))
    paths = []
    for number in range(pictures):
        grain = rng.integers(-8, 9, grey.shape, np.int16)
        paths.append(folder / f"{number:02}.jpg")
        Image.fromarray((grey + grain).clip(0, 255).astype(np.uint8)).save(paths[-1], quality=85)
    driver.switch_to.new_window("tab")
    page = Page(driver, server.address)
    page.drop(*paths)
    until(lambda: page.find(".frame"))
    for path in paths:
        page.look_at(path.name)
    full = resident(server.process.pid)
    driver.execute_script("window.photochromReloads = true")
    driver.find_element(By.TAG_NAME, "body")
    for handle in driver.window_handles[1:]:
        driver.switch_to.window(handle)
        driver.close()
    driver.switch_to.window(driver.window_handles[0])
    driver.get("about:blank")
    end, after = time.monotonic() + CLOSED, full
    while time.monotonic() < end and after > start + BACK_MB / 2:
        time.sleep(5)
        after = resident(server.process.pid)
    print(
        f"memory: {start:.0f} MB at the start, {full:.0f} with {pictures} pictures of "
        f"{megapixels:g} MP, {after:.0f} after the tab was closed ({after - start:+.0f}, "
        f"aim {BACK_MB})"
    )


if __name__ == "__main__":
    main()
