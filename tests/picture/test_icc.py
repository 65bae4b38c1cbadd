"""ICC profiles: pixels are sRGB, files keep their profile."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from photochrom import Picture, open_picture
from photochrom.picture import Metadata
from photochrom.picture.metadata.icc import is_srgb
from tests.helpers.picture_files import (
    ADOBE_GAMMA,
    ADOBE_PRIMARIES,
    ADOBE_RGB,
    alpha,
    colour,
    grey,
    grey_profile,
)

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
_SRGB_D50 = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)


def encode(linear):
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def adobe_to_srgb(samples):
    """By the formulas, in double precision: 0...1 -> 0...1."""
    xyz = samples**ADOBE_GAMMA @ np.array(ADOBE_PRIMARIES)
    return encode(xyz @ np.linalg.inv(_SRGB_D50).T)


def soft(dtype):
    """Colours well inside sRGB, none nearly black."""
    top = np.iinfo(dtype).max
    mixed = 0.6 * colour("uint16") / 65535.0 + 0.2
    return np.rint(mixed * top).astype(dtype)


def file_with(samples, icc, format="TIFF"):
    if samples.dtype == np.uint16:
        # Pillow writes no 16-bit RGB, so an untagged picture is written and tagged here.
        import pyvips

        height, width = samples.shape[:2]
        image = pyvips.Image.new_from_memory(
            samples.tobytes(), width, height, samples.size // (height * width), "ushort"
        )
        image = image.copy(interpretation="rgb16" if samples.ndim == 3 else "grey16")
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
        return image.tiffsave_buffer() if format == "TIFF" else image.pngsave_buffer()
    file = io.BytesIO()
    Image.fromarray(samples).save(file, format, icc_profile=icc)
    return file.getvalue()


def raw(data):
    """The samples in a file as they are stored."""
    import pyvips

    load = pyvips.Image.pngload_buffer if data[:4] == b"\x89PNG" else pyvips.Image.tiffload_buffer
    return load(data).numpy()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("format", ["png", "tiff"])
def test_adobe_rgb_is_converted_and_converted_back(dtype, format):
    samples = soft(dtype)
    top = np.iinfo(dtype).max
    picture = open_picture(file_with(samples, ADOBE_RGB, format.upper()))
    assert picture.pixels.dtype == np.uint16
    assert picture.depth == top.bit_length()
    expected = adobe_to_srgb(samples / top)
    assert np.abs(picture.pixels / 65535 - expected).max() < 0.6 / 255
    assert np.abs(picture.pixels / 65535 - expected).mean() < 0.05 / 255
    assert picture.metadata.icc == ADOBE_RGB
    data = picture.to_bytes(format)
    back = raw(data)
    assert back.dtype == dtype
    assert open_picture(data).metadata.icc == ADOBE_RGB
    assert np.abs(back.astype(int) - samples).max() <= (1 if dtype == "uint8" else 100)


def test_every_8_bit_grey_survives_the_way_there_and_back():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    picture = open_picture(file_with(ramp, ADOBE_RGB))
    np.testing.assert_array_equal(raw(picture.to_bytes("tiff")), ramp)
    channels = picture.pixels.astype(int)
    assert np.ptp(channels, axis=2).max() == 0
    expected = encode((ramp / 255) ** ADOBE_GAMMA) * 65535
    assert np.abs(channels - expected).max() < 1


def test_a_result_of_8_bits_is_written_in_the_profile_too():
    picture = open_picture(file_with(soft("uint8"), ADOBE_RGB))
    eight = picture.with_pixels(np.rint(picture.pixels / 257.0).astype(np.uint8))
    assert np.abs(raw(eight.to_bytes("tiff")).astype(int) - soft("uint8")).max() <= 2


def test_srgb_profiles_are_kept_and_change_nothing():
    assert is_srgb(SRGB)
    assert not is_srgb(ADOBE_RGB)
    picture = open_picture(file_with(colour(), SRGB))
    np.testing.assert_array_equal(picture.pixels, colour())
    assert picture.pixels.dtype == np.uint8
    assert picture.metadata.icc == SRGB
    np.testing.assert_array_equal(raw(picture.to_bytes("png")), colour())
    assert Image.open(io.BytesIO(picture.to_bytes("jpeg"))).info["icc_profile"] == SRGB


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_grey_profiles_set_the_tones(dtype, gamma):
    top = np.iinfo(dtype).max
    picture = open_picture(file_with(grey(dtype), grey_profile(gamma)))
    stored_gamma = round(gamma * 256) / 256
    expected = encode((grey(dtype) / top) ** stored_gamma)
    assert np.abs(picture.pixels / 65535.0 - expected).max() < 1 / 65535
    assert (picture.pixels.dtype, picture.depth) == (np.uint16, top.bit_length())
    assert picture.metadata.icc is None
    rgb = picture.with_pixels(np.repeat(picture.pixels[..., None], 3, axis=2))
    stored = raw(rgb.to_bytes("tiff"))
    assert stored.dtype == dtype
    assert np.abs(stored[..., 0] / top - expected).max() < 0.51 / 255


@pytest.mark.parametrize(
    "profile",
    [
        b"junk" * 100,
        ADOBE_RGB[:200],
        ADOBE_RGB[:128] + b"\xff" * (len(ADOBE_RGB) - 128),
        ADOBE_RGB.replace(b"rTRC", b"xTRC"),
        grey_profile(2.2),
    ],
    ids=["junk", "cut", "tags", "curve", "for grey"],
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_broken_or_foreign_profile_is_dropped(profile, dtype):
    picture = open_picture(file_with(colour(dtype), profile))
    np.testing.assert_array_equal(picture.pixels, colour(dtype))
    assert picture.metadata.icc is None


def test_an_rgb_profile_on_a_grey_picture_is_dropped():
    picture = open_picture(file_with(grey(), SRGB))
    np.testing.assert_array_equal(picture.pixels, grey())
    assert picture.metadata.icc is None


def test_transparency_is_left_alone_by_the_conversion():
    rgba = np.dstack([soft("uint8"), alpha()])
    picture = open_picture(file_with(rgba, ADOBE_RGB, "PNG"))
    np.testing.assert_array_equal(picture.alpha, alpha().astype(np.uint16) * 257)
    back = raw(picture.to_bytes("png"))
    np.testing.assert_array_equal(back[..., 3], alpha())
    assert np.abs(back.astype(int) - rgba).max() <= 1


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif", "heic"])
def test_the_profile_goes_into_lossy_formats(format):
    if format == "heic":
        pytest.importorskip("pillow_heif", reason="HEIC needs pillow-heif")
    picture = open_picture(file_with(soft("uint8"), ADOBE_RGB))
    back = open_picture(picture.to_bytes(format))
    assert back.metadata.icc == ADOBE_RGB
    assert np.abs(back.pixels.astype(int) - picture.pixels).mean() < 1500


def test_formats_without_profiles_hold_srgb():
    picture = open_picture(file_with(soft("uint8"), ADOBE_RGB))
    for format in ("bmp", "jp2"):
        back = open_picture(picture.to_bytes(format))
        assert np.abs(back.pixels * 257.0 - picture.pixels).max() <= 129


def test_cmyk_by_its_profile_or_without():
    inks = np.zeros((4, 4, 4), np.uint8)
    for profile in (None, b"broken" * 50, SRGB):
        file = io.BytesIO()
        options = {"icc_profile": profile} if profile else {}
        Image.fromarray(inks, "CMYK").save(file, "TIFF", **options)
        picture = open_picture(file.getvalue())
        assert picture.pixels.min() > 250
        assert picture.metadata.icc is None


def test_metadata_made_by_hand():
    picture = Picture(colour("uint16"), metadata=Metadata(icc=ADOBE_RGB))
    assert open_picture(picture.to_bytes("tiff")).metadata.icc == ADOBE_RGB
    picture = Picture(colour(), metadata=Metadata(icc=b"nonsense"))
    assert open_picture(picture.to_bytes("tiff")).metadata.icc is None


def table_profile():
    """A scanner's profile: a 2 x 2 x 2 table from RGB to Lab, and no way back."""
    import struct

    from tests.helpers.picture_files import _profile

    white, corners = 0xFF00, []
    for red in (0, 1):
        for green in (0, 1):
            for blue in (0, 1):
                lightness = (2 * red + 6 * green + 2 * blue) / 10
                corners += [round(lightness * white), 0x8000 + 8000 * (red - green), 0x8000]
    ramp = struct.pack(">2H", 0, 65535)
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    table = b"mft2\0\0\0\0" + bytes([3, 3, 2, 0]) + identity + struct.pack(">2H", 2, 2)
    table += ramp * 3 + struct.pack(">24H", *corners) + ramp * 3
    profile = bytearray(_profile(b"RGB ", [(b"wtpt", b"XYZ " + bytes(16)), (b"A2B0", table)]))
    profile[12:16], profile[20:24] = b"scnr", b"Lab "
    return bytes(profile)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_profile_of_tables_without_a_way_back(dtype):
    top = np.iinfo(dtype).max
    ramp = np.repeat(np.linspace(0, top, 50).round().astype(dtype)[None, :, None], 3, axis=2)
    picture = open_picture(file_with(ramp, table_profile()))
    assert (picture.pixels.dtype, picture.depth) == (np.uint16, top.bit_length())
    assert picture.metadata.icc is None
    lightness = np.linspace(0, 1, 50) * 100
    linear = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness * 27 / 24389)
    assert np.abs(picture.pixels[0, :, 1] / 65535 - encode(linear)).max() < 2 / 255
    broken = table_profile().replace(b"mft2", b"mft9")
    np.testing.assert_array_equal(open_picture(file_with(ramp, broken)).pixels, ramp)
