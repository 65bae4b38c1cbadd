"""Colour added to grey JPEGs whose luma stays, byte for byte."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import Picture, PictureError, open_picture, uncolor
from photochrom.picture import Deferred
from photochrom.picture.codec import upright
from photochrom.picture.jpeg import GreyJpeg, halved, segments
from photochrom.picture.jpeg import jpeg_luma as coefficients
from photochrom.picture.jpeg.splice import NotColored, with_color, without_color
from photochrom.picture.metadata.exif import Exif
from tests.helpers.grey_jpegs import grey_jpeg, kinds, scene, with_segments
from tests.helpers.picture_files import exif_block, grey_profile

NOTE = "Colours inferred by Photochrom, model test; not evidence."
KINDS = dict(kinds())


def coloured(data: bytes, cb: int = 100, cr: int = 160) -> Picture:
    """The picture of a grey JPEG with one colour all over it, and more of it at its top left."""
    picture = open_picture(data)
    assert picture.luma is not None
    shape = picture.luma.half.shape
    planes = np.full((2, *shape), [[[cb]], [[cr]]], np.uint8)
    planes[:, : (shape[0] + 1) // 2, : (shape[1] + 1) // 2] = [[[cb - 20]], [[cr + 20]]]
    rgb = Deferred((picture.height, picture.width, 3), picture.dtype, lambda: _grey_rgb(picture))
    return picture.colored(rgb, lambda: (planes[0], planes[1]), NOTE)


def _grey_rgb(picture: Picture) -> NDArray[Any]:
    return np.repeat(picture.pixels[..., None], 3, 2)


def luma(data: bytes) -> NDArray[np.int16]:
    """Y' of a JPEG as libjpeg decodes it, without going through RGB."""
    image = Image.open(io.BytesIO(data))
    if image.mode == "L":
        return np.asarray(image).astype(np.int16)
    image.draft("YCbCr", None)
    image.mode, image.rawmode = "YCbCr", "YCbCr"  # type: ignore[misc,attr-defined]
    return np.asarray(image.convert("YCbCr"))[..., 0].astype(np.int16)


@pytest.mark.parametrize("name", KINDS)
def test_the_source_comes_back_byte_for_byte(name: str) -> None:
    data = KINDS[name]
    result = coloured(data).to_bytes("jpeg")
    out = io.BytesIO()
    assert uncolor(result, out) == "jpeg"
    assert out.getvalue() == data
    scan = data[data.rindex(b"\xff\xda") + 10 : data.rindex(b"\xff\xd9")]
    assert scan in result


@pytest.mark.parametrize("name", KINDS)
def test_other_decoders_show_the_colour_and_the_same_tones(name: str) -> None:
    import cv2
    import pyvips

    data = KINDS[name]
    result = coloured(data).to_bytes("jpeg")
    with Image.open(io.BytesIO(result)) as image:
        assert image.mode == "RGB"
        seen = np.asarray(image).astype(int)
    weighted = seen @ [0.299, 0.587, 0.114]
    inside = ((seen > 0) & (seen < 255)).all(2)
    assert np.abs(weighted - luma(data))[inside].max(initial=0) <= 1.2
    strict = pyvips.Image.new_from_buffer(result, "", fail_on="warning")
    np.testing.assert_allclose(strict.numpy(), seen, atol=2)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    opencv = cv2.imdecode(np.frombuffer(result, np.uint8), flags)
    np.testing.assert_allclose(opencv[..., ::-1], seen, atol=2)
    image = open_picture(result)
    corner, opposite = (image.pixels[at][..., [0, 2]].astype(int) for at in ((0, 0), (-1, -1)))
    if min(image.pixels.shape[:2]) > 40:  # red over blue, more so at the top left, upright
        assert corner[0] - corner[1] > opposite[0] - opposite[1] + 30 > 30


@pytest.mark.parametrize("turn", range(1, 9))
def test_pixels_are_not_turned_and_the_tag_stays(turn: int) -> None:
    data = KINDS[f"orientation {turn}, progressive False"]
    picture = open_picture(data)
    assert picture.luma is not None
    np.testing.assert_array_equal(picture.pixels, upright(scene_of(data), turn))
    half = upright(halved(scene_of(data)), turn)
    assert picture.luma.half.shape == half.shape
    assert np.abs(picture.luma.half.astype(int) - half).mean() < 3
    with Image.open(io.BytesIO(coloured(data).to_bytes("jpeg"))) as image:
        assert image.size == (90, 61)
        assert image.getexif()[0x0112] == turn
        assert not image.getexif().get_ifd(1)  # the grey thumbnail
        pairs = zip(image.info["exif"], b"Exif\0\0" + exif_block(turn), strict=True)
        assert sum(a != b for a, b in pairs) <= 4  # which is no longer pointed at
        assert f'tiff:Orientation="{turn}"'.encode() in image.info["xmp"]
        assert image.info["comment"] == b"Box 12"


def scene_of(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_ffmpeg_shows_the_luma_of_the_source() -> None:
    import av

    for name in ("baseline 255x131", "progressive 255x131", "restarts 90x61", "table 2"):
        data = KINDS[name]
        with av.open(io.BytesIO(coloured(data).to_bytes("jpeg")), format="mjpeg") as container:
            frame = next(container.decode(video=0))
        plane = np.frombuffer(frame.planes[0], np.uint8).reshape(frame.height, -1)
        seen = plane[:, : frame.width]
        assert np.abs(seen.astype(int) - luma(data)).max() <= 2


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("quality", [60, 75, 90, 97])
@pytest.mark.parametrize("size", [(640, 480), (1280, 900)])
def test_the_file_grows_by_an_eighth_at_most(
    options: dict[str, Any], quality: int, size: tuple[int, int]
) -> None:
    data = grey_jpeg(*size, quality=quality, exif=b"Exif\0\0" + exif_block(1), **options)
    picture = coloured(data)
    assert picture.luma is not None
    plane = 100 + picture.luma.half // 5
    colored = picture.colored(picture.__dict__["pixels"], lambda: (plane, 255 - plane), NOTE)
    result = colored.to_bytes("jpeg")
    assert len(result) <= 1.12 * len(data)
    assert without_color(result) == data


def test_exif_that_was_changed_is_written_anew() -> None:
    data = grey_jpeg(exif=b"Exif\0\0" + exif_block(6))
    picture = coloured(data)
    exif = Exif.parse(exif_block(1))
    assert exif is not None
    del exif.main[0x010F]
    changed = picture.replaced(metadata=replace(picture.metadata, exif=exif.to_bytes()))
    with Image.open(io.BytesIO(changed.to_bytes("jpeg"))) as image:
        assert image.getexif()[0x0112] == 6
        assert 0x010F not in image.getexif()
        assert image.getexif()[0x0110] == "Leica II"


def test_every_other_segment_stays() -> None:
    result = coloured(KINDS["private segments"]).to_bytes("jpeg")
    assert b"\xff\xe7\0\x07maker" in result
    assert b"JP" * 40 in result
    for name in ("no JFIF, an Adobe marker", "an Adobe marker"):
        assert b"Adobe\0\x64\0\0\0\0\1" in coloured(KINDS[name]).to_bytes("jpeg")
    assert b"SEFT" in coloured(KINDS["bytes behind the end"]).to_bytes("jpeg")
    result = coloured(KINDS["a large thumbnail"]).to_bytes("jpeg")
    kept = [result[part.body : part.body + 4] for part in segments(result)]
    assert b"JFXX" not in kept


def test_a_grey_profile_becomes_one_for_rgb_with_its_tones() -> None:
    data = grey_jpeg(icc_profile=grey_profile(1.8))
    picture = open_picture(data)
    assert picture.pixels.dtype == np.uint16
    result = coloured(data, 128, 128).to_bytes("jpeg")
    again = open_picture(result)
    assert again.metadata.icc is not None
    assert again.metadata.icc[16:20] == b"RGB "
    flat = again.pixels[40:, 60:]  # where there is no colour
    assert np.abs(flat[..., 1].astype(int) - picture.pixels[40:, 60:]).max() <= 256
    out = io.BytesIO()
    uncolor(result, out)
    assert out.getvalue() == data


def test_recompressing_is_the_way_back() -> None:
    data = grey_jpeg()
    result = coloured(data).to_bytes("jpeg", recompress=True)
    with Image.open(io.BytesIO(result)) as image:
        assert image.mode == "RGB"
    with pytest.raises(PictureError, match="luma was copied"):
        uncolor(result, io.BytesIO())


def test_what_was_changed_since_is_not_given_back() -> None:
    data = grey_jpeg()
    result = coloured(data).to_bytes("jpeg")
    broken = result.replace(scene_bytes := data[-40:-20], bytes(reversed(scene_bytes)))
    with pytest.raises(NotColored, match="changed the file"):
        without_color(broken)
    with pytest.raises(PictureError, match="not coloured by Photochrom"):
        uncolor(data, io.BytesIO())
    with pytest.raises(NotColored):
        without_color(with_segments(data, (0xE9, b"Photochrom\0\1" + bytes(40))))


def test_uncolor_can_write_another_format(tmp_path: Any) -> None:
    data = grey_jpeg()
    uncolor(coloured(data).to_bytes("jpeg"), tmp_path / "a.png")
    np.testing.assert_array_equal(open_picture(tmp_path / "a.png").pixels, scene_of(data))


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_other_jpegs_are_no_grey_ones(mode: str) -> None:
    file = io.BytesIO()
    Image.new(mode, (20, 20)).save(file, "JPEG")
    assert GreyJpeg.parse(file.getvalue()) is None
    luma = open_picture(file.getvalue()).luma
    assert luma is None or (mode == "RGB" and not luma.file.keeps_rest)


CODED = [
    {},
    {"progressive": True, "quality": 95},
    {"subsampling": 0, "optimize": True},
    {"subsampling": 1, "restart_marker_rows": 2},
]


@pytest.mark.parametrize("options", CODED)
@pytest.mark.parametrize("turn", [1, 6])
@pytest.mark.parametrize("size", [(90, 61), (17, 9)])
def test_the_luma_of_a_toned_print_stays_coefficient_for_coefficient(
    options: dict[str, Any], turn: int, size: tuple[int, int], tmp_path: Path
) -> None:
    jpeglib = pytest.importorskip("jpeglib", reason="needs jpeglib (extra jpeg)")
    grey = scene(*size) / 255
    print_ = np.dstack([grey**0.8, grey**0.95, grey**1.2]) * 255
    source, result, back = (tmp_path / f"{name}.jpg" for name in "abc")
    exif = b"Exif\0\0" + exif_block(turn)
    Image.fromarray(print_.astype(np.uint8)).save(source, exif=exif, comment=b"Box 12", **options)
    result.write_bytes(coloured(source.read_bytes()).to_bytes("jpeg"))
    uncolor(result, back)
    before, after, alone = (jpeglib.read_dct(str(path)) for path in (source, result, back))
    np.testing.assert_array_equal(after.Y, before.Y)
    np.testing.assert_array_equal(alone.Y, before.Y)
    np.testing.assert_array_equal(after.qt[0], before.qt[0])
    with Image.open(back) as image:
        assert image.mode == "L"
    with Image.open(result) as image:
        assert image.getexif()[0x0112] == turn
        assert image.info["comment"] == b"Box 12"


def test_without_jpeglib_the_luma_is_compressed_anew_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coefficients, "available", lambda: False)
    file = io.BytesIO()
    Image.fromarray(scene(90, 61)).convert("RGB").save(file, "JPEG")
    picture = open_picture(file.getvalue())
    assert picture.luma is None
    assert any("photochrom[jpeg]" in line for line in picture.losses("jpeg"))
    assert picture.losses("png") == ()


def test_pixels_of_a_large_one_are_decoded_when_they_are_asked_for() -> None:
    data = grey_jpeg(1300, 900)
    picture = open_picture(data)
    assert isinstance(picture.__dict__["pixels"], Deferred)
    assert (picture.width, picture.height, picture.depth) == (1300, 900, 8)
    assert isinstance(picture.with_note("x").__dict__["pixels"], Deferred)
    np.testing.assert_array_equal(picture.pixels, scene_of(data))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.999])
def test_a_file_without_its_end_is_coloured_as_far_as_it_goes(
    options: dict[str, Any], share: float
) -> None:
    whole = grey_jpeg(200, 160, **options)
    data = whole[: int(len(whole) * share)]
    with pytest.raises(PictureError):
        open_picture(data, strict=True)
    picture = open_picture(data)
    assert "end of the file is missing" in picture.notes[0]
    if not options.get("progressive"):
        np.testing.assert_array_equal(picture.pixels[:24], scene_of(whole)[:24])
    result = coloured(data).to_bytes("jpeg")
    assert without_color(result) == data
    assert open_picture(result).pixels.shape == (160, 200, 3)


def test_a_colour_file_without_its_end_is_read_as_far_as_it_goes() -> None:
    file = io.BytesIO()
    Image.fromarray(np.dstack([scene(200, 160)] * 3)).save(file, "JPEG")
    data = file.getvalue()[:-2000]
    assert open_picture(data).notes
    with pytest.raises(PictureError):
        open_picture(data, strict=True)
    with pytest.raises(PictureError):
        open_picture(data[:600])


def test_a_directory_of_further_pictures_still_points_at_them() -> None:
    """CIPA DC-007: offsets count from the directory's own header."""
    second = grey_jpeg(40, 30)
    entries = bytes(16) + b"\0" * 4 + len(second).to_bytes(4, "little") + bytes(8)
    count = b"\1\xb0\4\0" + (1).to_bytes(4, "little") + (2).to_bytes(4, "little")
    table = b"II*\0\x08\0\0\0\2\0" + count + b"\2\xb0\7\0" + (32).to_bytes(4, "little")
    table += (38).to_bytes(4, "little") + bytes(4) + entries
    first = with_segments(grey_jpeg(), (0xE2, b"MPF\0" + table))
    at = first.index(b"MPF\0") + 4
    data = bytearray(first + second)
    place = at + 38 + 16 + 8
    data[place : place + 4] = (len(first) - at).to_bytes(4, "little")
    result = coloured(bytes(data)).to_bytes("jpeg")
    with Image.open(io.BytesIO(result)) as image:
        assert image.n_frames == 2  # type: ignore[attr-defined]
        image.seek(1)
        assert image.size == (40, 30)
    assert without_color(result) == bytes(data)


def test_the_halves_of_odd_sides() -> None:
    codes = np.array([[0, 4, 8], [0, 4, 8], [100, 100, 7]], np.uint8)
    np.testing.assert_array_equal(halved(codes), [[2, 8], [100, 7]])


def test_chroma_goes_with_the_quality_of_the_source() -> None:
    flat = np.full((31, 45), 128, np.uint8)
    noise = np.random.default_rng(0).integers(0, 255, (31, 45)).astype(np.uint8)
    sizes = []
    for quality in (30, 60, 95):
        grey = GreyJpeg.parse(grey_jpeg(quality=quality))
        assert grey is not None
        assert abs(grey.quality - quality) <= 1
        sizes.append(len(with_color(grey, (noise, flat))) - len(grey.data))
    assert sizes == sorted(sizes)
