"""Pictures of the report: small, and in sRGB whatever their profile."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photochrom import open_picture
from photochrom.archive.html_report import _thumbnail
from tests.helpers.picture_files import grey_profile


def seen(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_a_thumbnail_obeys_the_profile(tmp_path: Path, gamma: float) -> None:
    path = tmp_path / "a.png"
    ramp = np.repeat(np.linspace(20, 240, 300).astype(np.uint8)[None], 200, 0)
    Image.fromarray(ramp).save(path, icc_profile=grey_profile(gamma))
    small = seen(_thumbnail(str(path)))
    truth = open_picture(path).pixels[0] / 257
    for part in (0.1, 0.5, 0.9):
        there = small[small.shape[0] // 2, int(part * small.shape[1])].mean()
        assert abs(there - truth[int(part * 300)]) < 5
