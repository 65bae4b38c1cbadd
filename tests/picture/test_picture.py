"""The Picture itself: arrays in and out, sources, depth, suffixes."""

import io
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from photochrom import ArgumentError, Picture, PictureError, PictureTooLargeError, open_picture
from photochrom.media import default_suffix
from photochrom.picture import open_pages
from tests.helpers.picture_files import alpha, colour, grey

sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))


@given(
    st.sampled_from(["uint8", "uint16"]).flatmap(
        lambda dtype: hnp.arrays(
            dtype, st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
        )
    )
)
def test_an_array_comes_through_png_and_tiff_bit_for_bit(array):
    picture = Picture.from_array(array)
    for format in ("png", "tiff"):
        back = open_picture(picture.to_bytes(format))
        assert back.depth == array.dtype.itemsize * 8
        np.testing.assert_array_equal(back.pixels, picture.pixels)
        assert (back.alpha is None) == (picture.alpha is None)
        if back.alpha is not None:
            np.testing.assert_array_equal(back.alpha, picture.alpha)


@given(hnp.arrays(np.float64, sizes, elements=st.floats(0, 1)))
def test_floats_become_the_nearest_16_bit_codes(array):
    picture = Picture.from_array(array)
    assert picture.pixels.dtype == np.uint16
    assert np.abs(picture.pixels / 65535 - array).max() <= 0.5 / 65535 + 1e-12


def test_channels_of_an_array():
    rgba = np.dstack([colour(), alpha()])
    picture = Picture.from_array(rgba)
    assert (picture.height, picture.width, picture.depth) == (61, 90, 8)
    np.testing.assert_array_equal(picture.pixels, colour())
    np.testing.assert_array_equal(picture.alpha, alpha())
    assert Picture.from_array(grey()[..., None]).pixels.ndim == 2
    assert Picture.from_array(np.ones((2, 3), bool)).pixels.max() == 255
    assert Picture.from_array(colour()).pixels is not None
    assert np.shares_memory(Picture.from_array(array := colour()).pixels, array)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2, 5), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 3), np.uint8),
        np.zeros((2, 2), np.int32),
        np.full((2, 2), 1.5),
        np.full((2, 2), np.nan),
        np.zeros((2, 2), complex),
    ],
)
def test_arrays_that_are_no_pictures(array):
    with pytest.raises(ArgumentError, match="expected"):
        Picture.from_array(array)


def test_with_pixels_keeps_the_rest():
    picture = Picture.from_array(np.dstack([grey("uint16"), alpha("uint16")]))
    same = picture.with_pixels(colour("uint16"))
    assert (same.depth, same.alpha is picture.alpha) == (16, True)
    eight = picture.with_pixels(colour())
    assert eight.depth == 8
    np.testing.assert_array_equal(eight.alpha, (alpha("uint16") * 255.0 / 65535).round())
    with pytest.raises(ArgumentError):
        picture.with_pixels(colour()[1:])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_to_pil_rounds_to_8_bits(channels):
    codes = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    picture = Picture.from_array(np.repeat(codes[..., None], channels, axis=2))
    image = picture.to_pil()
    assert image.mode == ["L", "LA", "RGB", "RGBA"][channels - 1]
    first = np.asarray(image).reshape(16, 16, channels)[..., 0]
    np.testing.assert_array_equal(first, np.arange(256).reshape(16, 16))


def test_16_bits_are_rounded_to_8_exactly():
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    back = open_picture(Picture.from_array(every).to_bytes("bmp")).pixels
    np.testing.assert_array_equal(back, np.rint(every * 255.0 / 65535))
    flat = Picture.from_array(np.full((8, 8), 77 * 257, np.uint16))
    assert (open_picture(flat.to_bytes("jpeg")).pixels == 77).all()


def test_every_kind_of_source(tmp_path):
    picture = Picture.from_array(colour())
    data = picture.to_bytes("png")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        sources = [str(path), path, data, bytearray(data), io.BytesIO(data), file, colour()]
        sources += [Image.open(path), picture.to_pil()]
        for source in sources:
            back = open_picture(source)
            np.testing.assert_array_equal(back.pixels, colour())
    with pytest.raises(ArgumentError, match="a int"):
        open_picture(3)
    with pytest.raises(ArgumentError):
        open_picture(io.StringIO("text"))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_pillow_images_of_every_mode(mode):
    image = Image.fromarray(colour()).convert("RGBA" if mode == "PA" else "RGB").convert(mode)
    picture = open_picture(image)
    expected = image.convert(
        {"1": "L", "L": "L", "LA": "LA", "PA": "RGBA", "RGBA": "RGBA"}.get(mode, "RGB")
    )
    if mode == "CMYK":  # goes through a printing profile
        assert picture.pixels.shape == (61, 90, 3)
        return
    got = np.asarray(picture.to_pil())
    np.testing.assert_array_equal(got, np.asarray(expected))


def test_deep_pillow_images():
    codes = grey("uint16")
    for image in (Image.fromarray(codes), Image.fromarray(codes.astype(np.int32))):
        np.testing.assert_array_equal(open_picture(image).pixels, codes)
    for array in (codes.astype(np.float32), codes.astype(np.int32) - 70000):
        with pytest.raises(PictureError):
            open_picture(Image.fromarray(array))


def test_the_limit_of_pixels_is_checked_before_decoding(tmp_path):
    picture = Picture.from_array(colour())
    for format in ("jpeg", "png", "tiff", "webp", "avif", "bmp", "jp2"):
        data = picture.to_bytes(format)
        assert open_picture(data, max_pixels=61 * 90).width == 90
        with pytest.raises(PictureTooLargeError) as caught:
            open_picture(data, max_pixels=61 * 90 - 1)
        message = str(caught.value)
        assert "5,489" in message
        assert "90 x 61" in message
        assert "max_pixels" in message
        assert "--max-pixels" in message
    with pytest.raises(PictureTooLargeError):
        open_picture(picture.to_pil(), max_pixels=10)
    for wrong in (0, -1, 1.5, True, "9"):
        with pytest.raises(ArgumentError):
            open_picture(data, max_pixels=wrong)


def test_a_claimed_size_is_not_decoded():
    """A PNG of a few hundred bytes that claims 60,000 x 60,000 pixels."""
    data = bytearray(Picture.from_array(grey()).to_bytes("png"))
    data[16:24] = (60000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(PictureTooLargeError, match="3,600,000,000"):
        open_picture(bytes(data))


def test_suffixes_for_results():
    assert default_suffix(None) == default_suffix("gif") == ".png"
    assert (default_suffix("jpeg"), default_suffix("tiff", 16)) == (".jpg", ".tif")
    assert (default_suffix("jp2"), default_suffix("jp2", 16)) == (".jp2", ".tif")
    opaque = Picture.from_array(colour())
    assert opaque.suffix == ".png"
    assert open_picture(opaque.to_bytes("webp")).suffix == ".webp"


def test_one_page_of_everything_else():
    pages = list(open_pages(Picture.from_array(colour()).to_bytes("jpeg")))
    assert len(pages) == 1


def test_the_codecs_are_loaded_when_they_are_needed():
    code = (
        "import sys, photochrom.picture;"
        "print([m for m in ('pyvips', 'tifftools', 'pillow_heif') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert done.stdout.strip() == "[]"
