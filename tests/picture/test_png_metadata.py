"""Metadata in PNG files that stand elsewhere than libvips looks for them."""

from __future__ import annotations

import struct
import zlib

import pytest

from photochrom import open_picture
from tests.helpers.picture_files import IPTC, exif_block, grey, png


def hex_profile(name: str, data: bytes) -> tuple[bytes, bytes]:
    """As ImageMagick writes it."""
    text = f"\n{name}\n{len(data):8d}\n{data.hex()}\n".encode()
    return b"zTXt", b"Raw profile type " + name.encode() + b"\0\0" + zlib.compress(text)


@pytest.mark.parametrize("behind", [False, True])
def test_profiles_that_imagemagick_keeps_in_texts(behind: bool) -> None:
    path = b"8BIM\x07\xd0\0\0\0\0\0\4path"
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0" * (len(IPTC) % 2)
    data = png(
        grey(),
        hex_profile("exif", b"Exif\0\0" + exif_block(1)),
        hex_profile("8bim", block + path),
        behind=behind,
    )
    metadata = open_picture(data).metadata
    assert metadata.exif is not None
    assert b"Leitz" in metadata.exif
    assert (metadata.iptc, metadata.photoshop) == (IPTC, path)
    for format in ("png", "jpeg", "tiff"):
        again = open_picture(open_picture(data).to_bytes(format)).metadata
        assert (again.iptc, again.photoshop) == (IPTC, path), format


def test_exif_behind_the_pixels_of_a_png() -> None:
    metadata = open_picture(png(grey(), (b"eXIf", exif_block(1)), behind=True)).metadata
    assert metadata.exif is not None
    assert b"Leitz" in metadata.exif
