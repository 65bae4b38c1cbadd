"""TIFF files: further channels, private tags, and kinds that libvips does not read."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from photochrom import MissingExtraError, PictureError, open_pages, open_picture
from tests.helpers.picture_files import NOTE, colour, grey


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
