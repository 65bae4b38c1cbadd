"""A film on the page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("streamlit", reason="needs Streamlit (extra web)")
pytest.importorskip("selenium", reason="drives the browser with Selenium (group dev)")

import photochrom.web.page
from tests.helpers.browser import Page, downloaded, until

EXAMPLES = Path(photochrom.web.page.__file__).parent / "assets" / "examples"


def two_shots(path: Path) -> Path:
    """A film of two still pictures, half a second each."""
    av = pytest.importorskip("av", reason="writes a film with PyAV (extra video)")
    pytest.importorskip("cv2", reason="colours films with OpenCV (extra video)")
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 192, 128, "yuv420p"
        for name in ("astronaut.jpg", "admiral.jpg"):
            with Image.open(EXAMPLES / name) as image:
                rgb = np.asarray(image.convert("RGB").resize((192, 192)).crop((0, 0, 192, 128)))
            for _ in range(12):
                film.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
        film.mux(stream.encode(None))
    return path


def chroma(film: bytes) -> list[float]:
    """Mean distance of Cb and Cr from grey, of each frame."""
    import av

    with av.open(io.BytesIO(film)) as container:
        frames = [frame.to_ndarray(format="yuv444p") for frame in container.decode(video=0)]
    return [float(np.abs(frame[1:].astype(int) - 128).mean()) for frame in frames]


def test_a_film_its_shots_and_a_hint(page: Page, tmp_path: Path) -> None:
    page.drop(two_shots(tmp_path / "clip.mp4"))
    until(lambda: page.find(".frame"))
    page.rest()
    assert page.one("img.after").get_attribute("alt") == "clip.mp4, in colour"
    page.press("Preview three seconds")
    until(lambda: "Download the preview" in page.text())

    # The shots are found meanwhile; the second is chosen, and a place of it gets a colour.
    until(lambda: len(page.find("[aria-label='Shots'] button")) == 2)
    page.rest()
    page.changed(lambda: page.click(page.find("[aria-label='Shots'] button")[1]))
    page.rest()
    page.hint(0.5, 0.75, 1)
    page.one("[data-do=close]").click()
    states = ["", "edited"]
    row = "[aria-label='Shots'] button"
    until(lambda: [b.get_attribute("data-state") for b in page.find(row)] == states)
    until(lambda: "You changed something since" in page.text())

    # The whole film, with progress.
    page.rest()
    page.press("Colour the film")
    until(lambda: "Download the film" in page.text())
    page.rest()
    page.press("Download the film")
    amounts = chroma(downloaded(tmp_path, "clip-color.mp4"))
    assert len(amounts) == 24
    assert min(amounts) > 1
