"""Files that are damaged, crafted or no pictures at all: one clear error, and nothing worse."""

import contextlib
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from photochrom import MissingExtraError, Picture, PictureError, open_pages, open_picture
from photochrom.media import FORMATS
from tests.helpers.mutations import BAD, run, seeds
from tests.helpers.picture_files import XMP, colour, grey

SEEDS = seeds()


@pytest.mark.slow
def test_a_slice_of_the_fuzzing():
    """benchmarks/fuzz_pictures.py does this with thousands."""
    found = []

    def report(name, data, outcome, words):
        if outcome in BAD:
            found.append(f"{outcome}: {name}\n{words}")

    counts = run(4 * len(SEEDS), seed=3, report=report)
    assert not found
    assert counts["picture"] > 10
    assert counts["clean error"] > 10


@pytest.mark.parametrize("name", SEEDS)
def test_the_seeds_are_pictures(name):
    for page in open_pages(SEEDS[name]):
        assert page.pixels.size
    assert open_picture(SEEDS[name]).format == name.rpartition(".")[2]


@pytest.mark.parametrize("name", SEEDS)
def test_cut_off_files(name):
    data = SEEDS[name]
    for part in (0.1, 0.5, 0.9):
        cut = data[: int(len(data) * part)]
        if name.endswith((".jp2", ".gif", ".tiff")):
            # What is missing may be metadata, a later frame or a later page.
            with contextlib.suppress(PictureError):
                assert len(list(open_pages(cut))) == 1
            continue
        with pytest.raises(PictureError, match="the picture cannot be read: expected"):
            list(open_pages(cut, strict=True))


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff", "webp", "avif", "bmp", "jp2"])
def test_half_a_photograph_is_an_error(format):
    data = Picture.from_array(colour("uint8", 300, 400)).to_bytes(format)
    with pytest.raises(PictureError, match="intact"):
        open_picture(data[: int(len(data) * 0.6)], strict=True)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><title>404</title>", "an HTML page"),
        (b"\xef\xbb\xbf\n  <html>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "an SVG drawing"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2mp41", "a film"),
        (b"\x1aE\xdf\xa3", "a film"),
        (b"RIFF\0\0\0\0AVI LIST", "a film"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a sound file"),
        (b"PK\3\4", "an archive"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b"P5 3 3 255\n", "a Netpbm picture"),
        (b"\0\0\1\0\1\0", "an icon"),
        (b"\x7fELF", "a program"),
        (b"\0" * 5000, "nothing but zero bytes"),
        (b"Dear diary,\r\n\tnothing today.", "text"),
        ("Über".encode(), "text"),
        (b"\x93NUMPY\1\0v\0", "a file of an unknown kind"),
    ],
)
def test_files_that_are_no_pictures_are_named(head, words, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(head)
    with pytest.raises(PictureError) as caught:
        open_picture(path)
    assert words in str(caught.value)
    assert "photo.jpg" in str(caught.value)
    assert "JPEG 2000" in str(caught.value)


@pytest.mark.parametrize("head", [b"II*\0\x10\0\0\0CR\2\0", b"\0\0\0\x18ftypcrx "])
def test_camera_raw_files_without_a_picture_are_named(head, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(head)
    with pytest.raises((PictureError, MissingExtraError), match=r"photo\.jpg.*a camera raw file"):
        open_picture(path)


def test_missing_files_and_folders(tmp_path):
    for path, words in (
        (tmp_path / "none.jpg", "no such file"),
        (tmp_path, "a folder"),
        (tmp_path / "a\0b", "null"),
        ("", "a folder|no such file"),
    ):
        with pytest.raises(PictureError, match=words):
            open_picture(path)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read anything")
def test_a_file_without_rights(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(SEEDS["rgb.png"])
    path.chmod(0)
    with pytest.raises(PictureError, match="no permission"):
        open_picture(path)


def test_messages_are_one_short_line():
    for name, data in SEEDS.items():
        for at in (8, 40, len(data) // 2, len(data) - 30):
            damaged = data[:at] + b"\xff\x00" * 12 + data[at + 24 :]
            try:
                list(open_pages(damaged))
            except (PictureError, MissingExtraError) as error:
                message = str(error)
                assert len(message) < 400, name
                assert not any(w in message for w in ("\n", "bad seek", "vips", "unable to call"))


@pytest.mark.slow
def test_nothing_is_printed():
    """Warnings of libvips, libtiff and the rest stay off stderr, also when text is no UTF-8."""
    code = """
        import sys
        sys.path.insert(0, {tests!r})
        from tests.helpers.mutations import mutants
        from photochrom import PictureError, open_pages
        for name, data in mutants(300, 11):
            try:
                for page in open_pages(data, max_pixels=1_000_000):
                    page.with_note("x").to_bytes("png")
            except PictureError:
                pass
    """
    code = textwrap.dedent(code).format(tests=str(Path(__file__).parents[2]))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_a_warning_that_is_no_utf_8_is_not_printed_either():
    """libpng warns of a broken profile and quotes its name, which may be any bytes."""
    code = """
        import sys, zlib
        sys.path.insert(0, {tests!r})
        import numpy as np
        from tests.helpers.picture_files import ADOBE_RGB
        from photochrom import Picture, open_picture
        data = Picture.from_array(np.zeros((9, 9, 3), np.uint8)).to_bytes("png")
        at = ADOBE_RGB.index(b"wtpt") + 4
        broken = ADOBE_RGB[:at] + bytes([127]) * 4 + ADOBE_RGB[at + 4 :]
        body = b"iCCPi" + bytes([0xE3]) + b"c" + bytes(2) + zlib.compress(broken)
        chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
        assert open_picture(data[:33] + chunk + data[33:]).pixels.max() == 0
    """
    code = textwrap.dedent(code).format(tests=str(Path(__file__).parents[2]))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_absurd_resolutions_are_ignored():
    data = bytearray(Picture.from_array(grey()).to_bytes("bmp"))
    data[38:46] = b"\xff\xff\xff\x7f" * 2
    picture = open_picture(bytes(data))
    assert picture.metadata.dpi is None
    picture.to_bytes("png")


@pytest.mark.parametrize("format", [f for f, row in FORMATS.items() if row.write and f != "heic"])
def test_a_single_row_or_column_of_a_billion_is_too_large(format):
    """The header's numbers are changed; whatever comes first, it must be a clear error."""
    if format in ("dpx", "exr"):
        pytest.importorskip("OpenImageIO", reason="DPX and OpenEXR need OpenImageIO")
    data = bytearray(Picture.from_array(grey()).to_bytes(format))
    for old, new in ((90, 1_000_000_000), (61, 1_000_000_000)):
        for order in ("big", "little"):
            changed = bytes(data).replace(old.to_bytes(4, order), new.to_bytes(4, order))
            with contextlib.suppress(PictureError):
                assert open_picture(changed).pixels.size < 100_000


def test_huge_tags_of_a_tiff_cost_nothing():
    """65,535 private tags that all claim the same 100 MB."""
    import struct

    entries = struct.pack("<HHII", 33432, 2, 60_000_000, 8) * 4000
    base = Picture.from_array(grey()).to_bytes("tiff")
    data = b"II*\0" + struct.pack("<I", 100_000_000) + base[8:]
    data += b"\0" * (100_000_000 - len(data))
    data += struct.pack("<H", 4000) + entries + b"\0\0\0\0"
    with pytest.raises(PictureError):
        open_picture(data)


def test_no_other_decoder_sees_the_bytes(monkeypatch):
    """Only loaders of the known formats are called, by name."""

    assert {name for name, row in FORMATS.items() if not (row.vips or row.plugin)} == {
        *("heic", "dpx", "exr", "raw")
    }
    for head in (
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"#VIPS",
        b"\x08\xf2\xa6\xb6",
        b"1 2 3",
    ):
        with pytest.raises(PictureError):
            open_picture(head + XMP)


def test_saving_after_an_error_works():
    for data in list(SEEDS.values())[:6]:
        with pytest.raises(PictureError):
            open_picture(data[:40])
    back = open_picture(Picture.from_array(colour()).to_bytes("png"))
    np.testing.assert_array_equal(back.pixels, colour())


def test_threads_do_not_disturb_each_other():
    good, bad = SEEDS["deep.png"], SEEDS["rgb.jpeg"][:900]
    expected = open_picture(good).pixels

    def task(number):
        if number % 2:
            with pytest.raises(PictureError, match="intact JPEG"):
                open_picture(bad)
            return True
        picture = open_picture(good)
        again = open_picture(picture.with_note("x").to_bytes("tiff"))
        return np.array_equal(picture.pixels, expected) and again.width == picture.width

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(task, range(80)))
