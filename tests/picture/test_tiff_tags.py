"""The kinds of TIFF: layouts, compressions, samples that are tones and samples that are not."""

import io

import numpy as np
import pytest
import pyvips
from PIL import Image

from photochrom import PictureError, open_picture
from tests.helpers.picture_files import colour, grey

tifffile = pytest.importorskip("tifffile", reason="comes with scikit-image")


def by_pillow(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "miniswhite"},
        {"photometric": "minisblack", "tile": (32, 32), "compression": "zlib", "predictor": True},
        {"photometric": "minisblack", "rowsperstrip": 7, "byteorder": ">"},
        {"photometric": "minisblack", "bigtiff": True},
    ],
    ids=["white-is-zero", "tiled", "big-endian", "big"],
)
def test_tiff_layouts_of_grey(dtype, options):
    file = io.BytesIO()
    data = ~grey(dtype) if options["photometric"] == "miniswhite" else grey(dtype)
    tifffile.imwrite(file, data, **options)
    np.testing.assert_array_equal(open_picture(file.getvalue()).pixels, grey(dtype))


@pytest.mark.parametrize(
    "compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"]
)
def test_tiff_compressions_are_kept_if_they_lose_nothing(compression):
    even = np.repeat(np.arange(40, 240, dtype=np.uint8)[:, None], 90, axis=1)
    data = by_pillow(Image.fromarray(even), "TIFF", compression=compression)
    picture = open_picture(data)
    assert np.abs(picture.pixels.astype(int) - even).mean() < 3
    written = Image.open(io.BytesIO(picture.to_bytes("tiff")))
    expected = {"jpeg": "tiff_adobe_deflate"}.get(compression, compression)
    assert written.info["compression"] == expected


@pytest.mark.parametrize("tile", [False, True], ids=["strips", "tiles"])
@pytest.mark.parametrize("compression", ["lzw", "deflate", "packbits"])
def test_a_compression_that_makes_a_file_larger_is_not_kept(compression, tile):
    """As LZW does with the noise in 16-bit scans."""
    smooth = np.repeat(np.arange(127, dtype=np.uint16)[:, None] * 514, 96, axis=1)
    noise = np.random.default_rng(1).integers(0, 65536, smooth.shape, dtype=np.uint16)
    for pixels, expected in ((smooth, compression), (noise, "none")):
        image = pyvips.Image.new_from_array(pixels)
        data = image.tiffsave_buffer(compression=compression, tile=tile, predictor="none")
        picture = open_picture(data)
        np.testing.assert_array_equal(picture.pixels, pixels)
        assert picture.metadata.encoding.compression == expected
        with tifffile.TiffFile(io.BytesIO(picture.to_bytes("tiff"))) as written:
            assert (written.pages[0].compression == 1) == (expected == "none")


def test_group_4_fax():
    image = Image.fromarray(grey()).convert("1")
    picture = open_picture(by_pillow(image, "TIFF", compression="group4"))
    np.testing.assert_array_equal(picture.pixels, np.asarray(image) * np.uint8(255))


def test_separate_planes_and_associated_alpha():
    file = io.BytesIO()
    planes = np.ascontiguousarray(colour().transpose(2, 0, 1))
    tifffile.imwrite(file, planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(open_picture(file.getvalue()).pixels, colour())
    file = io.BytesIO()
    half = np.dstack([colour() // 2, np.full((61, 90), 128, np.uint8)])
    tifffile.imwrite(file, half, photometric="rgb", extrasamples=["assocalpha"])
    assert np.abs(open_picture(file.getvalue()).pixels.astype(int) - colour()).max() <= 2


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int32", "uint32", "complex64"])
def test_tiff_samples_that_are_no_tones(dtype):
    file = io.BytesIO()
    tifffile.imwrite(file, grey().astype(dtype))
    with pytest.raises(PictureError, match="cannot be read") as caught:
        open_picture(file.getvalue())
    assert "16 bits" in str(caught.value) or "intact" in str(caught.value)


def test_large_strips_are_read():
    """libtiff refuses compressed strips beyond 50 MB unless it is asked not to."""
    file = io.BytesIO()
    rows = np.random.default_rng(0).integers(0, 256, (600, 30_000, 3), np.uint8)
    options = {"compression": "zlib", "compressionargs": {"level": 1}, "rowsperstrip": 600}
    tifffile.imwrite(file, rows, photometric="rgb", **options)
    np.testing.assert_array_equal(open_picture(file.getvalue()).pixels, rows)
