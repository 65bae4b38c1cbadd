"""Pictures are decoded to small copies: their sizes, orientation and colours."""

from __future__ import annotations

import io
import os
from functools import partial
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from photochrom.errors import PhotochromError
from photochrom.training.data.decode import decode, judge
from photochrom.training.data.decode import decoded as decode_all
from photochrom.training.data.sources import Encoded
from tests.helpers.training_pictures import colours, encoded

pytestmark = pytest.mark.usefixtures("exact")


def decoded(data: bytes, side: int = 160) -> Any:
    return decode((0, "picture", Encoded(data)), side)


def pixels(result: Any) -> Any:
    return np.asarray(Image.open(io.BytesIO(result.data)))


def test_copies_are_small_and_look_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # `exact`
    picture = colours(120, 160)
    result = decoded(encoded(picture))
    assert result.data[:2] == b"\xff\xd8"
    assert len(result.data) < picture.size / 4
    assert np.abs(pixels(result).astype(int) - picture).mean() < 2
    assert decoded(encoded(colours(60, 70))).data[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((400, 600), (160, 240)),
        ((600, 400), (240, 160)),
        ((300, 3000), (160, 240)),  # at most 3:2
        ((90, 120), (90, 120)),  # not enlarged
        ((100, 300), (100, 150)),
        ((161, 161), (160, 160)),
        ((16, 17), (16, 17)),
    ],
)
def test_sizes(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert pixels(decoded(encoded(colours(*size)))).shape == (*expected, 3)


def test_crop_is_in_the_middle() -> None:
    picture = colours(40, 100)
    np.testing.assert_array_equal(pixels(decoded(encoded(picture))), picture[:, 20:80])


def test_reduced_pictures_do_not_alias() -> None:
    stripes = np.tile(np.array([[250, 200, 20], [10, 60, 200]], np.uint8), (640, 320, 1))
    stripes[:320, :, 2] = 255 - stripes[:320, :, 2]
    found = pixels(decoded(encoded(stripes))).astype(int)
    assert found.shape == (160, 160, 3)
    found = found[:, 4:-4]
    assert np.abs(found[:76] - [130, 130, 145]).max() <= 2
    assert np.abs(found[84:] - [130, 130, 110]).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "side"), [("PNG", 160), ("JPEG", 160), ("TIFF", 32)])
def test_orientation(orientation: int, kind: str, side: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"quality": 98} if kind == "JPEG" else {}
    data = encoded(colours(48, 64), kind, exif=exif, **options)
    found = pixels(decoded(data, side))
    upright = pixels(decoded(encoded(colours(48, 64), kind, **options), side))
    wanted = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: upright.swapaxes(0, 1)[:, ::-1],
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: upright.swapaxes(0, 1)[::-1],
    }
    assert found.shape == wanted[orientation].shape
    # Pillow turns a TIFF before it is reduced, which rounds otherwise.
    np.testing.assert_allclose(found, wanted[orientation], atol=1 if kind == "TIFF" else 0)


def test_damaged_exif_does_not_matter() -> None:
    data = encoded(colours(40, 50), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01")
    assert decoded(data).data is not None


def test_profile_is_applied() -> None:
    picture = colours(40, 50)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = pixels(decoded(encoded(picture, icc_profile=srgb)))
    assert np.abs(found.astype(int) - picture).max() <= 1
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for broken in (
        lab,  # not for RGB
        b"no profile",
        srgb[:200],
    ):
        found = pixels(decoded(encoded(picture, icc_profile=broken)))
        np.testing.assert_array_equal(found, picture)
    swapped = swap_red_and_blue(srgb)
    found = pixels(decoded(encoded(picture, icc_profile=swapped))).astype(int)
    assert np.abs(found - picture[..., ::-1]).max() <= 3


def swap_red_and_blue(profile: bytes) -> bytes:
    return profile.replace(b"rXYZ", b"tmpX").replace(b"bXYZ", b"rXYZ").replace(b"tmpX", b"bXYZ")


@pytest.mark.parametrize("mode", ["P", "RGBA", "CMYK", "YCbCr"])
def test_other_modes(mode: str) -> None:
    picture = colours(40, 50)
    image = Image.fromarray(picture).convert(mode)
    kind = {"CMYK": "TIFF", "YCbCr": "TIFF"}.get(mode, "PNG")
    file = io.BytesIO()
    image.save(file, kind)
    found = pixels(decoded(file.getvalue()))
    assert found.shape == (40, 50, 3)
    np.testing.assert_allclose(found, np.asarray(image.convert("RGB")), atol=1)


def test_what_is_transparent_is_white() -> None:
    picture = np.dstack([colours(40, 50), np.full((40, 50), 255, np.uint8)])
    picture[:20, :, 3] = 0
    found = pixels(decoded(encoded(picture)))
    assert (found[:20] == 255).all()
    np.testing.assert_array_equal(found[20:], picture[20:, :, :3])


def test_grey_and_toned_pictures_are_told_from_coloured_ones() -> None:
    picture = colours(120, 160, 3)
    grey = Image.fromarray(picture).convert("L")
    sepia = np.asarray(ImageOps.colorize(grey, "#20180c", "#fff0d0", mid="#a08050"))
    blue = np.asarray(ImageOps.colorize(grey, "#001040", "#e0f0ff"))
    assert judge(picture) == ("", "")
    assert judge(np.asarray(grey.convert("RGB")))[0] == "grey"
    noise = np.random.default_rng(0).integers(-2, 3, (120, 160, 3))
    noisy = np.clip(np.asarray(grey.convert("RGB")) + noise, 0, 255).astype(np.uint8)
    assert judge(noisy)[0] == "grey"
    for toned in (sepia, blue):
        assert judge(toned)[0] == "toned"
        assert decoded(encoded(toned, "JPEG")).reason == "toned"
    flag = sepia.copy()
    flag[40:80, 60:120] = 200, 20, 30
    assert judge(flag) == ("", "")


def test_killed_worker_is_reported() -> None:
    deadly: Any = partial(os._exit, 9)
    with pytest.raises(PhotochromError, match=r"processes that live.*fewer workers"):
        list(decode_all([(0, "a", deadly)], 160, 2))
