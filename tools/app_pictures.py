"""Photographs the app: first screen, editor, album, film and error; light, dark and on a phone.

    python -m tools.app_pictures FOLDER [--docs]

Writes a PNG for each into the folder; with --docs, the three of docs/images too. Drives Chromium
with Selenium, as the tests do. The pictures in it are in the public domain and come with
scikit-image and matplotlib.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from pathlib import Path
from typing import Any

import av
import matplotlib.cbook
import numpy as np
import skimage.data
from PIL import Image
from selenium import webdriver

from tests.helpers.browser import BROWSER, DRIVER, FLAGS, Page, Server, until

IMAGES = Path(__file__).parents[1] / "docs" / "images"
LOOKS = ("light", "dark", "phone")
SHOTS = "[aria-label='Shots'] button"


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--docs", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="photochrom-pictures-") as name:
        work = Path(name)
        server = Server(work)
        try:
            for look in LOOKS:
                take(look, server, work, given.folder)
        finally:
            server.process.terminate()
            server.process.wait(20)
    if given.docs:
        save_docs(given.folder)


def take(look: str, server: Server, work: Path, folder: Path) -> None:
    """All figures of one look."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for flag in (*FLAGS, "hide-scrollbars", f"user-data-dir={work / look}"):
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    size = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page = Page(driver, server.address)
        if look != "light":
            getattr(page, look)()
            page.reload()
            until(lambda: page.find(".strip button"))
        until(lambda: page.find(".compare img.after"))
        page.rest()

        def shot(name: str) -> None:
            time.sleep(1.0)
            image = Image.open(io.BytesIO(driver.get_screenshot_as_png()))
            image.convert("RGB").save(folder / f"{name}-{look}.png")

        shot("first")
        editor_and_album(page, work, shot)
        film_and_error(page, work, shot)
    finally:
        driver.quit()


def editor_and_album(page: Page, work: Path, shot: Any) -> None:
    """A place gets a colour; then the row of pictures."""
    page.open(*pictures(work))
    page.rest()
    page.hint(0.35, 0.65, 1)
    page.rest()
    top(page)
    shot("editor")
    page.one(".name").send_keys("Flight suit")
    page.one(".remember button").click()
    until(lambda: page.find(".named button"))
    page.one("[data-do=close]").click()
    for name in ("rocket.jpg", "admiral.jpg"):
        page.look_at(name)
    top(page)
    shot("album")


def film_and_error(page: Page, work: Path, shot: Any) -> None:
    """A film with its shots, and a file that is cut off too early."""
    cut = work / "torn.tif"
    cut.write_bytes(b"II*\0\xff\xff\xff\x7f" + bytes(60))
    page.click(page.button("Add"))
    page.drop(film(work / "holiday.mp4"), cut, into=".st-key-drop-more")
    until(lambda: page.button("Colour the film"))
    until(lambda: len(page.find(SHOTS)) == 2)
    page.rest()
    page.changed(lambda: page.click(page.find(SHOTS)[1]))
    page.rest()
    top(page)
    shot("film")
    page.click(page.one("[aria-label='Your pictures'] [title='torn.tif']"))
    until(lambda: "cannot be opened" in page.text())
    page.rest()
    top(page)
    shot("error")


def top(page: Page) -> None:
    """Scroll to the top."""
    page.browser.execute_script("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")


def pictures(work: Path) -> list[Path]:
    """Grey versions of a few photographs."""
    hopper = np.asarray(Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg")))
    given = {
        "astronaut": skimage.data.astronaut(),
        "admiral": hopper,
        "rocket": skimage.data.rocket(),
        "camera": skimage.data.camera(),
    }
    paths = []
    for name, pixels in given.items():
        paths.append(work / f"{name}.jpg")
        Image.fromarray(pixels).convert("L").save(paths[-1], quality=92)
    return paths


def film(path: Path) -> Path:
    """Two of them, the camera moving over each for two seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 480, 320, "yuv420p"
        for picture in pictures(path.parent)[:2]:
            grey = Image.open(picture).convert("RGB").resize((520, 520))
            for number in range(48):
                part = np.asarray(grey.crop((number // 2, 20, number // 2 + 480, 340)))
                container.mux(stream.encode(av.VideoFrame.from_ndarray(part, "rgb24")))
        container.mux(stream.encode(None))
    return path


def save_docs(folder: Path) -> None:
    """The three of docs/images."""
    phones = [Image.open(folder / f"{name}-phone.png") for name in ("first", "editor", "film")]
    height, gap = 900, 24
    phones = [each.resize((round(each.width * height / each.height), height)) for each in phones]
    sheet = Image.new("RGB", (sum(i.width + gap for i in phones) - gap, height), "white")
    left = 0
    for image in phones:
        sheet.paste(image, (left, 0))
        left += image.width + gap
    sheet.save(IMAGES / "app-phone.jpg", quality=85, optimize=True)
    for name, source in (("app-editor", "editor-light"), ("app-film", "film-dark")):
        image = Image.open(folder / f"{source}.png")
        image.save(IMAGES / f"{name}.jpg", quality=85, optimize=True)


if __name__ == "__main__":
    main()
