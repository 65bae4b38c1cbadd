"""Grey codes out of coloured PNG and TIFF files, and the mark that says a file was coloured."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom import Picture, PictureError, open_pages, open_picture, save_pages, uncolor
from photochrom.color import keep_grey, recombine
from photochrom.color.color_table import color_table
from photochrom.picture import was_colored
from tests.helpers.grey_jpegs import grey_jpeg
from tests.helpers.picture_files import XMP, exif_block, grey

NOTE = "Colours inferred by Photochrom, model test; not evidence."


def painted(codes: NDArray[Any]) -> NDArray[Any]:
    """As `Colorizer.paint` does it, with much and little chroma."""
    random = np.random.default_rng(3)
    ab = random.normal(0, 25, (2, *codes.shape)).astype(np.float32)
    ab[:, :, :9] = 0
    out = np.empty((*codes.shape, 3), codes.dtype)
    if codes.dtype == np.uint8:
        table = color_table()
        table.recombine(codes, table.places(ab), out)
    else:
        recombine(codes, ab, out=out)
        keep_grey(out, codes)
    return out


@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_the_grey_codes_come_back_exactly(format: str, dtype: str) -> None:
    codes = np.random.default_rng(1).integers(0, np.iinfo(dtype).max + 1, (90, 120)).astype(dtype)
    source = Picture(codes)
    result = source.with_pixels(painted(codes)).with_note(NOTE).to_bytes(format)
    assert was_colored(open_picture(result))
    out = io.BytesIO()
    assert uncolor(result, out, format=format) == format
    back = open_picture(out.getvalue())
    assert back.grey
    assert not was_colored(back)
    np.testing.assert_array_equal(back.pixels, codes)
    assert (back.metadata.exif, back.metadata.xmp) == (None, None)


def test_every_page_and_the_metadata(tmp_path: Path) -> None:
    pages = [Picture(grey()), Picture(grey("uint16")[:40])]
    metadata = replace(pages[0].metadata, exif=exif_block(1), xmp=XMP, dpi=(300, 300))
    pages[0] = replace(pages[0], metadata=metadata)
    coloured = (page.with_pixels(painted(page.pixels)).with_note(NOTE) for page in pages)
    save_pages(coloured, tmp_path / "a-color.tif")
    assert uncolor(tmp_path / "a-color.tif", tmp_path / "a.tif") == "tiff"
    for before, after in zip(pages, open_pages(tmp_path / "a.tif"), strict=True):
        np.testing.assert_array_equal(after.pixels, before.pixels)
    first = open_picture(tmp_path / "a.tif").metadata
    assert first.dpi == (300, 300)
    assert first.exif is not None
    assert b"on the beach" in first.exif
    assert NOTE.encode() not in first.exif
    assert first.xmp is not None
    assert "Ottó Grün".encode() in first.xmp
    assert b"AISystemUsed" not in first.xmp
    assert NOTE.encode() not in first.xmp


@pytest.mark.parametrize("format", ["webp", "avif"])
def test_formats_that_keep_it_only_nearly(format: str) -> None:
    result = Picture(painted(grey())).with_note(NOTE).to_bytes(format)
    with pytest.raises(PictureError, match="keeps it only nearly"):
        uncolor(result, io.BytesIO())


def test_files_that_were_not_coloured(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(Picture(grey()).to_bytes("png"))
    with pytest.raises(PictureError, match=r"a\.png was not coloured by Photochrom"):
        uncolor(tmp_path / "a.png", tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()
    with pytest.raises(PictureError, match="cannot be read"):
        uncolor(b"no picture", io.BytesIO())
    with pytest.raises(PictureError, match="was not coloured"):
        uncolor(grey_jpeg(), io.BytesIO())
