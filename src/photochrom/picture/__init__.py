"""Pictures: reading and writing photographs with everything the file says about them."""

from ..media import FORMATS, default_suffix
from .colorfulness import is_in_color
from .page import Deferred, Encoding, Metadata
from .picture import Picture
from .reading import MAX_PIXELS, open_pages, open_picture
from .uncolor import uncolor, was_colored
from .writing import save_pages

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "Deferred",
    "Encoding",
    "Metadata",
    "Picture",
    "default_suffix",
    "is_in_color",
    "open_pages",
    "open_picture",
    "save_pages",
    "uncolor",
    "was_colored",
]
