"""The colours of a luma, against the formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest

from photochrom.color import lightness, srgb_to_lab

pytest.importorskip("cv2", reason="needs OpenCV (extra video)")

from photochrom.color.luma import chroma_of, lightness_of, luma_of
from photochrom.video.color.tones import Tones
from tests.helpers.luma_formulas import luma_chroma, to_rgb


@pytest.mark.parametrize("matrix", ["bt709", "bt601", "smpte240m", "fcc"])
def test_a_colour_comes_back_from_its_luma_and_ab(matrix: str) -> None:
    rgb = np.random.default_rng(3).uniform(0, 1, (200, 200, 3))
    luma, *chroma = np.moveaxis(luma_chroma(rgb, matrix), -1, 0)
    ab = np.moveaxis(srgb_to_lab(rgb)[..., 1:], -1, 0)
    found = chroma_of(lightness(luma), np.ascontiguousarray(ab), matrix)
    error = np.abs(np.array(found) - chroma) * 224
    assert error.mean() < 0.3  # of an 8-bit code
    assert np.percentile(error, 99) < 5
    inner = (np.abs(rgb - 0.5) < 0.25).all(-1)  # clear of the gamut's edge
    assert error[:, inner].mean() < 0.15
    assert np.percentile(error[:, inner], 99) < 1


def test_a_colour_of_bt2020() -> None:
    """Through the linear matrix of ITU-R BT.2087, independent of the primaries."""
    to_2020 = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    rgb = np.random.default_rng(4).uniform(0.2, 0.8, (100, 100, 3))
    linear = ((rgb + 0.055) / 1.055) ** 2.4 @ np.array(to_2020).T
    wide = 1.055 * linear ** (1 / 2.4) - 0.055
    luma, *chroma = np.moveaxis(luma_chroma(wide, "bt2020nc"), -1, 0)
    ab = np.ascontiguousarray(np.moveaxis(srgb_to_lab(rgb)[..., 1:], -1, 0))
    found = chroma_of(lightness(luma), ab, "bt2020nc")
    error = np.abs(np.array(found) - chroma) * 224
    assert error.mean() < 0.15
    assert error.max() < 3


def test_too_much_chroma_keeps_its_hue() -> None:
    hues = np.linspace(-np.pi, np.pi, 73)[None]
    direction = np.stack([np.cos(hues), np.sin(hues)]).astype(np.float32)
    for L in (20, 50, 80):
        grey = np.full(hues.shape, L, np.float32)
        found = np.array(chroma_of(grey, 105 * direction, "bt709"))
        codes = Tones("bt709", True, 12)
        as_codes = np.rint(found * codes.chroma_range + codes.neutral).astype(np.uint16)
        luma = luma_of(grey).astype(float) * codes.luma_range
        rgb = to_rgb(luma, *as_codes, codes)
        assert rgb.min() > -0.03
        assert rgb.max() < 1.03
        lab = srgb_to_lab(np.clip(rgb, 0, 1))[0]
        turned = np.arctan2(lab[:, 2], lab[:, 1]) - hues[0]
        assert np.abs((np.degrees(turned) + 180) % 360 - 180).max() < 6


def test_lightness_and_luma_are_each_others_inverse() -> None:
    luma = np.linspace(0, 1, 1001, dtype=np.float32)
    np.testing.assert_allclose(luma_of(lightness_of(luma)), luma, atol=4e-4)
