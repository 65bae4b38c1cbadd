"""HEIC files, by libheif through pillow-heif (extra ``heif``)."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from ...color import Codes
from ...errors import MissingExtraError, PictureError
from ..metadata import Attachments
from ..metadata.containers import sequence_length
from ..metadata.profiles import nclx_profile
from ..page import Encoding, Page
from ..source import Source
from . import array_of
from .decoding import Decoded, check_size, damaged, full_range
from .vips_image import unsuitable, vips_image


def decode_heic(source: Source, limit: int) -> Decoded:
    """Decode a HEIC (needs pillow-heif); PictureError if it is damaged or too large."""
    try:
        import pillow_heif
    except ImportError:
        raise MissingExtraError.of("pillow-heif", "heif", "reading HEIC pictures") from None
    try:
        with source.open() as file:
            named, frames = nclx_profile(file, grey=False), sequence_length(file)
            file.seek(0)
            opened = pillow_heif.open_heif(file, convert_hdr_to_8bit=False)
            further = max(len(opened), frames) - 1
        check_size(source.name, opened.size, limit)
        samples = np.array(np.asarray(opened))
        (width, height), info = opened.size, opened.info
    except PictureError:
        raise
    except Exception as error:  # of any kind on a crafted file
        words = str(error).splitlines()
        raise damaged(source, "heic", words[0] if words else "no picture") from None
    channels = samples.size // (width * height)
    samples = samples.reshape(height, -1, channels)[:, :width]
    bits = info["bit_depth"] if info["bit_depth"] in (10, 12) else None
    return Decoded(
        samples=full_range(samples, bits),
        space="grey" if channels < 3 else "rgb",
        orientation=1,  # libheif has turned them
        exif=info.get("exif"),
        icc=info.get("icc_profile") or named,
        xmp=info.get("xmp"),
        encoding=Encoding(bits=bits),
        further=further,
    )


def encode_heic(
    picture: Page,
    alpha: Codes | None,
    file: BinaryIO,
    depth: int,
    quality: int | None,
    extra: Attachments,
) -> None:
    """Encode a HEIC (needs pillow-heif); PictureError if it cannot hold the picture."""
    try:
        import pillow_heif
    except ImportError:
        raise MissingExtraError.of("pillow-heif", "heif", "writing HEIC pictures") from None
    # Phones decode 10 bits in hardware, and 4:2:0 only.
    bits = picture.metadata.encoding.bits or 10
    samples = array_of(vips_image(picture, alpha, depth, bits, extra.icc))
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[samples.shape[2]] + (";16" if depth == 16 else "")
    metadata = {
        "exif": b"Exif\0\0" + extra.exif if extra.exif else None,
        "xmp": extra.xmp,
        "icc_profile": extra.icc,
    }
    colour = {"color_primaries": 1, "transfer_characteristic": 13, "matrix_coefficients": 6}
    try:
        pillow_heif.encode(
            mode,
            (picture.width, picture.height),
            samples.tobytes(),
            file,
            quality=quality,
            bit_depth=bits if depth == 16 else 8,
            enc_params={"preset": "ultrafast"},  # ten times as fast, files as small and as good
            **{key: value for key, value in metadata.items() if value},
            **colour,
        )
    except (ValueError, RuntimeError) as error:
        raise unsuitable(picture, "heic", error) from None
