"""Tones and primaries that files name by numbers: PNG chunks and code points."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import open_picture
from photochrom.color import lightness, neutral
from photochrom.picture.metadata.icc import to_srgb
from photochrom.picture.metadata.profiles import cicp_profile
from tests.helpers import srgb_formulas
from tests.helpers.picture_files import png

RAMP = np.tile(np.arange(256, dtype=np.uint8), (32, 1))


def light(codes: NDArray[Any]) -> NDArray[np.float64]:
    """Linear light of sRGB codes, uint8 or uint16."""
    return srgb_formulas.light(codes / np.iinfo(codes.dtype).max)


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
