"""EXIF, XMP, IPTC, resolution, comments: what a file says is still said by its result."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps, PngImagePlugin

from photochrom import Picture, open_picture
from photochrom.media import FORMATS
from photochrom.picture import Metadata
from photochrom.picture.metadata.exif import Exif
from photochrom.picture.metadata.xmp import SOURCE_TYPE, add_note, clean_packet
from tests.helpers.picture_files import IPTC, MAKER_NOTE, THUMBNAIL, XMP, colour, exif_block, grey

NOTE = "Colours inferred by Photochrom 0.1.0, model photochrom-1"
WRITTEN = [name for name, row in FORMATS.items() if row.write]
WITH_METADATA = [name for name in WRITTEN if FORMATS[name].metadata]
SEEN_BY_PILLOW = ["jpeg", "png", "tiff", "webp", "avif"]


def heif_or_skip(format):
    if format == "heic":
        pytest.importorskip("pillow_heif", reason="HEIC needs pillow-heif")


def photograph(format="jpeg", orientation=6, **options):
    """A file as a camera and Photoshop would leave it, written by Pillow."""
    file = io.BytesIO()
    image = Image.fromarray(colour())
    exif = b"Exif\0\0" + exif_block(orientation)
    if format == "tiff":
        tags = {315: "Otto Gruen", 271: "Leitz", 269: "Album 3", 285: "page 7", 274: orientation}
        image.save(file, "TIFF", tiffinfo=tags, dpi=(600, 600), **options)
    elif format == "avif":  # Pillow would rewrite the tags
        file.write(open_picture(photograph()).to_bytes("avif"))
    else:
        image.save(file, format, exif=exif, xmp=XMP, dpi=(600, 600), **options)
    return file.getvalue()


def pillow(data):
    return Image.open(io.BytesIO(data))


TURNS = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(p[:, ::-1], -1),
    8: lambda p: np.rot90(p, 1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["png", "tiff", "webp"])
def test_pixels_are_turned_upright_once(format, orientation):
    options = {"lossless": True} if format == "webp" else {}
    picture = open_picture(photograph(format, orientation, **options))
    np.testing.assert_array_equal(picture.pixels, TURNS[orientation](colour()))
    assert picture.pixels.flags.c_contiguous
    if format != "tiff":
        assert Exif.parse(picture.metadata.exif).main[0x0112].data == b"\1\0"
    image = ImageOps.exif_transpose(pillow(photograph(format, orientation, **options)))
    np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    again = open_picture(picture.to_bytes(format))
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    assert pillow(picture.to_bytes(format)).getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("format", ["avif", "heic"])
def test_orientation_of_avif_and_heic_is_not_what_exif_says(format):
    """Their pixels are turned by a property of the file, which the decoder obeys."""
    heif_or_skip(format)
    data = Picture(colour(), metadata=Metadata(exif=exif_block(1))).to_bytes(format)
    upright, turned = (b"\x12\x01\3\0\1\0\0\0" + bytes([n]) for n in (1, 6))
    assert data.count(upright) == 1
    picture = open_picture(data.replace(upright, turned))
    assert picture.pixels.shape == (61, 90, 3)
    assert Exif.parse(picture.metadata.exif).orientation == 1
    if format == "avif":
        file = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = 6  # Pillow writes the property
        Image.fromarray(colour()).save(file, "AVIF", exif=exif)
        assert open_picture(file.getvalue()).pixels.shape == (90, 61, 3)


@pytest.mark.parametrize("format", SEEN_BY_PILLOW)
@pytest.mark.parametrize("source", ["jpeg", "png", "webp", "avif", "tiff"])
def test_exif_goes_from_every_format_into_every_other(source, format):
    picture = open_picture(photograph(source))
    exif = pillow(picture.to_bytes(format)).getexif()
    # Pillow reads ASCII tags as Latin-1; the bytes are the UTF-8 they were.
    name = exif[0x013B]
    assert name in ("Otto Gruen", "Ottó Grün", "Ottó Grün".encode().decode("latin-1"))
    assert exif[0x010F] == "Leitz"
    if source != "tiff":
        assert exif[0x8298] == "(c) the family"
        inner, gps = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
        assert inner[0x9003] == "1931:05:04 12:00:00"
        assert inner[0xA434] == "Elmar 50mm"
        assert inner[0x927C] == MAKER_NOTE
        assert gps[2] == (48.0, 30.0, 12.0)
        assert (inner[0xA002], inner[0xA003]) == (picture.width, picture.height)


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_private_tags_and_the_place_of_the_makers_note_survive(format):
    block = open_picture(photograph("jpeg")).to_bytes(format)
    exif = open_picture(block).metadata.exif
    assert b"a private tag" in exif
    assert exif.index(MAKER_NOTE) == exif_block().index(MAKER_NOTE)


@pytest.mark.parametrize("format", WITH_METADATA)
def test_the_stale_thumbnail_is_gone(format):
    heif_or_skip(format)
    data = photograph("jpeg")
    assert THUMBNAIL in data
    result = open_picture(data).to_bytes(format)
    assert b"stale thumbnail" not in result
    if format in SEEN_BY_PILLOW:
        assert not pillow(result).getexif().get_ifd(1)


def test_pillow_images_bring_their_metadata():
    for format in ("jpeg", "png"):
        picture = open_picture(pillow(photograph(format)))
        assert picture.pixels.shape == (90, 61, 3)
        assert Exif.parse(picture.metadata.exif).main[0x010F].data == b"Leitz\0"
        assert format == "png" or b"Ott" in picture.metadata.xmp
        assert (picture.metadata.dpi, picture.format) == (pytest.approx((600, 600), 1e-4), format)


@pytest.mark.parametrize("format", WITH_METADATA)
def test_the_note_is_in_xmp_and_exif(format):
    heif_or_skip(format)
    picture = open_picture(photograph("jpeg"))
    result = picture.with_note(NOTE).to_bytes(format)
    metadata = open_picture(result).metadata
    assert SOURCE_TYPE.encode() in metadata.xmp
    assert NOTE.encode() in metadata.xmp
    assert "Ottó Grün".encode() in metadata.xmp
    assert b'tiff:Orientation="1"' in metadata.xmp
    assert b"on the beach\n" + NOTE.encode() in metadata.exif
    if format in SEEN_BY_PILLOW:
        seen = pillow(result)
        comment = seen.getexif().get_ifd(0x8769)[0x9286]
        assert comment == b"ASCII\0\0\0on the beach\n" + NOTE.encode()
        assert seen.getexif()[0x010E] == "Grandma at the sea"
        assert seen.getexif()[0x0131] == "Scanner 3"
        packet = seen.info.get("xmp") or seen.info["XML:com.adobe.xmp"].encode()
        assert NOTE.encode() in packet


@pytest.mark.parametrize("format", WITH_METADATA)
def test_the_note_goes_into_a_file_without_metadata(format):
    heif_or_skip(format)
    result = Picture.from_array(grey()).with_note("größer & <bunter>").to_bytes(format)
    metadata = open_picture(result).metadata
    assert "größer &amp; &lt;bunter&gt;".encode() in metadata.xmp
    assert "größer & <bunter>".encode("utf-16-le") in metadata.exif
    plain = open_picture(Picture.from_array(grey()).to_bytes(format)).metadata
    assert (plain.exif, plain.xmp, plain.dpi, plain.icc) == (None, None, None, None)


def test_a_second_colouring_does_not_repeat_the_note():
    once = Picture.from_array(grey()).with_note(NOTE).to_bytes("png")
    twice = open_picture(open_picture(once).with_note(NOTE).to_bytes("png")).metadata
    assert twice.xmp.count(NOTE.encode()) == twice.exif.count(NOTE.encode()) == 1
    assert twice.xmp.count(SOURCE_TYPE.encode()) == 1
    thrice = open_picture(open_picture(once).with_note("other").to_bytes("png")).metadata
    assert f"{NOTE}&#10;other".encode() in thrice.xmp


def test_a_comment_in_another_code_is_left_alone():
    block = Exif.parse(exif_block())
    block.exif[0x9286] = block.exif[0x9286]._replace(data=b"JIS\0\0\0\0\0\x1b$B")
    block.add_comment(NOTE)
    assert block.exif[0x9286].data.startswith(b"JIS")
    wide = Exif.parse(exif_block())
    wide.exif[0x9286] = wide.exif[0x9286]._replace(data=b"UNICODE\0" + "Größe".encode("utf-16-le"))
    wide.add_comment("note")
    assert wide.exif[0x9286].data == b"UNICODE\0" + "Größe\nnote".encode("utf-16-le")


@pytest.mark.parametrize("format", [*WITH_METADATA, "bmp"])
@pytest.mark.parametrize("dpi", [(300.0, 300.0), (72.0, 72.0), (600.0, 1200.0), (2032.5, 2032.5)])
def test_the_resolution_is_kept(format, dpi):
    heif_or_skip(format)
    picture = Picture(colour(), metadata=Metadata(dpi=dpi))
    back = open_picture(picture.to_bytes(format)).metadata.dpi
    assert back == pytest.approx(dpi, abs=0.51 if format == "jpeg" else 0.02)


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff", "bmp"])
def test_no_resolution_is_invented(format):
    data = Picture.from_array(colour()).to_bytes(format)
    assert open_picture(data).metadata.dpi is None
    if format in ("jpeg", "png"):
        assert "dpi" not in pillow(data).info


def test_a_turned_picture_turns_its_resolution():
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(colour()).save(file, "PNG", dpi=(300, 600), exif=exif)
    assert open_picture(file.getvalue()).metadata.dpi == pytest.approx((600, 300), 1e-3)


@pytest.mark.parametrize("format", ["jpeg", "tiff"])
@pytest.mark.parametrize("source", ["jpeg", "tiff"])
def test_press_captions_are_kept(source, format):
    first = Picture(colour(), metadata=Metadata(iptc=IPTC)).to_bytes(source)
    middle = open_picture(first)
    assert middle.metadata.iptc == IPTC
    assert open_picture(middle.to_bytes(format)).metadata.iptc == IPTC


def test_photoshops_thumbnails_are_not_kept():
    import struct

    def resource(number, data):
        return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + b"\0" * (len(data) % 2)

    block = b"Photoshop 3.0\0" + resource(1036, b"thumbnail!") + resource(1028, IPTC)
    data = Picture.from_array(colour()).to_bytes("jpeg")
    data = data[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + data[2:]
    picture = open_picture(data)
    assert picture.metadata.iptc == IPTC
    assert b"thumbnail!" not in picture.to_bytes("jpeg")


def test_comments_and_texts_stay_in_their_format():
    file = io.BytesIO()
    Image.fromarray(colour()).save(file, "JPEG", comment="scanné 1998")
    picture = open_picture(file.getvalue())
    assert pillow(picture.to_bytes("jpeg")).info["comment"] == "scanné 1998".encode()
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "Größe")
    texts.add_itxt("Author", "Ottó")
    texts.add_text("Comment", "x" * 300, zip=True)
    texts.add_text("Raw profile type exif", "a stale thumbnail in hexadecimal")
    file = io.BytesIO()
    Image.fromarray(colour()).save(file, "PNG", pnginfo=texts)
    result = pillow(open_picture(file.getvalue()).to_bytes("png"))
    assert result.text == {"Title": "Größe", "Author": "Ottó", "Comment": "x" * 300}


def test_tiff_tags_are_kept():
    data = pillow(open_picture(photograph("tiff", 6)).with_note(NOTE).to_bytes("tiff"))
    tags = data.tag_v2
    assert (tags[269], tags[285], tags[271], tags[274]) == ("Album 3", "page 7", "Leitz", 1)
    assert data.info["dpi"] == pytest.approx((600, 600), 1e-4)
    assert data.size == (61, 90)


def test_broken_exif_is_dropped_and_not_fatal():
    good = photograph("jpeg", 1)
    at = good.index(b"Exif\0\0") + 6
    for junk in (b"XX", b"II\0\0", b"II*\0\xff\xff\xff\x7f", b"MM\0*\0\0\0\0"):
        data = good[:at] + junk + good[at + len(junk) :]
        picture = open_picture(data)
        assert picture.pixels.shape == (61, 90, 3)
        assert picture.metadata.exif is None or Exif.parse(picture.metadata.exif)
        open_picture(picture.with_note(NOTE).to_bytes("jpeg"))


@given(st.binary(max_size=300), st.integers(0, 600), st.integers(1, 40))
def test_no_exif_block_raises_or_grows(junk, at, length):
    block = exif_block()
    parsed = Exif.parse(block[:at] + junk + block[at + length :])
    if parsed is not None:
        parsed.add_comment(NOTE)
        parsed.set_geometry(3, 4)
        assert isinstance(parsed.dpi, tuple | None)
        assert Exif.parse(parsed.to_bytes()).main.keys() == parsed.main.keys()


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_xmp_packet_raises(junk):
    for packet in (junk, XMP[:200] + junk + XMP[200:], junk + XMP):
        cleaned = clean_packet(packet)
        assert NOTE in add_note(cleaned, NOTE).decode()


def test_the_packet_stays_xml():
    import xml.etree.ElementTree as ElementTree

    for packet in (None, XMP, add_note(XMP, "first\nsecond")):
        root = ElementTree.fromstring(add_note(packet, "a & b < c \0 \x1b").decode().strip())
        attributes = {k: v for each in root.iter() for k, v in each.attrib.items()}
        history = attributes["{http://ns.adobe.com/photoshop/1.0/}History"]
        assert history.endswith("a & b < c  ")
        assert history.count("\n") == (2 if packet and b"first" in packet else 0)
        assert attributes["{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}AISystemUsed"]


def test_orientation_and_thumbnails_in_xmp():
    text = XMP.decode().replace(
        "<dc:creator>",
        "<tiff:Orientation>8</tiff:Orientation>"
        "<xmp:Thumbnails><rdf:Alt><rdf:li>AAAA</rdf:li></rdf:Alt></xmp:Thumbnails><dc:creator>",
    )
    cleaned = clean_packet(text.encode()).decode()
    assert "<tiff:Orientation>1</tiff:Orientation>" in cleaned
    assert "Thumbnails" not in cleaned
    assert re.search('tiff:Orientation="1"', cleaned)


def test_a_packet_too_large_for_jpeg_still_leaves_the_note():
    padded = XMP.replace(b"</rdf:RDF>", b" " * 70_000 + b"</rdf:RDF>")
    picture = Picture(colour(), metadata=Metadata(xmp=padded))
    kept = open_picture(picture.with_note(NOTE).to_bytes("png")).metadata.xmp
    assert len(kept) > 70_000
    jpeg = open_picture(picture.with_note(NOTE).to_bytes("jpeg")).metadata.xmp
    assert NOTE.encode() in jpeg
    large = Exif.parse(exif_block())
    large.exif[0x927C] = large.exif[0x927C]._replace(length=70_000, data=b"m" * 70_000)
    both = replace(picture, metadata=Metadata(exif=large.to_bytes()))
    exif = open_picture(both.with_note(NOTE).to_bytes("jpeg")).metadata.exif
    assert b"Leitz" in exif
    assert NOTE.encode() in exif
