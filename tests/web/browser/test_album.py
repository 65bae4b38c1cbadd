"""The story of a family album, on a desktop and on a phone."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("streamlit", reason="needs Streamlit (extra web)")
pytest.importorskip("selenium", reason="drives the browser with Selenium (group dev)")

import photochrom.web.page
from photochrom import open_picture
from tests.helpers.browser import Page, downloaded, until

ASSETS = Path(photochrom.web.page.__file__).parent / "assets" / "examples"
TAKEN = "1952:06:01 12:00:00"


def album(folder: Path, count: int) -> list[Path]:
    """Pictures: JPEGs with a date, PNG and TIFF files of 8 and of 16 bits."""
    paths = []
    with Image.open(ASSETS / "astronaut.jpg") as image:
        grey = image.convert("L")
    for number in range(count):
        size = 240 + 4 * number
        part = grey.crop((90, 10, 90 + size, 10 + 2 * size // 3))
        path = folder / f"{number:02}{('.jpg', '.png', '.tif')[number % 3]}"
        exif = Image.Exif()
        exif[306] = TAKEN  # DateTime
        if number % 3 == 0:
            part.save(path, exif=exif, quality=90)
        elif number in (1, 2):
            deep = np.asarray(part).astype(np.uint16) * 257
            Image.fromarray(deep).save(path)
        else:
            part.save(path)
        paths.append(path)
    return paths


def reference(folder: Path) -> Path:
    """The first picture, in green and violet."""
    with Image.open(ASSETS / "astronaut.jpg") as image:
        grey = np.asarray(image.convert("L").crop((90, 10, 330, 170)))
    rgb = np.repeat(grey[..., None], 3, 2).astype(int)
    rgb[:, :120] += [-30, 30, -30]
    rgb[:, 120:] += [20, -30, 40]
    path = folder / "reference.png"
    Image.fromarray(rgb.clip(0, 255).astype(np.uint8)).save(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("screen", "count"), [("desktop", 12), ("phone", 4)])
def test_a_family_album(screen: str, count: int, page: Page, tmp_path: Path) -> None:
    if screen == "phone":
        page.phone()
    sources = album(tmp_path, count)
    page.open(*sources)

    # A dress is clicked and gets a colour, which gets a name; a face stays as it is.
    page.hint(0.65, 0.85, 1)
    page.one(".name").send_keys("Grandma’s coat")
    page.one(".remember button").click()
    until(lambda: page.find(".named button"))
    color = page.find(".swatch[aria-pressed=true]")[0].value_of_css_property("background-color")
    page.one("[data-do=close]").click()
    page.tap(0.4, 0.3)
    until(lambda: page.one("[data-do=keep]").is_displayed())
    page.one("[data-do=keep]").click()
    until(lambda: page.find(".pin.kept"))
    page.one("[data-do=close]").click()
    until(lambda: "2 places" in page.one(".say").get_attribute("textContent"))

    # The next picture gets the same colour by its name, in one spot, and another version.
    page.look_at("01.png")
    page.tap(0.65, 0.85)
    coat = until(lambda: page.find(".named button"))[0]
    assert coat.text == "Grandma’s coat"
    page.changed(coat.click)
    assert page.find(".pin")[0].value_of_css_property("background-color") == color
    page.changed(lambda: page.one(".only").click())
    page.one("[data-do=close]").click()
    page.rest()
    page.changed(lambda: page.click(page.versions()[1]))

    # The reload in the middle loses nothing.
    after = page.after()
    page.rest()
    page.reload()
    until(lambda: page.find(".pin") and page.after() == after)

    # The third borrows its colours.
    page.look_at("02.tif")
    page.unfold("Borrow colours")
    lent = reference(tmp_path)
    page.changed(lambda: page.drop(lent, into="[data-testid=stExpander]"))
    until(lambda: "of the picture took its colours from there" in page.text())

    # Everything comes out: one by one, and together.
    page.rest()
    page.press("Download")
    check(io.BytesIO(downloaded(tmp_path, "02-color.tif")), sources[2])
    page.rest()
    page.press(f"All {count} pictures in one ZIP")
    until(lambda: "Download the ZIP" in page.text())
    page.rest()
    page.press("Download the ZIP")
    with zipfile.ZipFile(io.BytesIO(downloaded(tmp_path, "photochrom.zip"))) as archive:
        results = {Path(name).stem: archive.read(name) for name in archive.namelist()}
    assert len(results) == count
    for source in sources:
        check(io.BytesIO(results[f"{source.stem}-color"]), source)


def check(result: io.BytesIO, source: Path) -> None:
    """A result has the size, depth, tones and date of its source, and colours."""
    made, given = open_picture(result), open_picture(source)
    assert (made.width, made.height, made.format) == (given.width, given.height, given.format)
    assert made.dtype == given.dtype
    pixels: Any = np.asarray(made.pixels).astype(int)
    assert np.ptp(pixels, axis=2).max() > 0.05 * np.iinfo(made.dtype).max
    if source.suffix == ".jpg":
        result.seek(0)
        with Image.open(result) as image:
            assert image.getexif()[306] == TAKEN
