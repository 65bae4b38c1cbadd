"""Files of several pages: a TIFF gives every page, and takes pages of any size."""

import io
import struct
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from photochrom import (
    ArgumentError,
    MissingExtraError,
    Picture,
    PictureError,
    PictureTooLargeError,
    open_pages,
    open_picture,
    save_pages,
)
from photochrom.picture import Metadata
from tests.helpers.picture_files import ADOBE_RGB, IPTC, XMP, alpha, colour, exif_block, grey


def pages():
    """Pages that differ in size, depth, channels and metadata."""
    metadata = Metadata(exif=exif_block(), xmp=XMP, iptc=IPTC, dpi=(300, 600))
    yield Picture(grey(), metadata=metadata)
    yield Picture(colour("uint16", 33, 47), metadata=Metadata(icc=ADOBE_RGB))
    yield Picture(colour()[:10], alpha()[:10])
    yield Picture(grey("uint16")[:, :7], metadata=Metadata(dpi=(72, 72)))


@pytest.mark.parametrize("kind", ["path", "stream"])
def test_pages_of_different_sizes(kind, tmp_path):
    target = tmp_path / "a, b.tif" if kind == "path" else io.BytesIO()
    save_pages((page.with_note("inferred") for page in pages()), target, format="tiff")
    source = target if kind == "path" else target.getvalue()
    back = list(open_pages(source))
    for page, original in zip(back, pages(), strict=True):
        if original.metadata.icc is None:
            np.testing.assert_array_equal(page.pixels, original.pixels)
        else:  # through the profile and back; there, near black, a code is worth more
            assert np.abs(page.pixels.astype(int) - original.pixels).mean() < 30
        assert (page.alpha is None) == (original.alpha is None)
        assert page.depth == original.depth
        assert page.metadata.dpi == original.metadata.dpi
        assert page.metadata.iptc == original.metadata.iptc
        assert page.metadata.icc == original.metadata.icc
        assert b"inferred" in page.metadata.xmp
        assert b"inferred" in page.metadata.exif
    assert b"Leitz" in back[0].metadata.exif
    assert b"Leitz" not in back[1].metadata.exif
    with Image.open(source if kind == "path" else io.BytesIO(source)) as image:
        assert image.n_frames == 4
        assert image.size == (90, 61)
        image.seek(3)
        assert image.size == (7, 61)
    if kind == "path":
        assert [p.name for p in tmp_path.iterdir()] == ["a, b.tif"]


def test_the_first_page_is_the_picture():
    buffer = io.BytesIO()
    save_pages(pages(), buffer, format="tiff")
    np.testing.assert_array_equal(open_picture(buffer.getvalue()).pixels, grey())


def test_pages_are_decoded_when_they_are_asked_for():
    buffer = io.BytesIO()
    save_pages([Picture(grey()), Picture(colour("uint8", 80, 200))], buffer, format="tiff")
    several = open_pages(buffer.getvalue(), max_pixels=61 * 90)
    assert next(several).width == 90
    with pytest.raises(PictureTooLargeError):
        next(several)


def test_one_page_goes_into_any_format(tmp_path):
    save_pages(iter([Picture(grey())]), tmp_path / "a.png")
    assert open_picture(tmp_path / "a.png").format == "png"


def test_several_pages_need_a_tiff(tmp_path):
    with pytest.raises(PictureError, match="several pages cannot be written as PNG"):
        save_pages(pages(), tmp_path / "a.png")
    with pytest.raises(ArgumentError, match="nothing to save"):
        save_pages([], tmp_path / "a.tif")
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_a_later_page_leaves_nothing(tmp_path):
    def failing():
        yield Picture(grey())
        raise PictureError("x", expected="a", got="b", fix="c")

    (tmp_path / "a.tif").write_bytes(b"old")
    with pytest.raises(PictureError, match="expected a, got b"):
        save_pages(failing(), tmp_path / "a.tif")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.tif", b"old")]


def test_one_page_at_a_time_is_in_memory():
    size, alive = 1_000_000, []

    def large():
        import gc
        import weakref

        for value in range(6):
            gc.collect()
            alive.append(sum(ref() is not None for ref in references))
            pixels = np.full((1000, 1000), value, np.uint8)
            references.append(weakref.ref(pixels))
            yield Picture(pixels)
            del pixels

    references = []
    tracemalloc.start()
    save_pages(large(), buffer := io.BytesIO(), format="tiff")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert max(alive) <= 1
    assert peak < 4 * size
    assert [page.pixels[5, 5] for page in open_pages(buffer.getvalue())] == list(range(6))


def test_saving_keeps_no_pixels_alive():
    import gc
    import weakref

    for format in ("png", "jpeg", "tiff", "webp", "bmp"):
        pixels = colour("uint16").copy()
        reference = weakref.ref(pixels)
        Picture(pixels, metadata=Metadata(icc=ADOBE_RGB)).to_bytes(format)
        del pixels
        gc.collect()
        assert reference() is None, format


def tiff(*pages, follow=None):
    """A TIFF of uncompressed grey 4 x 4 pages with extra tags; `follow` overrides the last link."""
    data, at = b"", 8
    for index, tags in enumerate(pages):
        strip = bytes([index * 20]) * 16
        entries = {256: 4, 257: 4, 258: 8, 259: 1, 262: 1, 273: at, 277: 1, 278: 4, 279: 16}
        entries |= tags
        head = at + 16
        link = head + 2 + 12 * len(entries) + 4
        last = index == len(pages) - 1
        table = b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in sorted(entries.items()))
        following = (follow or 0) if last else link + 16
        data += strip + struct.pack("<H", len(entries)) + table + struct.pack("<I", following)
        at = link  # the next strip stands behind this directory
    first = 8 + 16
    return b"II*\0" + struct.pack("<I", first) + data


def test_thumbnails_masks_and_pyramids_are_no_pages():
    data = tiff({}, {254: 1}, {254: 2}, {254: 4})
    assert [page.pixels[0, 0] for page in open_pages(data)] == [0, 40]
    thumbnail_first = tiff({254: 1}, {254: 0})
    assert open_picture(thumbnail_first).pixels[0, 0] == 20
    only_reduced = tiff({254: 1})
    assert open_picture(only_reduced).pixels[0, 0] == 0


def test_a_camera_raw_file_is_not_its_thumbnail():
    with pytest.raises((PictureError, MissingExtraError), match="camera raw"):
        open_picture(tiff({254: 1, 330: 8}, {}))


def test_directories_in_a_circle_end():
    data = tiff({}, {}, follow=24)
    assert len(list(open_pages(data))) == 2
