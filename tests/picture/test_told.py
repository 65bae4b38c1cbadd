"""What is told of a file: stale marks, further frames, losses, notes, names, sides."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photochrom import Picture, PictureTooLargeError, open_picture
from photochrom.picture import Deferred
from photochrom.picture.metadata.xmp import drop_stale, stale_parts
from tests.helpers.bombs import chunk
from tests.helpers.grey_jpegs import grey_jpeg, scene
from tests.helpers.picture_files import NOTE, colour, exif_block, grey, png

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
