"""Pillow's plugins, for the formats that libvips does not read, and images of Pillow's own."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from ...errors import PictureError
from ...media import FORMATS
from ..metadata.containers import jp2_metadata
from ..source import Source, unreadable
from .decoding import Decoded, check_size, damaged, full_range


def decode_pillow(source: Source, format: str, limit: int) -> Decoded:
    """Decode a format that a plugin of Pillow reads; errors as of `decode_vips`."""
    icc = exif = xmp = bits = None
    with source.open() as file:
        try:
            if format == "jp2":
                icc, exif, xmp, bits = jp2_metadata(file)
            file.seek(0)
            image = pillow_plugin(format)(file)
            check_size(source.name, image.size, limit)
            if format == "jp2" and image.mode not in ("L", "I;16") and (bits or 8) > 8:
                fix = "convert it to a 16-bit TIFF first"
                got = f"JPEG 2000 with {bits} bits per channel in {image.mode}"
                raise unreadable(source.name, got, fix, "8 bits per channel, or 16-bit grey")
            image.load()
        except PictureError:
            raise
        except Exception as error:  # Pillow raises nearly anything on a crafted file
            words = str(error).splitlines()
            raise damaged(source, format, words[0] if words else type(error).__name__) from None
    found = from_pillow(image, source.name)
    found.icc, found.exif, found.xmp = icc, exif, xmp
    found.samples = full_range(found.samples, bits)
    return found


def pillow_plugin(format: str) -> Any:
    """The class of Pillow's images of a format.

    `Image.open` would try every other decoder of Pillow, too, and applies a limit of pixels of its
    own.
    """
    name = FORMATS[format].plugin
    return getattr(import_module(f"PIL.{name}ImagePlugin"), f"{name}ImageFile")


def from_pillow(image: Any, name: str) -> Decoded:
    """Samples, space, profile and resolution of a Pillow image; PictureError if damaged or deep."""
    mode = image.mode
    try:
        if mode == "I":
            samples = np.asarray(image)
            if samples.min() < 0 or samples.max() > 65535:
                raise ValueError("32-bit integers beyond 0...65535")
            samples, mode = samples.astype(np.uint16), "L"
        else:
            clear = mode == "P" and "transparency" in image.info
            mode = {"1": "L", "P": "RGBA" if clear else "RGB", "PA": "RGBA", "La": "LA"}.get(
                mode, {"RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB"}.get(mode, mode)
            )
            image = image if image.mode == mode else image.convert(mode)
            samples = np.asarray(image)
    except Exception as error:  # a lazily opened file is decoded here
        raise unreadable(name, str(error), "open it from its file", "an intact picture") from None
    if mode not in ("L", "LA", "RGB", "RGBA", "CMYK") and not mode.startswith("I;16"):
        fix = "convert it to 16 bits per channel first"
        raise unreadable(name, f"the mode {mode}", fix, "a mode with 8 or 16 bits per channel")
    if samples.dtype.itemsize == 2:
        samples = samples.astype(np.uint16)
    space = "cmyk" if mode == "CMYK" else "rgb" if mode.startswith("RGB") else "grey"
    found = Decoded(samples=samples.reshape(*samples.shape[:2], -1), space=space)
    dpi = image.info.get("dpi")
    if isinstance(dpi, tuple) and len(dpi) == 2 and min(dpi) > 0:
        found.dpi = (float(dpi[0]), float(dpi[1]))
    return found
