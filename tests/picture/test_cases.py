"""The case files of ../shared, each with the right value. They are not part of the project."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom import MissingExtraError, Picture, PictureError, open_pages, open_picture
from photochrom.color import lightness
from photochrom.picture import is_in_color
from photochrom.picture.jpeg.splice import without_color

FOLDER = Path(__file__).parents[3] / "shared" / "fixtures" / "cases" / "pictures"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs ../shared/fixtures/cases")

MEAN = 159.04  # of the grey codes of the one picture that most of the cases are made of


def opened(name: str) -> Picture:
    return open_picture(FOLDER / name)


def grey_of(picture: Picture) -> NDArray[Any]:
    pixels = picture.pixels if picture.grey else picture.pixels[..., 0]
    return pixels / (257 if pixels.dtype == np.uint16 else 1)


@pytest.mark.parametrize(
    "name",
    [
        *("aerial.tif", "alpha.bmp", "anim.gif", "mono.avif", "mpo.mpo", "noeoi.jpg", "raw.png"),
        *("t_g_2extra.tif", "wrongext.jpg", "wrongext.png"),
    ],
)
def test_tones(name: str) -> None:
    assert abs(grey_of(opened(name)).mean() - MEAN) < 0.1


@pytest.mark.parametrize("name", ["gama1.png", "jp2_16.jp2"])
def test_tones_of_16_bits(name: str) -> None:
    seen = grey_of(opened(name))
    truth = grey_of(opened("wrongext.jpg"))
    assert np.abs(lightness(seen / 255) - lightness(truth / 255)).mean() < 0.3


def test_private_tags() -> None:
    file = io.BytesIO()
    picture = opened("aerial.tif")
    picture.with_pixels(np.dstack([picture.pixels] * 3)).save(file, format="tiff")
    for words in (b"private vendor", b"flight", b"SilverFast 8", b"Copyright X", b"Box 12"):
        assert words in file.getvalue()


def test_saved_selections() -> None:
    picture = opened("t_g_2extra.tif")
    assert picture.grey
    assert picture.alpha is None
    assert picture.extra is not None
    assert picture.extra.shape[2] == 2


def test_raw() -> None:
    try:
        assert "raw data" in opened("cfa.dng").notes[0]
    except (PictureError, MissingExtraError) as error:
        assert "camera raw" in str(error)  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    ("name", "color"),
    [("colour_astronaut.jpg", True), ("cyanotype.jpg", False), ("mpo.mpo", False)],
)
def test_colour(name: str, color: bool) -> None:
    assert is_in_color(opened(name)) == color


def test_what_is_told() -> None:
    assert opened("wrongext.jpg").notes == ("the file is a PNG, not what .jpg says",)
    assert opened("wrongext.png").notes == ("the file is a JPEG, not what .png says",)
    assert "end of the file" in opened("noeoi.jpg").notes[0]
    assert "second of the frames" in opened("anim.gif").losses("png")[0]
    assert "second of the pictures" in opened("mpo.mpo").losses("jpeg")[0]
    with pytest.raises(PictureError, match=r"end|intact"):
        open_picture(FOLDER / "noeoi.jpg", strict=True)
    with pytest.raises(PictureError, match=r"directory of tags"):
        list(open_pages(FOLDER / "noifd.tif"))


def test_formats_of_results() -> None:
    assert opened("alpha.bmp").suffix == ".png"
    assert opened("anim.gif").suffix == ".png"
    assert opened("jp2_16.jp2").suffix == ".tif"


def test_metadata_of_imagemagick() -> None:
    metadata = opened("raw.png").metadata
    assert metadata.exif is not None
    assert b"COOLSCAN" in metadata.exif
    assert metadata.iptc is not None
    assert b"Beschriftung" in metadata.iptc
    assert metadata.photoshop is not None
    assert b"http://x.example" in metadata.photoshop


@pytest.mark.parametrize("name", ["noeoi.jpg", "wrongext.png"])
def test_grey_jpegs_come_back(name: str) -> None:
    picture = opened(name)
    assert picture.luma is not None
    planes = [np.full(picture.luma.half.shape, 150, np.uint8)] * 2
    coloured = picture.replaced(luma=picture.luma.with_chroma(lambda: (planes[0], planes[1])))
    assert without_color(coloured.to_bytes("jpeg")) == (FOLDER / name).read_bytes()
