"""Camera raw files: developed, or refused where rawpy is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from photochrom import MissingExtraError, open_picture
from photochrom.color import neutral
from tests.helpers.picture_files import grey


def test_camera_raw_is_no_picture_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)
    tifffile = pytest.importorskip("tifffile", reason="needs tifffile")
    for name, tags in (
        ("cfa.dng", {"photometric": 32803, "extratags": [(50706, "B", 4, bytes([1, 4, 0, 0]))]}),
        ("linear.dng", {"extratags": [(50706, "B", 4, bytes([1, 4, 0, 0]))]}),
    ):
        tifffile.imwrite(tmp_path / name, grey("uint16"), **tags)
        with pytest.raises(MissingExtraError, match=r"camera raw file.*photochrom\[raw\]"):
            open_picture(tmp_path / name)


def test_camera_raw_is_developed(tmp_path: Path) -> None:
    pytest.importorskip("rawpy", reason="needs rawpy (extra raw)")
    tifffile = pytest.importorskip("tifffile", reason="needs tifffile")
    tags = [(50706, "B", 4, bytes([1, 4, 0, 0])), (33421, "H", 2, (2, 2))]
    tags.append((33422, "B", 4, bytes([0, 1, 1, 2])))
    sensor = np.tile(np.linspace(500, 60000, 160).astype(np.uint16), (120, 1))
    tifffile.imwrite(tmp_path / "a.dng", sensor, photometric=32803, extratags=tags)
    picture = open_picture(tmp_path / "a.dng")
    assert (picture.depth, picture.format, picture.suffix) == (16, None, ".png")
    row = neutral(picture.pixels)[60].astype(int)
    assert row[10] < row[80] < row[150]
    assert "raw data" in picture.notes[0]
