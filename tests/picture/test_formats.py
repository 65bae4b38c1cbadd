"""Every format times every kind of pixels, read and written."""

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photochrom import ArgumentError, MissingExtraError, Picture, PictureError, open_picture
from photochrom.color import neutral
from photochrom.media import FORMATS
from photochrom.picture.codec.decoding import full_range
from photochrom.picture.codec.vips_image import upper_bits
from tests.helpers.picture_files import alpha, colour, exif_block, grey

WRITTEN = [name for name, row in FORMATS.items() if row.write]
LOSSLESS = ["png", "tiff", "bmp", "jp2"]


def extra_or_skip(format):
    if format == "heic":
        pytest.importorskip("pillow_heif", reason="HEIC needs pillow-heif")
    if format in ("dpx", "exr"):
        pytest.importorskip("OpenImageIO", reason="DPX and OpenEXR need OpenImageIO")


def kinds():
    for dtype in ("uint8", "uint16"):
        yield grey(dtype)
        yield colour(dtype)
        yield np.dstack([grey(dtype), alpha(dtype)])
        yield np.dstack([colour(dtype), alpha(dtype)])


KINDS = list(kinds())
NAMES = ["L", "RGB", "LA", "RGBA", "L16", "RGB16", "LA16", "RGBA16"]


def to_depth(samples, depth):
    return samples if samples.dtype == np.uint8 or depth == 16 else np.rint(samples * 255.0 / 65535)


@pytest.mark.parametrize("array", KINDS, ids=NAMES)
@pytest.mark.parametrize("format", WRITTEN)
def test_round_trip(format, array):
    extra_or_skip(format)
    picture = Picture.from_array(array)
    transparent = picture.alpha is not None
    if transparent and not FORMATS[format].alpha:
        with pytest.raises(PictureError, match="transparen"):
            picture.to_bytes(format)
        return
    if format == "jp2" and picture.depth == 16 and array.ndim == 3:
        with pytest.raises(PictureError, match="PNG or TIFF"):
            picture.to_bytes(format)
        return
    back = open_picture(picture.to_bytes(format))
    assert back.format == format
    deep = FORMATS[format].deep or (format == "jp2" and array.ndim == 2)
    assert back.depth == (16 if format == "exr" else picture.depth if deep else 8)
    expected, got = to_depth(picture.pixels, back.depth), back.pixels
    if back.depth == 16 and expected.dtype == np.uint8:  # OpenEXR has floats only
        expected = expected.astype(np.uint16) * 257
    if got.ndim > expected.ndim:  # WebP and AVIF know no grey
        assert format in ("webp", "avif", "heic")
        expected = np.repeat(expected[..., None], 3, axis=2)
    top = 255 if back.depth == 8 else 65535
    if format in LOSSLESS:
        np.testing.assert_array_equal(got, expected)
    else:
        error = np.abs(got / top - expected / top)
        assert error.mean() < 0.02
    if transparent:
        assert np.abs(back.alpha / top - to_depth(picture.alpha, back.depth) / top).max() < 0.01
    else:
        assert back.alpha is None


@pytest.mark.parametrize("format", ["png", "tiff", "bmp", "jp2"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_grey_picture_that_is_coloured_grey_stays_itself(format, dtype):
    """read -> with_pixels(stacked grey) -> save -> read: the law that tones are never touched."""
    first = open_picture(Picture.from_array(grey(dtype)).to_bytes(format))
    stacked = first.with_pixels(np.repeat(first.pixels[..., None], 3, axis=2))
    if format == "jp2" and dtype == "uint16":
        assert stacked.suffix == ".tif"
    target = {".tif": "tiff"}.get(stacked.suffix, format)
    last = open_picture(stacked.to_bytes(target))
    for channel in range(3):
        np.testing.assert_array_equal(last.pixels[..., channel], first.pixels)


def test_webp_without_loss_stays_without_loss():
    data = io.BytesIO()
    Image.fromarray(colour()).save(data, "WEBP", lossless=True)
    back = open_picture(data.getvalue())
    np.testing.assert_array_equal(back.pixels, colour())
    np.testing.assert_array_equal(open_picture(back.to_bytes("webp")).pixels, colour())
    lossy = Picture.from_array(colour()).to_bytes("webp")
    assert (open_picture(lossy).pixels != colour()).any()


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("format", ["avif", "heic"])
def test_deep_avif_and_heic_use_the_full_range(format, bits):
    extra_or_skip(format)
    codes = (np.arange(64, dtype=np.uint32) * 65535 // 63).astype(np.uint16).reshape(8, 8)
    samples = np.repeat(np.repeat(np.repeat(codes[..., None], 3, 2), 8, 0), 8, 1)
    data = deep_file(format, samples, bits)
    picture = open_picture(data)
    assert (picture.depth, picture.metadata.encoding.bits) == (16, bits)
    assert (picture.pixels.min(), picture.pixels.max()) == (0, 65535)
    assert np.abs(picture.pixels.astype(int) - samples).max() <= 65535 / (2**bits - 1)
    again = open_picture(picture.to_bytes(format, quality=100))
    assert again.metadata.encoding.bits == bits
    assert again.pixels.max() == 65535


def deep_file(format, samples, bits):
    height, width = samples.shape[:2]
    if format == "heic":
        import pillow_heif

        file = io.BytesIO()
        options = {"quality": -1, "chroma": 444, "matrix_coefficients": 0, "bit_depth": bits}
        pillow_heif.encode("RGB;16", (width, height), samples.tobytes(), file, **options)
        return file.getvalue()
    import pyvips

    image = pyvips.Image.new_from_memory(samples.tobytes(), width, height, 3, "ushort")
    image = image.copy(interpretation="rgb16")
    return image.heifsave_buffer(compression="av1", bitdepth=bits, lossless=True)


@pytest.mark.parametrize("bits", [10, 12])
def test_codes_of_10_and_12_bits_there_and_back(bits):
    codes = np.arange(65536, dtype=np.uint16)
    top = 2**bits - 1
    stored = upper_bits(bits)
    np.testing.assert_array_equal(stored >> (16 - bits), np.rint(codes * (top / 65535)))
    small = np.arange(top + 1, dtype=np.uint16) << (16 - bits)
    full = full_range(small, bits)
    np.testing.assert_array_equal(full, np.rint(np.arange(top + 1) * (65535 / top)))
    np.testing.assert_array_equal(stored[full], small)


def test_a_lossless_webp_with_transparency_and_exif():
    """The EXIF block is put into a file whose header must then tell of the transparency."""
    file = io.BytesIO()
    rgba = np.dstack([colour(), alpha()])
    Image.fromarray(rgba).save(file, "WEBP", lossless=True, exact=True)
    picture = open_picture(file.getvalue())
    tagged = replace(picture, metadata=replace(picture.metadata, exif=exif_block(1)))
    image = Image.open(io.BytesIO(tagged.to_bytes("webp")))
    assert image.getexif()[0x010F] == "Leitz"
    np.testing.assert_array_equal(np.asarray(image), rgba)
    np.testing.assert_array_equal(open_picture(tagged.to_bytes("webp")).alpha, alpha())


def test_heic_without_its_library(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(MissingExtraError, match=r"photochrom\[heif\]"):
        Picture.from_array(colour()).to_bytes("heic")
    head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    with pytest.raises(MissingExtraError, match="HEIC"):
        open_picture(head + b"\0" * 100)


def by_pillow(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP", "GIF"])
def test_palettes(format):
    image = Image.fromarray(colour()).quantize(32)
    picture = open_picture(by_pillow(image, format))
    np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    assert picture.alpha is None or picture.alpha.min() == 255


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_a_palette_with_a_transparent_colour(format):
    image = Image.fromarray(colour()).quantize(32)
    clear = int(np.asarray(image)[30, 30])
    picture = open_picture(by_pillow(image, format, transparency=clear))
    np.testing.assert_array_equal(picture.alpha == 0, np.asarray(image) == clear)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP"])
def test_one_bit(format):
    image = Image.fromarray(grey()).convert("1")
    picture = open_picture(by_pillow(image, format))
    assert picture.pixels.dtype == np.uint8
    np.testing.assert_array_equal(picture.to_pil().convert("L"), np.asarray(image) * np.uint8(255))


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(format):
    inks = np.zeros((8, 8, 4), np.uint8)
    inks[:4, :, 1:3] = 255  # magenta and yellow: red
    inks[4:, 4:, 3] = 255  # black
    data = by_pillow(
        Image.fromarray(inks, "CMYK"), format, **({"quality": 100} if format == "JPEG" else {})
    )
    picture = open_picture(data)
    assert picture.pixels.shape == (8, 8, 3)
    assert picture.metadata.icc is None
    red, white, black = picture.pixels[1, 1], picture.pixels[6, 1], picture.pixels[6, 6]
    assert red[0] > 180
    assert red[1] < 80
    assert red[2] < 80
    assert white.min() > 245
    assert black.max() < 70


@pytest.mark.parametrize("format", [f for f in WRITTEN if f != "heic"])
def test_the_content_says_the_format(format, tmp_path):
    extra_or_skip(format)
    for name in ("a.jpg", "b.txt", "c"):
        path = tmp_path / name
        path.write_bytes(Picture.from_array(colour()).to_bytes(format))
        assert open_picture(path).format == format


def test_an_animation_gives_its_first_frame():
    frames = [Image.fromarray(colour()), Image.fromarray(255 - colour())]
    for format in ("GIF", "WEBP", "PNG"):
        data = by_pillow(frames[0], format, save_all=True, append_images=frames[1:], lossless=True)
        picture = open_picture(data)
        assert np.abs(picture.pixels.astype(int) - colour()).mean() < 12
        assert picture.suffix == (".webp" if format == "WEBP" else ".png")


def test_jpeg_keeps_the_chroma_resolution():
    def sampling(data):
        at = data.index(b"\xff\xc0")
        return data[at + 11]

    picture = Picture.from_array(colour())
    assert sampling(picture.to_bytes("jpeg")) == 0x11
    assert sampling(picture.to_bytes("jpeg", quality=85)) == 0x11
    assert sampling(picture.to_bytes("jpeg", quality=60)) == 0x22


def test_quality_matters_and_is_checked():
    picture = Picture.from_array(colour())
    for format in ("jpeg", "webp", "avif"):
        assert len(picture.to_bytes(format, quality=20)) < len(picture.to_bytes(format, quality=95))
    for wrong in (0, 101, 5.5, "90", True):
        with pytest.raises(ArgumentError, match=r"1\.\.\.100"):
            picture.to_bytes("jpeg", quality=wrong)


def test_an_opaque_alpha_is_dropped_for_jpeg():
    rgba = np.dstack([colour(), np.full((61, 90), 255, np.uint8)])
    assert open_picture(Picture.from_array(rgba).to_bytes("jpeg")).alpha is None


@pytest.mark.parametrize(("format", "side"), [("webp", 16384), ("jpeg", 65536)])
def test_a_side_too_long_for_the_format(format, side):
    with pytest.raises(PictureError, match=f"{side} x 1 pixels.*PNG or TIFF"):
        Picture.from_array(np.zeros((1, side), np.uint8)).to_bytes(format)


def test_jpeg_2000_with_16_bit_colour_is_refused_not_truncated():
    data = bytearray(Picture.from_array(colour()).to_bytes("jp2"))
    at = data.index(b"\xff\x4f\xff\x51")
    assert data[at + 42] == 7
    data[at + 42] = 15
    for file in (data, data[at:]):
        with pytest.raises(PictureError, match="16 bits per channel in RGB"):
            open_picture(bytes(file))


def test_pixels_of_any_memory_layout_are_written(tmp_path: Path):
    rgb = colour()
    for array in (rgb[::-1], rgb[:, ::-1], rgb[::2, ::3], np.asfortranarray(rgb)):
        back = open_picture(Picture.from_array(array).to_bytes("png"))
        np.testing.assert_array_equal(back.pixels, array)
    frozen = rgb.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(
        open_picture(Picture.from_array(frozen).to_bytes("png")).pixels, rgb
    )


def test_png_text_bombs_are_ignored():
    """20 text chunks, an ICC profile and an XMP packet that inflate to a gigabyte each."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    squeeze = zlib.compressobj(9)
    bomb = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(64)) + squeeze.flush()
    data = Picture.from_array(grey()).to_bytes("png")
    extra = chunk(b"iCCP", b"icc\0\0" + bomb)
    extra += b"".join(chunk(b"zTXt", b"key%d\0\0" % i + bomb) for i in range(20))
    extra += chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb)
    picture = open_picture(data[:33] + extra + data[33:])
    np.testing.assert_array_equal(picture.pixels, grey())
    assert (picture.metadata.icc, picture.metadata.xmp) == (None, None)


def test_a_webp_without_colour_is_grey_again() -> None:
    """Its decoder leaves G one code beside R and B here and there; tints stay what they are."""
    random = np.random.default_rng(4)
    codes = np.clip(np.linspace(20, 230, 90) + random.normal(0, 9, (70, 90)), 0, 255)
    image = Image.fromarray(codes.astype(np.uint8))
    file = io.BytesIO()
    image.save(file, "WEBP", quality=90)
    raw = np.asarray(Image.open(file).convert("RGB")).astype(int)
    assert np.abs(raw[..., 0] - raw[..., 1]).max() == 1
    picture = open_picture(file.getvalue())
    np.testing.assert_array_equal(neutral(picture.pixels), raw[..., 0].astype(np.uint8))
    tinted = np.repeat(codes.astype(np.uint8)[..., None], 3, 2)
    tinted[..., 2] //= 2
    file = io.BytesIO()
    Image.fromarray(tinted).save(file, "WEBP", quality=90)
    raw = np.asarray(Image.open(file).convert("RGB"))
    np.testing.assert_array_equal(open_picture(file.getvalue()).pixels, raw)
    exact = np.repeat(codes.astype(np.uint8)[..., None], 3, 2)
    exact[::2, :, 1] += 1  # meant so, where nothing is lost
    file = io.BytesIO()
    Image.fromarray(exact).save(file, "WEBP", lossless=True)
    np.testing.assert_array_equal(open_picture(file.getvalue()).pixels, exact)


def test_a_dpx_whose_header_is_garbled(tmp_path):
    """FFmpeg leaves bytes of anything in fields that it does not fill."""
    extra_or_skip("dpx")
    data = bytearray(Picture.from_array(grey("uint16")).to_bytes("dpx"))
    data[1764:1770] = b"\xb0\xd6\xe9 \x8e\xff"  # the field slate information
    path = tmp_path / "a.dpx"
    path.write_bytes(data)
    read = open_picture(path)
    assert read.notes == ("dpx:SlateInfo of the header, which is not UTF-8, not kept",)
    again = open_picture(read.to_bytes("dpx"))
    np.testing.assert_array_equal(again.pixels, read.pixels)
