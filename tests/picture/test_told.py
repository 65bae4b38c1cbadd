"""What used to go wrong without a word: tones, channels, tags, losses."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import (
    MissingExtraError,
    Picture,
    PictureError,
    PictureTooLargeError,
    open_pages,
    open_picture,
)
from photochrom.color import lightness, neutral
from photochrom.picture import Deferred
from photochrom.picture.metadata.icc import to_srgb
from photochrom.picture.metadata.profiles import cicp_profile
from photochrom.picture.metadata.xmp import drop_stale, stale_parts
from tests.helpers.grey_jpegs import grey_jpeg, scene
from tests.helpers.picture_files import IPTC, colour, exif_block, grey

RAMP = np.tile(np.arange(256, dtype=np.uint8), (32, 1))
NOTE = "Colours inferred by Photochrom, model test; not evidence."


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: NDArray[Any], *chunks: tuple[bytes, bytes], behind: bool = False) -> bytes:
    """A PNG with further chunks before its pixels, or behind them."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    data = file.getvalue()
    place = data.index(b"IEND") - 4 if behind else 33
    return data[:place] + b"".join(chunk(*each) for each in chunks) + data[place:]


def light(codes: NDArray[Any]) -> NDArray[np.float64]:
    """Linear light of sRGB codes, uint8 or uint16."""
    v = codes / np.iinfo(codes.dtype).max
    return np.where(v > 0.04045, ((v + 0.055) / 1.055) ** 2.4, v / 12.92)


GAMMA_1 = (b"gAMA", struct.pack(">I", 100000))
GAMMA_SRGB = (b"gAMA", struct.pack(">I", 45455))
SRGB = (b"sRGB", b"\0")
CICP_LINEAR = (b"cICP", bytes([1, 8, 0, 1]))
CICP_SRGB = (b"cICP", bytes([1, 13, 0, 1]))


@pytest.mark.parametrize(
    ("chunks", "exponent"),
    [
        ([GAMMA_1], 1.0),
        ([(b"gAMA", struct.pack(">I", 55556))], 1.8),
        ([CICP_LINEAR], 1.0),
        ([CICP_LINEAR, SRGB, GAMMA_SRGB], 1.0),  # cICP counts first
        ([(b"cICP", bytes([1, 4, 0, 1]))], 2.2),
        ([SRGB, GAMMA_1], None),  # sRGB counts more than gAMA
        ([CICP_SRGB, GAMMA_1], None),
        ([GAMMA_SRGB], None),
        ([(b"gAMA", b"\0\0\0\0")], None),
        ([(b"cICP", bytes([1, 99, 0, 1]))], None),
    ],
)
@pytest.mark.parametrize("rgb", [False, True])
def test_tones_of_a_png_that_are_not_srgb(
    chunks: list[tuple[bytes, bytes]], exponent: float | None, rgb: bool
) -> None:
    pixels = np.dstack([RAMP] * 3) if rgb else RAMP
    picture = open_picture(png(pixels, *chunks))
    if exponent is None:
        np.testing.assert_array_equal(picture.pixels, pixels)
        return
    expected = (RAMP[0] / 255.0) ** exponent
    seen = light(picture.pixels[0, :, 0] if rgb else picture.pixels[0])
    np.testing.assert_allclose(seen, expected, atol=2e-4)
    again = open_picture(picture.to_bytes("png"))
    row = again.pixels[0]
    np.testing.assert_allclose(light(row[:, 0] if rgb else row), expected, atol=8e-3)


def test_primaries_of_a_png() -> None:
    """Red of Display P3 is beyond sRGB's; its green and blue are not those of sRGB either."""
    p3 = [0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06]
    chrm = b"cHRM", struct.pack(">8I", *(round(n * 100000) for n in p3))
    patch = np.full((4, 4, 3), [200, 60, 60], np.uint8)
    named = open_picture(png(patch, GAMMA_SRGB, chrm)).pixels[0, 0]
    coded = open_picture(png(patch, (b"cICP", bytes([12, 13, 0, 1])))).pixels[0, 0]
    assert np.abs(named.astype(int) - coded).max() < 300
    assert named[0] > 200 * 257 + 1000
    assert open_picture(png(patch, GAMMA_SRGB, chrm)).to_bytes("png").count(b"iCCP") == 1


def test_hdr_has_paper_white_at_white() -> None:
    for transfer, code in ((16, 0.5807), (18, 0.75)):
        profile = cicp_profile(9, transfer, grey=True)
        samples = np.full((1, 1, 1), round(code * 65535), np.uint16)
        assert profile is not None
        pixels, _ = to_srgb(samples, "grey", profile)
        assert pixels[0, 0, 0] > 65535 * 0.985


@pytest.mark.parametrize("range_", ["full", "limited"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_avif_of_either_range(range_: str, mode: str) -> None:
    file = io.BytesIO()
    image = Image.fromarray(RAMP).convert(mode)
    image.save(file, "AVIF", range=range_, quality=95, subsampling="4:4:4")
    pixels = open_picture(file.getvalue()).pixels
    seen = pixels if pixels.ndim == 2 else neutral(pixels)
    assert np.abs(lightness(seen)[4] - lightness(RAMP)[4]).max() < 1.5


def test_code_points_of_an_avif() -> None:
    file = io.BytesIO()
    Image.fromarray(RAMP).save(file, "AVIF", quality=95)
    data = bytearray(file.getvalue())
    place = data.index(b"nclx") + 4
    data[place : place + 4] = bytes([0, 1, 0, 8])  # linear light
    seen = open_picture(bytes(data)).pixels[4]
    seen = seen[:, 0] if seen.ndim == 2 else seen
    np.testing.assert_allclose(light(seen), RAMP[0] / 255, atol=0.02)


def test_saved_selections_are_no_colours(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile", reason="needs tifffile")
    tones, one, two = grey(), np.full_like(grey(), 128), np.full_like(grey(), 9)
    for planar in ("contig", "separate"):
        path = tmp_path / f"{planar}.tif"
        samples = [tones, one, two]
        stack = np.dstack(samples) if planar == "contig" else np.stack(samples)
        kinds = ["unspecified"] * 2
        tifffile.imwrite(
            path, stack, photometric="minisblack", planarconfig=planar, extrasamples=kinds
        )
        picture = open_picture(path)
        np.testing.assert_array_equal(picture.pixels, tones)
        assert picture.alpha is None
        picture.with_pixels(colour()).save(tmp_path / "out.tif")
        with tifffile.TiffFile(tmp_path / "out.tif") as file:
            page = file.pages[0]
            assert tuple(int(kind) for kind in page.extrasamples) == (0, 0)
            np.testing.assert_array_equal(page.asarray()[..., 3:], np.dstack([one, two]))
        assert "2 further channels" in picture.losses("jpeg")[0]


@pytest.mark.parametrize(("kind", "alpha"), [("unassalpha", True), ("unspecified", False)])
def test_extra_samples_say_what_is_transparency(kind: str, alpha: bool, tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile", reason="needs tifffile")
    veil = np.full(grey().shape, 128, np.uint8)
    for pixels, photometric in ((grey()[..., None], "minisblack"), (colour(), "rgb")):
        samples = np.concatenate([pixels, veil[..., None]], axis=2)
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, samples, photometric=photometric, extrasamples=[kind])
        picture = open_picture(path)
        assert (picture.alpha is not None) == alpha
        assert (picture.extra is not None) != alpha
        np.testing.assert_array_equal(picture.pixels, pixels.squeeze())


def test_private_tags_and_the_unit_of_the_resolution(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile", reason="needs tifffile")
    private = [
        (33550, "d", 3, (0.5, 0.5, 0.0)),  # GeoTIFF: pixel scale
        (34735, "H", 4, (1, 1, 0, 0)),  # GeoTIFF: directory of keys
        (42112, "s", 0, "<GDALMetadata/>"),
        (65000, "s", 0, "private vendor"),
        (65001, "B", 6, bytes(range(6))),
    ]
    tifffile.imwrite(
        tmp_path / "a.tif",
        grey(),
        resolution=(118.11, 118.11),
        resolutionunit="CENTIMETER",
        extratags=private,
    )
    picture = open_picture(tmp_path / "a.tif")
    picture.with_pixels(colour()).with_note(NOTE).save(tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as a, tifffile.TiffFile(tmp_path / "b.tif") as b:
        before, after = a.pages[0].tags, b.pages[0].tags
        for tag in (*(number for number, *_ in private), 282, 283, 296):
            assert after[tag].value == before[tag].value, tag
    assert picture.metadata.dpi == pytest.approx((300, 300), abs=0.1)


def test_camera_raw_is_no_picture_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)
    tifffile = pytest.importorskip("tifffile", reason="needs tifffile")
    for name, tags in (
        ("cfa.dng", {"photometric": 32803, "extratags": [(50706, "B", 4, bytes([1, 4, 0, 0]))]}),
        ("linear.dng", {"extratags": [(50706, "B", 4, bytes([1, 4, 0, 0]))]}),
    ):
        tifffile.imwrite(tmp_path / name, grey("uint16"), **tags)
        with pytest.raises(MissingExtraError, match=r"camera raw file.*photochrom\[raw\]"):
            open_picture(tmp_path / name)


def test_camera_raw_is_developed(tmp_path: Path) -> None:
    pytest.importorskip("rawpy", reason="needs rawpy (extra raw)")
    tifffile = pytest.importorskip("tifffile", reason="needs tifffile")
    tags = [(50706, "B", 4, bytes([1, 4, 0, 0])), (33421, "H", 2, (2, 2))]
    tags.append((33422, "B", 4, bytes([0, 1, 1, 2])))
    sensor = np.tile(np.linspace(500, 60000, 160).astype(np.uint16), (120, 1))
    tifffile.imwrite(tmp_path / "a.dng", sensor, photometric=32803, extratags=tags)
    picture = open_picture(tmp_path / "a.dng")
    assert (picture.depth, picture.format, picture.suffix) == (16, None, ".png")
    row = neutral(picture.pixels)[60].astype(int)
    assert row[10] < row[80] < row[150]
    assert "raw data" in picture.notes[0]


def test_a_tiff_without_a_directory() -> None:
    for data in (b"II*\0\0\0\0\0", b"II*\0\x08\0\0\0" + b"II" * 40):
        with pytest.raises(PictureError, match="cannot be read"):
            list(open_pages(data))


KINDS = ["zstd", "lzma", "jpegxl", "jpeg2000"]


@pytest.mark.parametrize("kind", [*KINDS, "12 bits", "CIELAB"])
def test_kinds_that_libvips_does_not_read(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile = pytest.importorskip("tifffile", reason="needs tifffile")
    pytest.importorskip("imagecodecs", reason="needs imagecodecs (extra tiff)")
    path = tmp_path / "a.tif"
    if kind == "CIELAB":
        lab = np.zeros((20, 30, 3), np.uint8)
        lab[..., 0], lab[..., 1] = 128, 20
        tifffile.imwrite(path, lab, photometric="cielab")
        rgb = open_picture(path).pixels[0, 0] / 257
        assert np.abs(rgb - [151, 107, 120]).max() < 3
    elif kind == "12 bits":
        tifffile.imwrite(path, grey("uint16") >> 4, bitspersample=12)
        assert np.abs(open_picture(path).pixels.astype(int) - grey("uint16")).max() <= 16
    else:
        tifffile.imwrite(path, grey("uint16"), compression=kind)
        np.testing.assert_array_equal(open_picture(path).pixels, grey("uint16"))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(MissingExtraError, match=r"a\.tif, a TIFF with .*photochrom\[tiff\]"):
        open_picture(path)


def hex_profile(name: str, data: bytes) -> tuple[bytes, bytes]:
    """As ImageMagick writes it."""
    text = f"\n{name}\n{len(data):8d}\n{data.hex()}\n".encode()
    return b"zTXt", b"Raw profile type " + name.encode() + b"\0\0" + zlib.compress(text)


@pytest.mark.parametrize("behind", [False, True])
def test_profiles_that_imagemagick_keeps_in_texts(behind: bool) -> None:
    path = b"8BIM\x07\xd0\0\0\0\0\0\4path"
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0" * (len(IPTC) % 2)
    data = png(
        grey(),
        hex_profile("exif", b"Exif\0\0" + exif_block(1)),
        hex_profile("8bim", block + path),
        behind=behind,
    )
    metadata = open_picture(data).metadata
    assert metadata.exif is not None
    assert b"Leitz" in metadata.exif
    assert (metadata.iptc, metadata.photoshop) == (IPTC, path)
    for format in ("png", "jpeg", "tiff"):
        again = open_picture(open_picture(data).to_bytes(format)).metadata
        assert (again.iptc, again.photoshop) == (IPTC, path), format


def test_exif_behind_the_pixels_of_a_png() -> None:
    metadata = open_picture(png(grey(), (b"eXIf", exif_block(1)), behind=True)).metadata
    assert metadata.exif is not None
    assert b"Leitz" in metadata.exif


STALE = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
    b' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
    b' GCamera:MotionPhoto="1" hdrgm:Version="1.0" dc:format="image/jpeg">'
    b"<Container:Directory><rdf:Seq><rdf:li/></rdf:Seq></Container:Directory>"
    b'<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:AppliedToDimensions stDim:w="9"/>'
    b"</mwg-rs:Regions></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def test_marks_of_what_is_gone_go_too() -> None:
    left = drop_stale(STALE, turned=True)
    for name in (b"MotionPhoto", b"hdrgm:", b"Container:", b"mwg-rs:"):
        assert name not in left
    assert b'dc:format="image/jpeg"' in left
    assert b"mwg-rs:Regions" in drop_stale(STALE, turned=False)
    words = stale_parts(STALE, turned=True)
    assert words == ["the mark of a gain map", "the mark of a motion photo", "the regions of faces"]


def test_marks_stay_where_their_bytes_stay() -> None:
    picture = open_picture(grey_jpeg(xmp=STALE) + b"a short film")
    planes = [np.full(picture.luma.half.shape, 128, np.uint8)] * 2  # type: ignore[union-attr]
    rgb = Deferred((61, 90, 3), np.dtype("uint8"), colour)
    result = picture.colored(rgb, lambda: (planes[0], planes[1]), NOTE)
    assert b"MotionPhoto" in result.to_bytes("jpeg")
    assert result.to_bytes("jpeg").endswith(b"a short film")
    assert b"MotionPhoto" not in picture.to_bytes("png")
    assert "the mark of a motion photo not kept" in picture.losses("png")
    assert picture.losses("jpeg") == ()


def animation(format: str) -> bytes:
    frames = [Image.fromarray(colour()), Image.fromarray(colour()[::-1])]
    frames.append(Image.fromarray(colour()[:, ::-1]))
    file = io.BytesIO()
    frames[0].save(file, format, save_all=True, append_images=frames[1:])
    return file.getvalue()


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_frames_that_are_not_coloured_are_told(format: str) -> None:
    picture = open_picture(animation(format))
    assert picture.metadata.encoding.further == 2
    assert picture.losses("png")[0].startswith("2 further")


def test_the_second_picture_of_an_mpo_is_told() -> None:
    picture = open_picture(animation("MPO"))
    assert picture.format == "jpeg"
    assert picture.losses("jpeg")[0] == "2 further pictures in the file not kept"


def test_losses_by_format() -> None:
    deep = Picture(grey("uint16"))
    assert deep.losses("jpeg") == ("16 bits per channel become 8",)
    assert deep.losses("png") == deep.losses("tiff") == ()
    file = io.BytesIO()
    Image.fromarray(grey()).save(file, "JPEG", exif=b"Exif\0\0" + exif_block(1), comment=b"x")
    picture = open_picture(file.getvalue())
    assert picture.losses("png") == ("comments not kept",)
    assert "EXIF not kept" in picture.losses("bmp")


def test_what_is_dropped_on_reading_is_told() -> None:
    file = io.BytesIO()
    Image.fromarray(colour()).save(file, "JPEG", icc_profile=b"no profile at all" * 20)
    assert "profile" in open_picture(file.getvalue()).notes[0]
    file = io.BytesIO()
    Image.fromarray(grey()).save(file, "JPEG", exif=b"Exif\0\0II*\0broken")
    assert "EXIF" in open_picture(file.getvalue()).notes[0]


def test_a_name_that_says_another_format(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(png(grey()))
    assert open_picture(tmp_path / "a.jpg").notes == ("the file is a PNG, not what .jpg says",)
    (tmp_path / "a.jpeg").write_bytes(grey_jpeg())
    (tmp_path / "a.scan").write_bytes(grey_jpeg())
    assert open_picture(tmp_path / "a.jpeg").notes == open_picture(tmp_path / "a.scan").notes == ()


def test_formats_for_results() -> None:
    veiled = Picture(colour(), np.full(grey().shape, 90, np.uint8), format="bmp")
    assert veiled.suffix == ".png"
    file = io.BytesIO()
    Image.fromarray(scene(90, 61).astype(np.uint16) * 257).save(file, "JPEG2000")
    picture = open_picture(file.getvalue())
    assert (picture.depth, picture.suffix) == (16, ".tif")


@pytest.mark.parametrize(("width", "height"), [(1_000_001, 1), (1, 100_001), (49_000_000, 1)])
def test_sides_that_no_photograph_has(width: int, height: int) -> None:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    rows = zlib.compress(bytes(height * (1 + -(-width // 8))))
    data = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    with pytest.raises(PictureTooLargeError, match="too long"):
        open_picture(data)


def test_a_long_strip_is_a_picture() -> None:
    assert open_picture(png(np.zeros((1, 90_000), np.uint8))).width == 90_000
