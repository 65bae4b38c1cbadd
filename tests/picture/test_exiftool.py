"""Before and after by exiftool: an empty difference but for what docs/pictures.md names."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photochrom import open_picture
from photochrom.picture import Deferred
from tests.helpers.grey_jpegs import grey_jpeg, scene
from tests.helpers.picture_files import colour, exif_block

pytestmark = pytest.mark.skipif(not shutil.which("exiftool"), reason="needs exiftool")

NOTE = "Colours inferred by Photochrom, model test; not evidence."
OTHER = {  # of the file, or of how pixels are stored, or named in the docs
    *("BitsPerSample", "ColorComponents", "ColorType", "ExifImageHeight", "ExifImageWidth"),
    *("Orientation", "PhotometricInterpretation", "PlanarConfiguration", "Predictor"),
    *("RowsPerStrip", "SampleFormat", "SamplesPerPixel", "StripByteCounts", "StripOffsets"),
    *("YCbCrSubSampling", "UserComment", "AISystemUsed", "DigitalSourceType", "History"),
    *("YCbCrPositioning", "BackgroundColor", "ModifyDate", "Filter", "Interlace"),
}
WRITTEN = [
    *("-XMP-dc:Title=Ein Titel", "-XMP-dc:Subject=Berlin", "-XMP-xmp:Rating=4"),
    *("-IPTC:Keywords=Oma", "-Photoshop:URL=http://x.example", "-EXIF:GPSLatitude=52.5"),
    *("-EXIF:DateTimeOriginal=1931:05:06 12:00:00", "-XMP-mwg-rs:RegionName=Oma"),
]


def source(kind: str) -> bytes:
    file = io.BytesIO()
    if kind == "png":
        Image.fromarray(scene(90, 61)).save(file, "PNG", exif=exif_block(1), dpi=(600, 600))
    elif kind == "tif":
        image = Image.fromarray(scene(90, 61).astype(np.uint16) * 257)
        image.save(file, "TIFF", compression="tiff_lzw", dpi=(300, 300))
    else:
        turn = int(kind.removeprefix("jpg"))
        return grey_jpeg(exif=b"Exif\0\0" + exif_block(turn), comment=b"Box 12")
    return file.getvalue()


def tags(path: Path) -> dict[str, Any]:
    command = ["exiftool", "-j", "-a", "-G1", "-s", "-n", str(path)]
    found = json.loads(subprocess.check_output(command))[0]
    hidden = ("System:", "ExifTool:", "Composite:", "IFD1:", "SourceFile")
    return {
        key: value
        for key, value in found.items()
        if not key.startswith(hidden) and key.rpartition(":")[2] not in OTHER
    }


@pytest.mark.parametrize("kind", ["jpg1", "jpg6", "png", "tif"])
def test_nothing_is_lost(kind: str, tmp_path: Path) -> None:
    before, after = (tmp_path / f"{name}.{kind[:3]}" for name in "ab")
    before.write_bytes(source(kind))
    subprocess.run(["exiftool", "-q", "-m", "-overwrite_original", *WRITTEN, before], check=True)
    picture = open_picture(before)
    if picture.luma is None:
        rgb = colour(picture.pixels.dtype.name)
        picture.with_pixels(rgb).with_note(NOTE).save(after)
    else:
        planes = np.full((2, *picture.luma.half.shape), 140, np.uint8)
        pixels = Deferred((picture.height, picture.width, 3), picture.dtype, colour)
        picture.colored(pixels, lambda: (planes[0], planes[1]), NOTE).save(after)
    assert tags(after) == tags(before)
