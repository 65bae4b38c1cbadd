"""A film on the page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("streamlit", reason="needs Streamlit (extra web)")
pytest.importorskip("selenium", reason="drives the browser with Selenium (group dev)")

from tests.helpers.browser import Page, downloaded, until


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
