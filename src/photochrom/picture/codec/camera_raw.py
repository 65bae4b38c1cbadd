"""Camera raw files, developed by LibRaw (rawpy, extra ``raw``)."""

from __future__ import annotations

import io

from ...errors import MissingExtraError
from ..source import Source, unreadable
from .decoding import Decoded, check_size


def decode_raw(source: Source, limit: int) -> Decoded:
    """Develop a raw file with the camera's white balance, to 16 bits of sRGB (needs rawpy)."""
    try:
        import rawpy
    except ImportError:
        what = f"developing {source.name}, a camera raw file,"
        raise MissingExtraError.of("rawpy", "raw", what) from None
    try:
        with rawpy.imread(source.path or io.BytesIO(source.data or b"")) as raw:
            check_size(source.name, (raw.sizes.iwidth, raw.sizes.iheight), limit)
            samples = raw.postprocess(
                use_camera_wb=True, output_bps=16, gamma=(2.4, 12.92), no_auto_bright=False
            )
    except rawpy.LibRawError as error:
        words = str(error).strip("b'").splitlines() or ["damaged data"]
        fix = "develop it to a TIFF first (darktable, RawTherapee, Lightroom)"
        raise unreadable(
            source.name, f"a camera raw file ({words[0]})", fix, "an intact one of a known camera"
        ) from None
    return Decoded(samples=samples, space="rgb", orientation=1)  # LibRaw has turned them
