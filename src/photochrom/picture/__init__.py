"""Pictures: reading and writing photographs with everything the file says about them."""

from ..media import FORMATS, default_suffix
from .picture import Encoding, Metadata, Picture
from .reading import MAX_PIXELS, open_pages, open_picture
from .writing import save_pages

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "Encoding",
    "Metadata",
    "Picture",
    "default_suffix",
    "open_pages",
    "open_picture",
    "save_pages",
]
